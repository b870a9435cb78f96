"""How long clearing accounts have not been zero: the age of the oldest posting that is still open.

First in, first out: of a balance of −700, the newest debits that make up 700 are open.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Text, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.kernel.money import Money
from domain.payments.ledger.queries import balances
from domain.payments.ledger.values import CLEARING, LedgerAccountKind
from tenants.work import ReadWork, WriteWork

_PAGE = 1_000
_CLEARING = text(
    "select id, kind, reference from ledger_account"
    " where brand_id = :brand_id and kind = any(:kinds) order by kind, reference, asset"
).bindparams(bindparam("kinds", type_=ARRAY(Text)))
_NEWEST = text(
    "select recorded_at, transfer_id, n, amount from ledger_posting"
    " where brand_id = :brand_id and account_id = :account_id"
    "  and (recorded_at, transfer_id, n) < (:at, :transfer_id, :n)"
    " order by recorded_at desc, transfer_id desc, n desc limit :size"
).bindparams(
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("transfer_id", type_=PgUUID(as_uuid=True)),
)
_LAST: dict[str, Any] = {
    "at": datetime.fromisoformat("9999-01-01T00:00:00+00:00"),
    "transfer_id": UUID(int=0),
    "n": 0,
}


@dataclass(frozen=True, slots=True)
class AgedBalance:
    """A clearing account that is not zero, and since when its oldest open posting waits."""

    account_id: UUID
    kind: LedgerAccountKind
    reference: str
    balance: Money
    since: datetime


async def clearing_ages(work: ReadWork | WriteWork) -> list[AgedBalance]:
    """The clearing accounts of the brand that are not zero, by kind and whose they are."""
    given = {"brand_id": work.scope.brand_id, "kinds": [str(kind) for kind in CLEARING]}
    accounts = await work.rows(_CLEARING, given)
    held = await balances(work, [row.id for row in accounts])
    aged = []
    for row in accounts:
        balance = held[row.id]
        since = await _oldest_open(work, row.id, balance.amount_minor)
        if since is not None:
            kind = LedgerAccountKind(row.kind)
            aged.append(AgedBalance(row.id, kind, row.reference, balance, since))
    return aged


async def _oldest_open(
    work: ReadWork | WriteWork, account_id: UUID, open_minor: int
) -> datetime | None:
    sign, left, at = (1 if open_minor > 0 else -1), abs(open_minor), _LAST
    while left > 0:
        given = {"brand_id": work.scope.brand_id, "account_id": account_id, "size": _PAGE, **at}
        rows = await work.rows(_NEWEST, given)
        for row in rows:
            left -= max(sign * int(row.amount), 0)
            if left <= 0:
                return row.recorded_at  # type: ignore[no-any-return] # a row is untyped
        if len(rows) < _PAGE:
            return rows[-1].recorded_at if rows else None
        at = {"at": rows[-1].recorded_at, "transfer_id": rows[-1].transfer_id, "n": rows[-1].n}
    return None
