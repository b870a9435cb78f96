"""The audit chain: sealed in order, and every kind of tampering found at its place."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tenants import tables
from tenants.log import Change
from tenants.seal import _SEALED, BEGINNING, Fault, FaultKind, link, row_hash, seal, verify


@pytest.fixture
async def trail(database, worker_database, brand, scope_for):
    """Six audited changes of a brand, sealed."""
    scope = scope_for(brand, "brand_admin")

    async def audited(work):
        work.audit(Change("thing.change", after={"at": 1.5, "who": "Ω"}, reason="test"))
        work.audit(Change("thing.change", before={"b": [1, None]}))

    for _ in range(3):
        await database.write(scope, audited)
    assert await seal(worker_database, brand.id) == 6
    return brand


@pytest.fixture
def tamper(superuser):
    """Run SQL as whoever owns the machine, past triggers and references."""

    def run(statement, *values):
        superuser.execute("set session_replication_role = replica")
        try:
            superuser.execute(statement, values)
        finally:
            superuser.execute("set session_replication_role = origin")

    return run


async def test_a_sealed_trail_has_no_fault_and_sealing_again_adds_nothing(
    worker_database, trail, make
):
    assert await verify(worker_database, trail.id) == ()
    assert await seal(worker_database, trail.id) == 0
    rows, seals = make.rows(tables.audit, trail), make.rows(tables.audit_seal, trail)
    previous = BEGINNING
    for row, sealed in zip(rows, seals, strict=True):
        previous = link(previous, row.seq, row_hash(row))
        assert sealed.hash == previous


async def test_sealing_goes_on_where_it_stopped(worker_database, database, trail, scope_for):
    async def audited(work):
        for _ in range(5):
            work.audit(Change("thing.change"))

    await database.write(scope_for(trail, "sales"), audited)
    assert await seal(worker_database, trail.id, at_most=2) == 2
    assert await seal(worker_database, trail.id, at_most=2) == 2
    assert await seal(worker_database, trail.id, at_most=2) == 1
    assert await verify(worker_database, trail.id) == ()


async def test_edit(worker_database, trail, tamper):
    for column, value in (("reason", "'else'"), ("actor_id", "null"), ("repeats", "2")):
        statement = f"update audit set {column} = {value} where brand_id = %s and seq = 3"
        tamper(statement, trail.id)
        assert await verify(worker_database, trail.id) == (Fault(FaultKind.EDITED, 3),)


async def test_a_forged_seal(worker_database, trail, tamper):
    tamper("update audit_seal set hash = %s where brand_id = %s and seq = 4", b"x" * 32, trail.id)
    found = await verify(worker_database, trail.id)
    assert found == (Fault(FaultKind.EDITED, 4), Fault(FaultKind.EDITED, 5))


async def test_deletion_with_and_without_its_seal(worker_database, trail, tamper):
    tamper("delete from audit where brand_id = %s and seq = 2", trail.id)
    assert await verify(worker_database, trail.id) == (Fault(FaultKind.MISSING, 2),)
    tamper("delete from audit_seal where brand_id = %s and seq = 2", trail.id)
    assert await verify(worker_database, trail.id) == (Fault(FaultKind.MISSING, 2),)


async def test_a_closed_gap(worker_database, trail, tamper):
    """Deleting a row and moving the rest up hides nothing: every seal after it is wrong."""
    tamper("delete from audit where brand_id = %s and seq = 2", trail.id)
    for seq in range(3, 7):
        tamper("update audit set seq = %s where brand_id = %s and seq = %s", seq - 1, trail.id, seq)
    kinds = {(one.seq, one.kind) for one in await verify(worker_database, trail.id)}
    assert {seq for seq, _ in kinds} == {2, 3, 4, 5, 6}
    assert (6, FaultKind.MISSING) in kinds


async def test_reorder(worker_database, trail, tamper):
    for old, new in ((2, 100), (5, 2), (100, 5)):
        tamper("update audit set seq = %s where brand_id = %s and seq = %s", new, trail.id, old)
    assert await verify(worker_database, trail.id) == (
        Fault(FaultKind.REORDERED, 2),
        Fault(FaultKind.REORDERED, 5),
    )


async def test_a_tail_cut_off(worker_database, trail, tamper):
    tamper("delete from audit_seal where brand_id = %s and seq > 4", trail.id)
    tamper("delete from audit where brand_id = %s and seq > 4", trail.id)
    assert await verify(worker_database, trail.id) == (Fault(FaultKind.MISSING, 5),)


async def test_a_seal_taken_away(worker_database, trail, tamper):
    tamper("delete from audit_seal where brand_id = %s and seq = 2", trail.id)
    assert await verify(worker_database, trail.id) == (Fault(FaultKind.SEAL_MISSING, 2),)


async def test_the_sealer_falls_behind(worker_database, database, trail, scope_for):
    async def audited(work):
        work.audit(Change("thing.change"))

    await database.write(scope_for(trail, "sales"), audited)
    assert await verify(worker_database, trail.id) == ()
    later = datetime.now(UTC) + timedelta(seconds=6)
    assert await verify(worker_database, trail.id, now=later) == (Fault(FaultKind.UNSEALED, 7),)


async def test_the_sealer_stops_at_a_gap(worker_database, database, trail, tamper, scope_for):
    async def audited(work):
        for _ in range(3):
            work.audit(Change("thing.change"))

    await database.write(scope_for(trail, "sales"), audited)
    tamper("delete from audit where brand_id = %s and seq = 8", trail.id)
    assert await seal(worker_database, trail.id) == 1
    assert await seal(worker_database, trail.id) == 0
    assert Fault(FaultKind.MISSING, 8) in await verify(worker_database, trail.id)


async def test_only_one_sealer_of_a_brand_works(worker_database, trail, database, scope_for):
    async def audited(work):
        for _ in range(20):
            work.audit(Change("thing.change"))

    await database.write(scope_for(trail, "sales"), audited)
    sealed = await asyncio.gather(*(seal(worker_database, trail.id) for _ in range(4)))
    assert sum(sealed) == 20
    assert await verify(worker_database, trail.id) == ()


async def test_numbers_of_any_size_are_sealed(worker_database, database, trail, scope_for, make):
    def audited(most):
        async def command(work):
            work.audit(Change("thing.change", after={"n": [most, {"deep": -most}], "yes": True}))

        return command

    for most in (2**53 - 1, 10**30):
        await database.write(scope_for(trail, "sales"), audited(most))
    assert await seal(worker_database, trail.id) == 2
    assert await verify(worker_database, trail.id) == ()
    kept = [row.after["n"] for row in make.rows(tables.audit, trail)[-2:]]
    small, large = 2**53 - 1, "1" + "0" * 30
    assert kept == [[small, {"deep": -small}], [large, {"deep": f"-{large}"}]]


def test_every_column_is_sealed():
    names = {column.name for column in tables.audit.c}
    assert names == {*_SEALED, "brand_id", "seq"}
