"""What nobody waits for goes with the next statement; what goes wrong with it is told by that."""

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from sqlalchemy import bindparam, text
from sqlalchemy.exc import DBAPIError

from domain.kernel.errors import Invalid, Unavailable
from tenants.ahead import written
from tenants.fixed import Fixed
from tenants.log import Event
from tenants.repeat import Repeat
from tenants.tables import event, idempotency

ODD = 'it\'s \\ "quoted", $1 {é}\n\t;commit --'
ZONELESS = datetime(2026, 12, 1, tzinfo=UTC).replace(tzinfo=None)
SOME_ID = UUID("0189c2f8-0000-7000-8000-000000000001")


class Word(StrEnum):
    ONE = "one's value"


KINDS = {
    "text": [ODD, "", Word.ONE],
    "uuid": [SOME_ID],
    "bool": [True, False],
    "bigint": [0, -(2**63), 2**63 - 1],
    "numeric": [Decimal("-1.50"), Decimal("1E+3"), Decimal("NaN"), 7],
    "timestamptz": [
        datetime(2026, 12, 1, 9, 30, 15, 123456, tzinfo=UTC),
        datetime(2026, 12, 1, 9, 30, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
    "date": [date(2026, 2, 28), date.max, date.min],
    "bytea": [b"", b"\0\\x'\"\xff", bytes(20_000)],
    "text[]": [[], [ODD, None, "", "NULL", "a,b", Word.ONE]],
    "uuid[]": [[SOME_ID, None]],
}
VALUES = [(kind, each) for kind, several in KINDS.items() for each in several]


def tell(kind: str) -> Fixed:
    """Write an event down, with a value as the server read it."""
    return Fixed(
        text(
            "insert into event"
            " (brand_id, seq, at, topic, kind, version, ib_path, actor_kind, payload) values"
            " (:brand, :seq, now(), 'CLIENT', 'recorded', 1, '', 'SYSTEM',"
            f" jsonb_build_object('said', cast(:value as {kind})::text))"
        )
    )


def telling(brand, value="x", seq=1):
    return {"brand": brand.id, "seq": seq, "value": value}


TELL = tell("text")
ONE = Fixed(text("select 1 as one"))
DEADLOCK = Fixed(text("do $$ begin raise 'both wait' using errcode = '40P01'; end $$"))


@pytest.mark.parametrize(("kind", "value"), VALUES)
async def test_a_value_arrives_as_the_driver_would_send_it(
    mine, brand, make, scope_for, kind, value
):
    same = Fixed(text(f"select (cast(:value as {kind}))::text as told"))

    async def command(work):
        await work.later(tell(kind), telling(brand, value))
        return (await work.one(same, {"value": value})).told

    expected = (await mine.write(scope_for(brand), command)).value
    assert [row.payload["said"] for row in make.rows(event, brand)] == [expected]


@pytest.mark.parametrize("value", [1.5, {"a": 1}, (1,), ["a"], date.max, ZONELESS, bytes(9_000)])
def test_what_has_no_text_is_left_to_the_driver(value):
    with pytest.raises(TypeError):
        written(value)


@pytest.mark.parametrize("last", ["nothing", "an event", "a statement", "one of SQLAlchemy's"])
async def test_it_is_sent_with_whatever_is_next(mine, pooled, brand, make, scope_for, last):
    async def command(work):
        await work.later(TELL, telling(brand, seq=101))
        await work.later(TELL, telling(brand, seq=102))
        if last == "an event":
            work.emit(Event(topic="CLIENT", kind="recorded", payload={"said": "x"}))
        elif last == "a statement":
            assert [row.one for row in await work.rows(ONE)] == [1]
        elif last == "one of SQLAlchemy's":
            assert (await work.one(text("select count(*) as n from event"))).n == 2
        return work.statements

    done = await mine.write(scope_for(brand), command)
    assert done.value == 3 + last.endswith("statement") + last.startswith("one of")
    assert {row.payload["said"] for row in make.rows(event, brand)} == {"x"}
    assert len(make.rows(event, brand)) == 2 + (last == "an event")
    assert pooled.pool.checkedout() == 0


async def test_it_is_no_round_trip_of_its_own(mine, pooled, brand, scope_for):
    """Neither in front of a statement nor of the commit."""
    seq = iter(range(101, 120))
    async with pooled.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
    ahead = bool(driver._config.statement_cache_size)

    async def trips(*, told: int) -> int:
        async def command(work):
            for _ in range(told):
                await work.later(TELL, telling(brand, seq=next(seq)))
            await work.rows(ONE)
            for _ in range(told):
                await work.later(TELL, telling(brand, seq=next(seq)))

        before = driver._protocol.queries_count
        await mine.write(scope_for(brand), command)
        return driver._protocol.queries_count - before

    await trips(told=1)  # what is prepared is prepared now
    assert await trips(told=2) - await trips(told=0) == (0 if ahead else 4)


@pytest.mark.parametrize("last", ["nothing", "an event", "a statement", "one of SQLAlchemy's"])
async def test_what_is_refused_of_it_is_told_by_the_next_and_undoes_all(
    mine, pooled, brand, make, scope_for, last
):
    async def command(work):
        await work.later(TELL, telling(brand, seq=101))
        await work.later(TELL, telling(brand, seq=101))
        if last == "an event":
            work.emit(Event(topic="CLIENT", kind="recorded"))
        elif last == "a statement":
            await work.rows(ONE)
        elif last == "one of SQLAlchemy's":
            await work.rows(text("select 1"))

    with pytest.raises(DBAPIError, match="pk_event"):
        await mine.write(scope_for(brand), command)
    assert make.rows(event, brand) == []
    assert pooled.pool.checkedout() == 0
    assert (await mine.write(scope_for(brand), lambda work: work.rows(ONE))).value


async def test_a_refused_command_leaves_nothing_of_it_and_its_refusal(
    mine, pooled, brand, make, scope_for
):
    async def command(work):
        await work.later(TELL, telling(brand))
        raise Invalid("INVALID", "No.")

    for replayed in (False, True):
        with pytest.raises(Invalid if not replayed else Exception) as refused:
            await mine.write(scope_for(brand), command, repeat=Repeat.of("thing", "a key", None))
        assert (refused.value.code, refused.value.replayed) == ("INVALID", replayed)
    assert make.rows(event, brand) == []
    assert [row.outcome for row in make.rows(idempotency, brand)] == ["REFUSED"]
    assert pooled.pool.checkedout() == 0


async def test_an_answer_is_kept_with_the_commit(mine, pooled, brand, make, scope_for):
    async def command(work):
        await work.later(TELL, telling(brand))
        return {"said": ODD, "n": 1}

    repeat = Repeat.of("thing", "a key", None)
    first = await mine.write(scope_for(brand), command, repeat=repeat)
    again = await mine.write(scope_for(brand), command, repeat=repeat)
    assert first.value == again.value == {"said": ODD, "n": 1}
    assert (first.replayed, again.replayed) == (False, True)
    assert len(make.rows(event, brand)) == 1


@pytest.mark.parametrize("doubled", [False, True])
async def test_a_value_of_no_type_behind_it_is_a_bug_and_commits_nothing(
    mine, pooled, brand, make, scope_for, doubled
):
    """What waited is on its way then, and has no end: nobody reads on, whatever becomes of it."""
    wrong = Fixed(text("select cast(:n as bigint) as n").bindparams(bindparam("n")))

    async def command(work):
        await work.later(TELL, telling(brand, seq=101))
        if doubled:
            await work.later(TELL, telling(brand, seq=101))
        await work.rows(wrong, {"n": "no number"})

    async with asyncio.timeout(2):
        with pytest.raises(DBAPIError):
            await mine.write(scope_for(brand), command)
    assert make.rows(event, brand) == []
    assert pooled.pool.checkedout() == 0
    assert (await mine.write(scope_for(brand), lambda work: work.rows(ONE))).value


async def test_what_has_rows_is_not_sent_ahead(mine, pooled, brand, scope_for):
    async def command(work):
        await work.later(ONE)
        return [row.one for row in await work.rows(ONE)]

    async with pooled.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
    if driver._config.statement_cache_size:
        with pytest.raises(Unavailable) as refused:
            await mine.write(scope_for(brand), command)
        assert isinstance(refused.value.__cause__, RuntimeError)
    else:
        assert (await mine.write(scope_for(brand), command)).value == [1]
    assert pooled.pool.checkedout() == 0


@pytest.mark.parametrize("last", ["nothing", "a statement"])
async def test_a_lost_connection_loses_it_and_says_so(
    mine, pooled, brand, make, scope_for, superuser, last
):
    async def command(work):
        pid = (await work.one(text("select pg_backend_pid() as pid"))).pid
        await work.later(TELL, telling(brand))
        superuser.execute("select pg_terminate_backend(%s, 5000)", [pid])
        if last == "a statement":
            await work.rows(ONE)

    with pytest.raises(Unavailable):
        await mine.write(scope_for(brand), command)
    assert make.rows(event, brand) == []
    assert pooled.pool.checkedout() == 0


async def test_a_deadlock_is_tried_again_with_all_of_it(mine, pooled, brand, make, scope_for):
    tries = []

    async def command(work):
        tries.append(work)
        await work.later(TELL, telling(brand))
        if len(tries) == 1:
            await work.rows(DEADLOCK)

    await mine.write(scope_for(brand), command)
    assert len(tries) == 2
    assert len(make.rows(event, brand)) == 1


async def test_a_refusal_made_of_a_failed_statement_is_stored(mine, pooled, brand, make, scope_for):
    """The savepoint is in the same message as the statement that fails."""

    async def command(work):
        try:
            await work.rows(DEADLOCK)
        except DBAPIError as error:
            raise Invalid("INVALID", "No.") from error

    with pytest.raises(Invalid):
        await mine.write(scope_for(brand), command, repeat=Repeat.of("thing", "a key", None))
    assert [row.outcome for row in make.rows(idempotency, brand)] == ["REFUSED"]
    assert pooled.pool.checkedout() == 0
