"""The outbox: notices in the transaction of what they tell, taken by the sender, kept through
every death of the process."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson

from domain.kernel.ids import new_uuid
from sandbox.psp.rules import NOTICE_LIFE, retry_seconds
from sandbox.psp.values import Stored
from sandbox.store import Connection
from sandbox.written import time_text

# While one is under way nobody else takes it up; longer than an attempt may last.
LEASE: Final = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that is due, with where it goes and the secrets that sign it."""

    id: str
    body: str
    attempts: int
    created_at: datetime
    url: str
    secrets: list[str]


async def put(connection: Connection, item: Stored, *, now: datetime, due: datetime) -> None:
    """Adds the notice of a change. It carries no amounts: receivers pull."""
    kind = type(item).__name__.lower()
    notice_id = f"evt_{new_uuid().hex}"
    told = {
        "id": notice_id,
        "type": f"{kind}.updated",
        "created_at": time_text(now),
        "object": {
            "id": item.id,
            "type": kind,
            "reference": item.reference,
            "version": item.version,
        },
    }
    await connection.execute(
        "insert into sandbox.psp_notice (id, merchant, body, attempts, created_at, next_at)"
        " values ($1, $2, $3, 0, clock_timestamp(), $4)",
        notice_id,
        item.merchant,
        orjson.dumps(told).decode(),
        due,
    )


async def take(connection: Connection, *, limit: int) -> list[Notice]:
    """Notices that are due, leased to the caller."""
    rows = await connection.fetch(
        "update sandbox.psp_notice n set next_at = clock_timestamp() + $2"
        " from sandbox.psp_merchant m where m.name = n.merchant and n.id in ("
        "  select id from sandbox.psp_notice where next_at <= clock_timestamp()"
        "  order by next_at limit $1 for update skip locked)"
        " returning n.id, n.body, n.attempts, n.created_at, m.notice_url, m.notice_secrets",
        limit,
        LEASE,
    )
    return [Notice(*row) for row in rows]


async def next_due(connection: Connection) -> float | None:
    """Seconds until the next notice is due; None when there is none."""
    seconds = await connection.fetchval(
        "select extract(epoch from min(next_at) - clock_timestamp())::float8"
        " from sandbox.psp_notice"
    )
    return None if seconds is None else float(seconds)


async def settle(connection: Connection, notice: Notice, *, is_taken: bool) -> None:
    """Notes an attempt: delivered, to be tried again, or given up after 24 hours."""
    pause = timedelta(seconds=retry_seconds(notice.attempts + 1))
    await connection.execute(
        "update sandbox.psp_notice set attempts = attempts + 1,"
        " delivered_at = case when $2 then clock_timestamp() end,"
        " next_at = case when not $2 and created_at + $4 > clock_timestamp()"
        "  then clock_timestamp() + $3 end"
        " where id = $1 and next_at is not null",
        notice.id,
        is_taken,
        pause,
        NOTICE_LIFE,
    )


async def free(connection: Connection) -> None:
    """Makes everything that waits due at once: a dead predecessor may have taken it."""
    await connection.execute(
        "update sandbox.psp_notice set next_at = least(next_at, clock_timestamp())"
        " where next_at is not null"
    )


async def cut(connection: Connection) -> int:
    """Gives up everything that waits; how many that were."""
    rows = await connection.fetch(
        "update sandbox.psp_notice set next_at = null where next_at is not null returning 1"
    )
    return len(rows)
