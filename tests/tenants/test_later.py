"""What nobody waits for goes with the next statement; what goes wrong with it is told by that."""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, text
from sqlalchemy.exc import DBAPIError

from domain.kernel.errors import Invalid
from tenants.ahead import written
from tenants.database import make_engine
from tenants.fixed import Fixed
from tenants.log import Event
from tenants.repeat import Repeat
from tenants.tables import event, idempotency
from tenants.work import Database

ODD = 'it\'s \\ "quoted", $1 {é}\n\t;commit --'
SOME_ID = UUID("0189c2f8-0000-7000-8000-000000000001")


class Word(StrEnum):
    ONE = "one's value"


KINDS = {
    "text": [ODD, "", Word.ONE],
    "uuid": [SOME_ID],
    "bool": [True, False],
    "bigint": [0, -(2**63), 2**63 - 1],
    "numeric": [Decimal("-1.50"), Decimal("1E+3"), Decimal("NaN"), 7],
    "timestamptz": [datetime(2026, 12, 1, 9, 30, 15, 123456, tzinfo=UTC)],
    "date": [date(2026, 2, 28)],
    "bytea": [b"", b"\0\\x'\"\xff"],
    "text[]": [[], [ODD, None, "", "NULL", "a,b", Word.ONE]],
    "uuid[]": [[SOME_ID, None]],
    "numeric[]": [[Decimal("1.10"), -3]],
    "bool[]": [[True, None, False]],
}
VALUES = [(kind, each) for kind, several in KINDS.items() for each in several]


@pytest_asyncio.fixture(params=[False, True], ids=["direct", "behind a proxy"])
async def pooled(endpoints, request):
    url = endpoints.url("app", driver="asyncpg")
    engine = make_engine(url, pool_size=1, pooled_by_proxy=request.param)
    yield engine
    await engine.dispose()


@pytest.fixture
def mine(pooled):
    return Database(pooled)


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


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)))
def test_a_list_is_read_back_as_it_was(several):
    told = written(several)[4:].decode()
    found, rest = [], told[1:-1]
    while rest:
        if rest.startswith("NULL"):
            found.append(None)
            rest = rest[4:]
        else:
            end, word = 1, ""
            while rest[end] != '"':
                end += rest[end] == "\\"
                word += rest[end]
                end += 1
            found.append(word)
            rest = rest[end + 1 :]
        rest = rest.removeprefix(",")
    assert found == several
    assert (told[0], told[-1]) == ("{", "}")


@pytest.mark.parametrize("value", [1.5, {"a": 1}, (1,), [1.5]])
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
    seq = iter(range(101, 104))

    async def command(work):
        await work.later(TELL, telling(brand, seq=next(seq)))
        await work.rows(ONE)

    await mine.write(scope_for(brand), command)
    sent = []
    async with pooled.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        driver.add_query_logger(lambda one: sent.append(one.query))
    await mine.write(scope_for(brand), command)
    ahead = bool(driver._config.statement_cache_size)
    assert [one for one in sent if "insert into event" in one] == ([] if ahead else [TELL.text])
    assert sent, "the others are logged"


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


async def test_a_value_of_no_type_behind_it_is_a_bug_and_commits_nothing(
    mine, pooled, brand, make, scope_for
):
    wrong = Fixed(text("select cast(:n as bigint) as n").bindparams(bindparam("n")))

    async def command(work):
        await work.later(TELL, telling(brand))
        await work.rows(wrong, {"n": "no number"})

    with pytest.raises((ValueError, DBAPIError)):
        await mine.write(scope_for(brand), command)
    assert make.rows(event, brand) == []
    assert pooled.pool.checkedout() == 0
    assert (await mine.write(scope_for(brand), lambda work: work.rows(ONE))).value
