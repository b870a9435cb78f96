"""What of ours each line of a settlement is about; every look-up is one statement for all lines."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.kernel.money import Money
from domain.payments.reconciliation.values import Expected, Line, LineType
from tenants.work import WriteWork

_TEXTS, _UUIDS = ARRAY(Text), ARRAY(PgUUID(as_uuid=True))
_PAYMENTS = text(
    "select id, id as payment_id, ext_id, taken_back_minor,"
    " coalesce(credited_minor, amount_minor) as minor,"
    " coalesce(credited_currency, currency) as currency,"
    " credited_minor is null and status in ('FAILED', 'EXPIRED', 'CANCELLED') as is_given_up,"
    # What the PSP said that it keeps, noted with the booking that led to what is credited.
    " (select t.meta ->> 'psp_fee_minor' from ledger_transfer t where t.brand_id = :brand_id"
    "  and t.key = 'deposit:' || replace(payment.id::text, '-', '') || ':settle:'"
    "   || payment.credited_minor) as psp_fee_minor"
    " from payment"
    " where brand_id = :brand_id and connection_id = :connection_id and kind = 'DEPOSIT'"
    "  and (ext_id = any(:ext_ids) or id = any(:ids))"
).bindparams(bindparam("ext_ids", type_=_TEXTS), bindparam("ids", type_=_UUIDS))
_LEGS = text(
    "select id, payment_id, ext_id, currency,"
    " case when status in ('FAILED', 'RELEASED') then 0 else amount_minor end as minor"
    " from withdrawal_leg where brand_id = :brand_id and connection_id = :connection_id"
    "  and (ext_id = any(:ext_ids) or id = any(:ids))"
).bindparams(bindparam("ext_ids", type_=_TEXTS), bindparam("ids", type_=_UUIDS))
_DISPUTES = text(
    "select id, payment_id, ext_id, currency, amount_minor as minor, fee_minor from dispute"
    " where brand_id = :brand_id and connection_id = :connection_id"
    "  and (ext_id = any(:ext_ids) or id = any(:ids))"
).bindparams(bindparam("ext_ids", type_=_TEXTS), bindparam("ids", type_=_UUIDS))
_TOLD = text(
    "select subject, sum(case when type = 'dispute_fee' then net_minor else gross_minor end)"
    "  as told, sum(cleared_minor) as cleared,"
    " sum(case when type = 'dispute_fee' then 0 else fee_minor end) as fees from settlement_line"
    " where brand_id = :brand_id and connection_id = :connection_id and subject = any(:subjects)"
    " group by subject"
).bindparams(bindparam("subjects", type_=_TEXTS))
# What was booked in a stretch of time and is in no settlement. Deposits that are not credited yet
# have no `settled_at`.
_MISSING = text(
    "select b.subject, b.payment_id, b.minor, b.currency from ("
    " select 'payment:' || replace(id::text, '-', '') as subject, id as payment_id,"
    "  credited_minor as minor, credited_currency as currency"
    "  from payment where brand_id = :brand_id and connection_id = :connection_id"
    "  and kind = 'DEPOSIT' and settled_at >= :start and settled_at < :until"
    " union all"
    " select 'leg:' || replace(id::text, '-', ''), payment_id, -amount_minor, currency"
    "  from withdrawal_leg where brand_id = :brand_id and connection_id = :connection_id"
    "  and status = 'PAID' and updated_at >= :start and updated_at < :until"
    " union all"
    " select 'dispute:' || replace(id::text, '-', ''), payment_id, -amount_minor, currency"
    "  from dispute where brand_id = :brand_id and connection_id = :connection_id"
    "  and opened_at >= :start and opened_at < :until"
    ") b where not exists (select 1 from settlement_line l where l.brand_id = :brand_id"
    "  and l.connection_id = :connection_id and l.subject = b.subject)"
    " order by b.subject limit :most"
)
_LEG_TYPES = (LineType.REFUND, LineType.PAYOUT, LineType.PAYOUT_RETURN)
_DISPUTE_TYPES = (LineType.DISPUTE, LineType.DISPUTE_REVERSAL, LineType.DISPUTE_FEE)
_MISSING_MOST = 10_000


async def match(
    work: WriteWork,
    connection_id: UUID,
    lines: Sequence[Line],
    refunds: Mapping[str, str],
) -> dict[int, Expected]:
    """What each line is about, by its number; lines about nothing of ours are left out.

    `refunds` has the PSP's payment of each refund that it made by itself.
    """
    by_type = {kind: [line for line in lines if line.type is kind] for kind in LineType}
    payments = by_type[LineType.PAYMENT]
    legs = [line for kind in _LEG_TYPES for line in by_type[kind]]
    disputes = [line for kind in _DISPUTE_TYPES for line in by_type[kind]]
    given_back = [line for line in by_type[LineType.REFUND] if line.psp_id in refunds]
    asked = {refunds[line.psp_id] for line in given_back} | {line.psp_id for line in payments}
    paid = await _search(work, connection_id, _PAYMENTS, payments, ext_ids=asked)
    found = _matched(payments, paid, _of_payment)
    by_ext_id = {row.ext_id: row for row in paid}
    for line in given_back:
        row = by_ext_id.get(refunds[line.psp_id])
        if row is not None:
            found[line.n] = _of_refund(row)
    found |= _matched(legs, await _search(work, connection_id, _LEGS, legs), _of_leg)
    about = await _search(work, connection_id, _DISPUTES, disputes)
    return await _with_told(work, connection_id, found | _matched(disputes, about, _of_dispute))


async def missing_since(
    work: WriteWork, connection_id: UUID, start: datetime, until: datetime
) -> list[Expected]:
    """What was booked in [start, until) and no settlement has; at most 10,000 of it."""
    given = {"start": start, "until": until, "most": _MISSING_MOST}
    rows = await work.rows(_MISSING, _of(work, connection_id) | given)
    return [
        Expected(row.subject, row.payment_id, Money(int(row.minor), row.currency)) for row in rows
    ]


def _of(work: WriteWork, connection_id: UUID) -> dict[str, Any]:
    return {"brand_id": work.scope.brand_id, "connection_id": connection_id}


async def _search(
    work: WriteWork,
    connection_id: UUID,
    statement: TextClause,
    lines: Sequence[Line],
    *,
    ext_ids: Collection[str] = (),
) -> Sequence[Any]:
    """By the PSP's id, or by ours, which it has as its reference: its answer may have been lost."""
    named = sorted({line.psp_id for line in lines} | set(ext_ids))
    if not named:
        return ()
    ours = sorted({key for line in lines if (key := _own_id(line.reference)) is not None})
    given = {"ext_ids": named, "ids": ours}
    return await work.rows(statement, _of(work, connection_id) | given)


def _own_id(reference: str) -> UUID | None:
    try:
        return UUID(hex=reference)
    except ValueError:
        return None


def _matched(
    lines: Sequence[Line], rows: Sequence[Any], state: Callable[[Line, Any], Expected]
) -> dict[int, Expected]:
    by_ext_id = {row.ext_id: row for row in rows if row.ext_id is not None}
    by_id = {row.id.hex: row for row in rows}
    found = {}
    for line in lines:
        row = by_ext_id.get(line.psp_id) or by_id.get(line.reference)
        if row is not None:
            found[line.n] = state(line, row)
    return found


def _of_payment(_line: Line, row: Any) -> Expected:
    return Expected(
        f"payment:{row.id.hex}",
        row.payment_id,
        Money(int(row.minor), row.currency),
        is_given_up=row.is_given_up,
        fee_minor=None if row.psp_fee_minor is None else int(row.psp_fee_minor),
    )


def _of_refund(row: Any) -> Expected:
    """All that the PSP gave back by itself of a deposit."""
    total = Money(-int(row.taken_back_minor), row.currency)
    return Expected(f"payment:{row.id.hex}:refund", row.payment_id, total)


def _of_leg(line: Line, row: Any) -> Expected:
    returned = line.type is LineType.PAYOUT_RETURN
    minor = int(row.minor) if returned else -int(row.minor)
    subject = f"leg:{row.id.hex}:return" if returned else f"leg:{row.id.hex}"
    return Expected(subject, row.payment_id, Money(minor, row.currency))


def _of_dispute(line: Line, row: Any) -> Expected:
    stem = f"dispute:{row.id.hex}"
    match line.type:
        case LineType.DISPUTE_FEE:
            subject, minor = f"{stem}:fee", -int(row.fee_minor)
        case LineType.DISPUTE_REVERSAL:
            subject, minor = f"{stem}:reversal", int(row.minor)
        case _:
            subject, minor = stem, -int(row.minor)
    return Expected(subject, row.payment_id, Money(minor, row.currency))


async def _with_told(
    work: WriteWork, connection_id: UUID, found: dict[int, Expected]
) -> dict[int, Expected]:
    """With what earlier settlements said of the same."""
    subjects = sorted({one.subject for one in found.values()})
    if not subjects:
        return found
    rows = await work.rows(_TOLD, _of(work, connection_id) | {"subjects": subjects})
    told = {row.subject: (int(row.told), int(row.cleared), int(row.fees)) for row in rows}
    made = {}
    for n, one in found.items():
        said, cleared, fees = told.get(one.subject, (0, 0, 0))
        made[n] = replace(one, told_minor=said, cleared_minor=cleared, fee_told_minor=fees)
    return made
