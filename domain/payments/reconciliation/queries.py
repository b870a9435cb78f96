"""What the report of a day and the ageing of clearing accounts read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.payments.ledger.values import CLEARING, LedgerAccountKind
from domain.payments.reconciliation.rules import Part, older_minor, open_parts, percent_of
from domain.payments.reconciliation.tables import (
    discrepancy,
    ledger_correction,
    settlement,
    settlement_line,
)
from domain.payments.reconciliation.values import CorrectionStatus
from domain.payments.tables import psp_connection
from domain.payments.values import DiscrepancyKind, DiscrepancyStatus
from tenants.work import ReadWork, WriteWork

AnyWork = ReadWork | WriteWork
_PAGE = 500
_ACCOUNTS = text(
    "select a.id, a.kind, a.reference, a.asset from ledger_account a"
    " where a.brand_id = :brand_id and a.kind = any(:kinds)"
    " order by a.kind, a.reference, a.asset"
).bindparams(bindparam("kinds", type_=ARRAY(Text)))
# The sum of each kind before an instant: the last snapshot and what was posted since.
_SUMS = text(
    "select a.id, a.kind, a.asset, coalesce(s.posted, 0) + coalesce(p.amount, 0) as minor"
    " from ledger_account a"
    " left join lateral (select x.at, x.posted from ledger_snapshot x"
    "  where x.brand_id = :brand_id and x.account_id = a.id and x.at <= :at"
    "  order by x.at desc limit 1) s on true"
    " left join lateral (select sum(x.amount) as amount from ledger_posting x"
    "  where x.brand_id = :brand_id and x.account_id = a.id"
    "  and x.recorded_at >= coalesce(s.at, '-infinity') and x.recorded_at < :at) p on true"
    " where a.brand_id = :brand_id"
)
_BY_ACCOUNT = text(f"{_SUMS.text} and a.kind = any(:kinds)").bindparams(
    bindparam("kinds", type_=ARRAY(Text))
)
_BY_KIND = text(
    f"select kind, asset, sum(minor) as minor from ({_SUMS.text}) t"  # noqa: S608 - ours
    " group by kind, asset order by asset, kind"
)
_MOVED = text(
    "select p.account_id, t.kind, count(*) as n, sum(p.amount) as minor,"
    " sum(abs(p.amount)) as moved"
    " from ledger_posting p join ledger_transfer t on t.brand_id = p.brand_id"
    "  and t.id = p.transfer_id"
    " where p.brand_id = :brand_id and p.account_id = any(:ids)"
    "  and p.recorded_at >= :start and p.recorded_at < :until"
    " group by p.account_id, t.kind order by p.account_id, t.kind"
).bindparams(bindparam("ids", type_=ARRAY(PgUUID(as_uuid=True))))
_NEWEST = text(
    "select p.transfer_id, p.n, p.recorded_at, p.amount from ledger_posting p"
    " where p.brand_id = :brand_id and p.account_id = :account_id"
    "  and sign(p.amount) = :sign"
    "  and (p.recorded_at, p.transfer_id, p.n) < (:before_at, :before_id, :before_n)"
    " order by p.recorded_at desc, p.transfer_id desc, p.n desc limit :most"
)
_DISCREPANCIES = text(
    "select connection_id, currency, count(*) as n from discrepancy"
    " where brand_id = :brand_id and opened_at < :at and coalesce(resolved_at > :at, true)"
    " group by connection_id, currency"
)
_PROVED = text(
    "select currency, count(*) as n, sum(ledger_minor) as ledger, sum(platform_minor) as platform"
    " from balance_proof where brand_id = :brand_id and day = :day group by currency"
)
_NO_ID = UUID(int=0)
_KINDS = sorted(kind.value for kind in CLEARING)


@dataclass(frozen=True, slots=True)
class Aged:
    """A clearing account that is not zero. `since` is its oldest posting that nothing explains
    yet, first in first out; `reference` is the id of its PSP connection or platform server."""

    account_id: UUID
    kind: LedgerAccountKind
    reference: str
    currency: str
    balance_minor: int
    since: datetime | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Movement:
    """What transfers of one kind did to an account in a day."""

    kind: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ClearingDay:
    """A clearing account over a day."""

    account_id: UUID
    kind: LedgerAccountKind
    reference: str
    currency: str
    opening_minor: int
    movements: tuple[Movement, ...]
    closing_minor: int
    since: datetime | None
    open_discrepancies: int


@dataclass(frozen=True, slots=True)
class CurrencyDay:
    """What a brand owes and has in a currency at a day's end.

    `ledger_minor` is the sum of all accounts and must be zero. `proved_*` are the sums of the day's
    proofs of trading accounts. `unreconciled_minor` is what of the clearing accounts is older than
    the policy's clearing hours, and all that is in suspense.
    """

    currency: str
    wallets_minor: int
    trading_minor: int
    ledger_minor: int
    proved_ledger_minor: int
    proved_platform_minor: int
    suspense_minor: int
    moved_minor: int
    unreconciled_minor: int

    @property
    def unreconciled_percent(self) -> Decimal:
        return percent_of(self.unreconciled_minor, self.moved_minor)


@dataclass(frozen=True, slots=True)
class Report:
    """The reconciliation of a UTC day; of today: until now."""

    day: date
    until: datetime
    accounts: tuple[ClearingDay, ...]
    currencies: tuple[CurrencyDay, ...]

    @property
    def unreconciled_percent(self) -> Decimal:
        """The worst currency's."""
        return max((one.unreconciled_percent for one in self.currencies), default=Decimal("0.00"))


async def list_connections(work: AnyWork) -> list[UUID]:
    """The brand's connections to PSPs; a paused one has settlements still."""
    rows = await work.rows(
        select(psp_connection.c.id)
        .where(psp_connection.c.brand_id == work.scope.brand_id)
        .order_by(psp_connection.c.id)
    )
    return [row.id for row in rows]


async def find_connection_named(work: AnyWork, name: str) -> UUID | None:
    """The brand's connection of a name; None when there is none."""
    rows = await work.rows(
        select(psp_connection.c.id).where(
            psp_connection.c.brand_id == work.scope.brand_id, psp_connection.c.name == name
        )
    )
    return rows[0].id if rows else None


async def find_settlement(work: AnyWork, settlement_id: UUID) -> Any:
    """An imported settlement; None when there is none."""
    rows = await work.rows(
        select(settlement).where(
            settlement.c.brand_id == work.scope.brand_id, settlement.c.id == settlement_id
        )
    )
    return rows[0] if rows else None


async def last_settled(work: AnyWork, connection_id: UUID) -> date | None:
    """The last day of which a settlement is imported."""
    (row,) = await work.rows(
        select(func.max(settlement_line.c.date).label("last")).where(
            settlement_line.c.brand_id == work.scope.brand_id,
            settlement_line.c.connection_id == connection_id,
        )
    )
    last: date | None = row.last
    return last


async def list_open_subjects(work: AnyWork, kind: DiscrepancyKind) -> list[str]:
    """What the open discrepancies of a kind are about."""
    rows = await work.rows(
        select(discrepancy.c.subject).where(
            discrepancy.c.brand_id == work.scope.brand_id,
            discrepancy.c.kind == kind.value,
            discrepancy.c.status == DiscrepancyStatus.OPEN.value,
        )
    )
    return [row.subject for row in rows]


async def list_corrections(work: AnyWork, *, limit: int) -> Sequence[Any]:
    """Bookings by hand, those that wait for a second person first, then the newest."""
    columns = ledger_correction.c
    return await work.rows(
        select(ledger_correction)
        .where(columns.brand_id == work.scope.brand_id)
        .order_by(
            (columns.status != CorrectionStatus.PROPOSED.value),
            columns.proposed_at.desc(),
            columns.id.desc(),
        )
        .limit(limit)
    )


async def find_correction(work: AnyWork, correction_id: UUID) -> Any:
    """A booking by hand; None when there is none."""
    rows = await work.rows(
        select(ledger_correction).where(
            ledger_correction.c.brand_id == work.scope.brand_id,
            ledger_correction.c.id == correction_id,
        )
    )
    return rows[0] if rows else None


async def ageing(work: AnyWork, at: datetime) -> list[Aged]:
    """Clearing accounts that were not zero before an instant, with what nothing explains."""
    given = {"brand_id": work.scope.brand_id, "at": at, "kinds": _KINDS}
    sums = {row.id: int(row.minor) for row in await work.rows(_BY_ACCOUNT, given)}
    found = []
    for row in await work.rows(_ACCOUNTS, given):
        balance = sums[row.id]
        if balance:
            parts = await _open_parts(work, row.id, balance, at)
            since = parts[-1].at if parts else None
            kind = LedgerAccountKind(row.kind)
            found.append(Aged(row.id, kind, row.reference, row.asset, balance, since, parts))
    return found


async def _open_parts(
    work: AnyWork, account_id: UUID, balance: int, at: datetime
) -> tuple[Part, ...]:
    """Newest first, by the page, until the balance is explained."""
    postings: list[Part] = []
    left, before = abs(balance), (at, _NO_ID, 0)
    while left > 0:
        rows = await work.rows(
            _NEWEST,
            {
                "brand_id": work.scope.brand_id, "account_id": account_id,
                "sign": 1 if balance > 0 else -1, "most": _PAGE, "before_at": before[0],
                "before_id": before[1], "before_n": before[2],
            },
        )  # fmt: skip
        for row in rows:
            postings.append(Part(row.recorded_at, int(row.amount)))
            left -= abs(int(row.amount))
        if len(rows) < _PAGE:
            break
        before = (rows[-1].recorded_at, rows[-1].transfer_id, rows[-1].n)
    return tuple(open_parts(balance, postings))


async def reconcile_day(work: AnyWork, day: date, *, now: datetime, clearing_hours: int) -> Report:
    """The report of a UTC day, at its end or, when that is to come, now."""
    start = datetime.combine(day, time(), UTC)
    until = max(start, min(start + timedelta(days=1), now))
    given = {"brand_id": work.scope.brand_id, "kinds": _KINDS, "day": day}
    opening = await work.rows(_BY_ACCOUNT, given | {"at": start})
    accounts = await work.rows(_ACCOUNTS, given)
    ids = [row.id for row in accounts]
    moved = await work.rows(_MOVED, given | {"ids": ids, "start": start, "until": until})
    noted = await work.rows(_DISCREPANCIES, given | {"at": until})
    aged = {one.account_id: one for one in await ageing(work, until)}
    opened = {row.id: int(row.minor) for row in opening}
    days = tuple(
        _clearing_day(row, opened[row.id], moved, aged.get(row.id), noted) for row in accounts
    )
    sums = await work.rows(_BY_KIND, given | {"at": until})
    proved = {row.currency: row for row in await work.rows(_PROVED, given)}
    limit = until - timedelta(hours=clearing_hours)
    stale: dict[str, int] = {}
    for one in aged.values():
        older = abs(older_minor(one.parts, limit))
        stale[one.currency] = stale.get(one.currency, 0) + older
    volume: dict[str, int] = {}
    assets = {row.id: row.asset for row in accounts}
    for row in moved:
        asset = assets[row.account_id]
        volume[asset] = volume.get(asset, 0) + int(row.moved)
    for each in days:
        volume[each.currency] = volume.get(each.currency, 0) + abs(each.opening_minor)
    currencies = tuple(
        _currency_day(
            currency,
            {row.kind: int(row.minor) for row in sums if row.asset == currency},
            proved.get(currency),
            moved_minor=volume.get(currency, 0),
            stale_minor=stale.get(currency, 0),
        )
        for currency in sorted({row.asset for row in sums})
    )
    return Report(day, until, days, currencies)


def _clearing_day(
    row: Any, opening: int, moved: Sequence[Any], aged: Aged | None, noted: Sequence[Any]
) -> ClearingDay:
    mine = tuple(
        Movement(one.kind, one.n, int(one.minor)) for one in moved if one.account_id == row.id
    )
    return ClearingDay(
        account_id=row.id,
        kind=LedgerAccountKind(row.kind),
        reference=row.reference,
        currency=row.asset,
        opening_minor=opening,
        movements=mine,
        closing_minor=opening + sum(one.amount_minor for one in mine),
        since=None if aged is None else aged.since,
        open_discrepancies=sum(
            one.n
            for one in noted
            if one.connection_id is not None
            and one.connection_id.hex == row.reference
            and one.currency == row.asset
        ),
    )


def _currency_day(
    currency: str, sums: dict[str, int], proved: Any, *, moved_minor: int, stale_minor: int
) -> CurrencyDay:
    suspense = sums.get(LedgerAccountKind.SUSPENSE, 0)
    return CurrencyDay(
        currency=currency,
        wallets_minor=sums.get(LedgerAccountKind.CLIENT_WALLET, 0),
        trading_minor=sums.get(LedgerAccountKind.CLIENT_TRADING, 0),
        ledger_minor=sum(sums.values()),
        proved_ledger_minor=0 if proved is None else int(proved.ledger),
        proved_platform_minor=0 if proved is None else int(proved.platform),
        suspense_minor=suspense,
        moved_minor=moved_minor,
        unreconciled_minor=stale_minor + abs(suspense),
    )
