"""The outbox: notices in the transaction of what they tell, kept until somebody took them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from domain.kernel.ids import new_uuid
from sandbox.kyc.rules import NOTICE_LIFE, retry_seconds
from sandbox.kyc.values import Answer, Applicant, ReviewStatus
from sandbox.store import Connection

# While one is under way nobody else takes it up; longer than an attempt may last.
LEASE: Final = timedelta(seconds=15)
_TYPES = {
    ReviewStatus.INIT: "applicantCreated",
    ReviewStatus.PENDING: "applicantPending",
    ReviewStatus.ON_HOLD: "applicantOnHold",
    ReviewStatus.COMPLETED: "applicantReviewed",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that is due, with where it goes and the secret that signs it."""

    id: str
    body: str
    attempts: int
    url: str
    secret: str


async def put(connection: Connection, item: Applicant, *, due: datetime) -> None:
    """Adds the notice of a change. It carries nothing personal, and receivers pull."""
    notice_id = f"kevt_{new_uuid().hex}"
    body = orjson.dumps({"id": notice_id, **_told(item)}).decode()
    await connection.execute(
        "insert into sandbox.kyc_notice (id, account, body, attempts, created_at, next_at)"
        " values ($1, $2, $3, 0, clock_timestamp(), $4)",
        notice_id,
        item.account,
        body,
        due,
    )


def _told(item: Applicant) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": _TYPES[item.status],
        "applicantId": item.id,
        "externalUserId": item.reference,
        "levelName": item.level,
        "reviewStatus": item.status,
        "version": item.version,
        "createdAtMs": int(item.updated_at.astimezone(UTC).timestamp() * 1000),
        "sandboxMode": True,
    }
    if item.status is ReviewStatus.COMPLETED:
        told["reviewResult"] = {"reviewAnswer": item.answer, "rejectLabels": list(item.labels)}
        if item.answer is Answer.RED:
            told["reviewResult"]["reviewRejectType"] = item.reject_type
    return told


async def take(connection: Connection, *, limit: int) -> list[Notice]:
    """Notices that are due, leased to the caller."""
    rows = await connection.fetch(
        "update sandbox.kyc_notice n set next_at = clock_timestamp() + $2"
        " from sandbox.kyc_account a where a.name = n.account and n.id in ("
        "  select id from sandbox.kyc_notice where next_at <= clock_timestamp()"
        "  order by next_at limit $1 for update skip locked)"
        " returning n.id, n.body, n.attempts, a.notice_url, a.notice_secret",
        limit,
        LEASE,
    )
    return [Notice(*row) for row in rows]


async def next_due(connection: Connection) -> float | None:
    """Seconds until the next notice is due; None when there is none."""
    seconds = await connection.fetchval(
        "select extract(epoch from min(next_at) - clock_timestamp())::float8"
        " from sandbox.kyc_notice"
    )
    return None if seconds is None else float(seconds)


async def settle(connection: Connection, notice: Notice, *, is_taken: bool) -> None:
    """Notes an attempt: delivered, to be tried again, or given up after 24 hours."""
    await connection.execute(
        "update sandbox.kyc_notice set attempts = attempts + 1,"
        " delivered_at = case when $2 then clock_timestamp() end,"
        " next_at = case when not $2 and created_at + $4 > clock_timestamp()"
        "  then clock_timestamp() + $3 end"
        " where id = $1 and next_at is not null",
        notice.id,
        is_taken,
        timedelta(seconds=retry_seconds(notice.attempts + 1)),
        NOTICE_LIFE,
    )


async def free(connection: Connection) -> None:
    """Makes everything that waits due at once: a dead predecessor may have taken it."""
    await connection.execute(
        "update sandbox.kyc_notice set next_at = least(next_at, clock_timestamp())"
        " where next_at is not null"
    )


async def cut(connection: Connection) -> int:
    """Gives up everything that waits; how many that were."""
    rows = await connection.fetch(
        "update sandbox.kyc_notice set next_at = null where next_at is not null returning 1"
    )
    return len(rows)
