"""Looks at everything from outside, as a superuser, with its own SQL, and lists what is wrong."""

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from api.app import TOPICS
from tests.chaos import checks
from tests.chaos.journal import Intent
from tests.chaos.stage import PREFIX, Stage
from tests.chaos.subscriber import Seen
from tests.chaos.witness import WITNESS

REST_SECONDS = 60.0
_SHOWN = 3
_LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Finding:
    """A broken promise, how often, and some of the rows that show it."""

    area: str
    what: str
    count: int
    examples: list[str]


def prepare(stage: Stage) -> None:
    """Make the checker's own schema; workers may write what they witnessed."""
    with stage.look() as look:
        look.execute("create schema chaos")
        look.execute(
            "create table chaos.intent (n int, verb text, key text, state text, object_id uuid,"
            " code text, facts jsonb)"
        )
        look.execute(
            "create table chaos.seen (brand_id uuid, topic text, kind text, object text, times int)"
        )
        look.execute("create table chaos.topic as select unnest(%s::text[]) topic", [[*TOPICS]])
        look.execute(
            "create table chaos.witnessed as select unnest(%s::text[]) topic", [[*WITNESS.topics]]
        )
        look.execute("create table chaos.witness (brand_id uuid, seq bigint)")
        worker = sql.Identifier(f"{PREFIX}_worker")
        look.execute(sql.SQL("grant usage on schema chaos to {}").format(worker))
        look.execute(sql.SQL("grant insert on chaos.witness to {}").format(worker))


def begin(stage: Stage) -> None:
    """Remember what was there before the driver asked for anything."""
    with stage.look() as look:
        look.execute(
            "create table chaos.before as select id from payment"
            " union all select id from ledger_transfer where kind = 'CHAOS_MOVE'"
        )


async def come_to_rest(
    stage: Stage, *, seconds: float = REST_SECONDS
) -> tuple[float, list[Finding]]:
    """Wait until nothing is under way, as long as there is ever less of it: what has not become
    less for so many seconds never ends. How long it took, and what that is."""
    began = lowest_at = time.monotonic()
    lowest = math.inf
    while True:
        moving = await asyncio.to_thread(_moving, stage)
        now, left = time.monotonic(), sum(one.count for one in moving)
        if left < lowest:
            lowest, lowest_at = left, now
        if not moving or now - lowest_at > seconds:
            return now - began, moving
        await asyncio.sleep(_LOOK_SECONDS)


def _moving(stage: Stage) -> list[Finding]:
    with stage.look() as look:
        found = [
            _finding("liveness", f"{what} not at rest", look.execute(statement.encode()).fetchall())
            for what, statement in checks.AT_REST
        ]
    return [one for one in found if one is not None]


def examine(stage: Stage, intents: Iterable[Intent], seen: Counter[Seen]) -> list[Finding]:
    """Everything that is wrong."""
    with stage.look() as look:
        _load(look, intents, seen)
        found: list[Finding | None] = []
        for area, what, statement in checks.CHECKS:
            rows = look.execute(statement.encode()).fetchall()
            found.append(_finding(area, what, rows))
    return [one for one in found if one is not None]


def _load(look: psycopg.Connection[Any], intents: Iterable[Intent], seen: Counter[Seen]) -> None:
    with look.cursor() as cursor:
        with cursor.copy("copy chaos.intent from stdin") as copy:
            for one in intents:
                _, _, key = one.object_id.rpartition("_")
                object_id = UUID(hex=key) if key else None
                facts = json.dumps(one.facts)
                copy.write_row((one.n, one.verb, one.key, one.state, object_id, one.code, facts))
        with cursor.copy("copy chaos.seen from stdin") as copy:
            for (brand, topic, kind, about), times in seen.items():
                copy.write_row((UUID(hex=brand), topic, kind, about, times))


def set_aside(stage: Stage) -> int:
    """How many jobs were given up."""
    with stage.look() as look:
        return len(look.execute(checks.FAILED_JOBS).fetchall())


def sums(stage: Stage) -> list[dict[str, Any]]:
    """Per currency: transfers that touched it and the sum of all postings."""
    with stage.look() as look:
        return look.cursor(row_factory=dict_row).execute(checks.SUMS).fetchall()


def _finding(area: str, what: str, rows: list[dict[str, Any]]) -> Finding | None:
    if not rows:
        return None
    shown = [", ".join(f"{name}={value}" for name, value in row.items()) for row in rows[:_SHOWN]]
    return Finding(area, what, len(rows), shown)
