"""Denied attempts: the first on record at once, repeats in one row at the end of the minute."""

import asyncio

import pytest

from tenants import tables
from tenants.context import Scope
from tenants.denials import WINDOW_S, Denials
from tenants.tokens import NO_BRAND


class Watch:
    at = 100.0

    def __call__(self):
        return self.at


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def denials(database, watch):
    return Denials(database, monotonic=watch)


def trail(make, brand):
    return [(row.action, row.outcome, row.repeats) for row in make.rows(tables.audit, brand)]


async def test_the_first_at_once_and_repeats_in_one_row(denials, watch, make, brand, scope_for):
    scope = scope_for(brand, "support")
    await denials.denied(scope, "audit:read")
    assert trail(make, brand) == [("audit:read", "DENIED", 1)]
    for _ in range(41):
        await denials.denied(scope, "audit:read")
    watch.at += WINDOW_S - 0.1
    assert await denials.flush() == 0
    assert len(trail(make, brand)) == 1
    watch.at += 0.1
    assert await denials.flush() == 1
    assert trail(make, brand)[1:] == [("audit:read", "DENIED", 41)]
    assert await denials.flush() == 0
    await denials.denied(scope, "audit:read")
    assert trail(make, brand)[2:] == [("audit:read", "DENIED", 1)]


async def test_a_new_minute_without_a_flush_loses_nothing(denials, watch, make, brand, scope_for):
    scope = scope_for(brand, "support")
    for _ in range(3):
        await denials.denied(scope, "audit:read")
    watch.at += WINDOW_S
    await denials.denied(scope, "audit:read")
    assert [repeats for _, _, repeats in trail(make, brand)] == [1, 2, 1]


async def test_counted_by_brand_actor_and_operation(denials, make, brand, brand_b, scope_for):
    for scope in (scope_for(brand, "support"), scope_for(brand, "sales"), scope_for(brand)):
        await denials.denied(scope, "audit:read")
        await denials.denied(scope, "tokens:read")
    await denials.denied(scope_for(brand_b, "support"), "audit:read")
    assert len(trail(make, brand)) == 6
    assert len(trail(make, brand_b)) == 1


async def test_closing_writes_what_is_still_counted(denials, make, brand, scope_for):
    client = make.client(brand)
    for _ in range(3):
        await denials.denied(scope_for(brand, client=client), "audit:read")
    await denials.close()
    rows = make.rows(tables.audit, brand)
    assert [(row.actor_kind, row.actor_id, row.repeats) for row in rows] == [
        ("CLIENT", client.id, 1),
        ("CLIENT", client.id, 2),
    ]
    await denials.close()
    assert len(make.rows(tables.audit, brand)) == 2


async def test_a_token_revoked_meanwhile_is_still_on_record(denials, make, brand, scope_for):
    token = make.staff_token(brand, "support")
    scope = scope_for(brand, "support", token_id=token.id)
    await denials.denied(scope, "a")
    make.run(brand, tables.token.update().values(revoked_at=tables.token.c.created_at))
    await denials.denied(scope, "b")
    rows = make.rows(tables.audit, brand)
    assert [(row.action, row.token_id) for row in rows] == [("a", token.id), ("b", None)]


async def test_attempts_without_a_brand_are_nobodys(denials, scope_for, brand):
    await denials.denied(Scope(brand_id=NO_BRAND, actor=scope_for(brand).actor), "audit:read")
    assert await denials.flush(everything=True) == 0


async def test_repeats_are_written_while_it_runs_and_at_its_end(
    denials, watch, make, brand, scope_for
):
    scope = scope_for(brand, "support")
    async with denials.running():
        for _ in range(3):
            await denials.denied(scope, "a")
            await denials.denied(scope, "b")
        watch.at += WINDOW_S
        await asyncio.sleep(1.3)
        assert sorted(trail(make, brand))[1::2] == [("a", "DENIED", 2), ("b", "DENIED", 2)]
        await denials.denied(scope, "c")
        await denials.denied(scope, "c")
    assert trail(make, brand)[-1] == ("c", "DENIED", 1)
