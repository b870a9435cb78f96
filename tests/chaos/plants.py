"""Bugs planted on purpose: a checker that does not find each of them within a minute is none.

Each breaks one promise that the product keeps by design, in the forked processes, in the database,
or in the driver; a campaign with one of them must end with findings.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import insert, text

from domain.payments.adapters import sandbox as adapter
from tenants import log, work
from tenants.context import Scope
from tenants.judge import question
from tenants.log import Change, Event
from tenants.tables import event
from tests.chaos.patch import patch
from tests.chaos.stage import PREFIX, Stage

PLANTS = {
    "unique_key": "no unique key on stored answers and transfers",
    "lock_order": "balances are locked in the order in which callers name them",
    "publish_before_commit": "events are committed before what they tell",
    "retry_without_key": "the PSP is asked again under another key, and forgets keys itself",
    "naive_cursor": "events are numbered by a sequence, as a serial column would be",
}
CALM = {"lock_order": "move", "retry_without_key": "deposit"}
"""Those that show when many do the same at once, and what: fewer kills find them sooner."""
NESTED = ("publish_before_commit",)
"""Those that take a second connection while they hold one."""
_LOCKING = "select greatest(max(a.posted_at), ("
# One after the other, as separate statements of a caller would be, a round trip apart.
_UNORDERED = """for i in 1 .. cardinality(l_account) loop
        perform 1 from ledger_account x where x.brand_id = p_brand and x.id = l_account[i]
            and x.min_balance is not null for no key update;
        perform pg_sleep(0.002);
    end loop;
    """
_NUMBERS = text("select nextval(cast(:name as regclass)) from generate_series(1, :count)")
_HEAD = text(
    "update brand_head set event_seq = greatest(event_seq, :seq) where brand_id = :brand_id"
)


def break_database(plant: str, stage: Stage) -> None:
    """Break what the database promises, before servers and workers start."""
    with stage.look() as look:
        if plant == "unique_key":
            look.execute("alter table idempotency drop constraint pk_idempotency")
            look.execute(
                "alter table ledger_transfer drop constraint uq_ledger_transfer_brand_id_key"
            )
        elif plant == "lock_order":
            _unorder(look)
        elif plant == "naive_cursor":
            _number(look)


def break_process(plant: str) -> None:
    """Break the code of all servers and workers, before they are forked."""
    if plant == "publish_before_commit":
        patch(work, "append", _publish_early)
    elif plant == "naive_cursor":
        patch(work, "append", _number_naively)
    elif plant == "retry_without_key":
        patch(adapter._Write, "__init__", _keyless)
        patch(adapter.SandboxPsp, "_look", _blind)


def _unorder(look: psycopg.Connection[Any]) -> None:
    found = look.execute(
        "select pg_get_functiondef(p.oid) as body from pg_proc p"
        " join pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname = 'ledger' and p.proname in ('post', 'post_many')"
    ).fetchall()
    assert len(found) == 2
    for row in found:
        assert _LOCKING in row["body"], "the plant no longer fits ledger.post"
        look.execute(row["body"].replace(_LOCKING, _UNORDERED + _LOCKING).encode())


def _number(look: psycopg.Connection[Any]) -> None:
    """A sequence for each brand, from where its log stands."""
    look.execute(f"grant usage on schema chaos to {PREFIX}_app".encode())
    for row in look.execute("select brand_id, event_seq from brand_head").fetchall():
        name = _sequence(row["brand_id"])
        start = int(row["event_seq"]) + 1
        look.execute(f"create sequence {name} start {start}".encode())
        look.execute(f"grant usage on {name} to {PREFIX}_app, {PREFIX}_worker".encode())


def _sequence(brand_id: UUID) -> str:
    return f"chaos.n_{brand_id.hex}"


async def _publish_early(
    writing: Any, scope: Scope, at: datetime, events: Sequence[Event], changes: Sequence[Change]
) -> int | None:
    async with work._transaction(writing._connection.engine, scope, question(scope, {})) as apart:
        return await log.append(apart, scope, at, events, changes)


async def _number_naively(
    writing: Any, scope: Scope, at: datetime, events: Sequence[Event], changes: Sequence[Change]
) -> int | None:
    if events:
        asked = {"name": _sequence(scope.brand_id), "count": len(events)}
        numbers = [int(row[0]) for row in await writing.rows(_NUMBERS, asked)]
        rows = [
            log._event_row(scope, at, seq, one) for seq, one in zip(numbers, events, strict=True)
        ]
        await writing.rows(insert(event).values(rows))
        await writing.rows(_HEAD, {"seq": numbers[-1], "brand_id": scope.brand_id})
    await log.append(writing, scope, at, (), changes)
    return numbers[-1] if events else None


def _keyless(self: Any, path: str, body: Any, _key: str, search: Any) -> None:
    self.path, self.body, self.key, self.search = path, body, uuid4().hex, search


async def _blind(_self: Any, _write: Any) -> None:
    """Nothing is searched before it is sent again."""
