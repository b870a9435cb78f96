"""SELECTs of the dashboard. What the lists show is counted through their own declarations, so that
whoever sees only their own clients and leads counts those alone."""

from datetime import date
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import CompoundSelect, func, literal, null, select, union_all

from domain.challenges.lifecycle import JUDGED
from domain.challenges.newest import newest_of
from domain.challenges.rule_states import rule_states
from domain.clients.leads.values import LeadStage
from domain.compliance.identity.rules import OPEN
from domain.compliance.identity.values import CaseStatus, KycStatus
from domain.ibs.commissions.tables import ib_accrual
from domain.kernel.errors import Invalid
from domain.payments.statements.rules import span_of
from domain.payments.values import PaymentKind, PaymentStatus
from domain.reads import Page, Reader, Tally
from domain.reads import select as selection
from domain.reporting.rules import nearest, nearest_floor
from domain.reporting.values import Amounts, BusinessDay, IbVolume, NearFloor
from tenants.tables import brand, brand_state
from tenants.work import ReadWork

# Identities that somebody has to do something about: the client, a vendor or staff.
IN_KYC: Final = tuple(KycStatus(one) for one in (*OPEN, CaseStatus.REJECTED_RETRY))
_S = PaymentStatus
# Where a deposit can be once it cleared.
CLEARED: Final = (_S.SETTLED, _S.PARTLY_REFUNDED, _S.REFUNDED, _S.DISPUTED, _S.CHARGED_BACK)
NEAREST: Final = 10
# Floors may have risen since the order was stored, so that more are judged than are shown.
_CANDIDATES: Final = 50
_FIRST_DAY: Final = date(1970, 1, 1)
_MS_A_SECOND: Final = literal(Decimal(1000))
_OF_PHASE = selection(
    "number", "currency", "start_minor", "rules", "state", "figures", "status",
    relations=("challenge",),
)  # fmt: skip


async def find_day(work: ReadWork, on: date | None) -> BusinessDay:
    """A day of the brand, today without one.

    Refusals: BAD_USER_INPUT for one to come, or before 1970.
    """
    offset = func.make_interval(0, 0, 0, 0, 0, 0, brand_state.c.clock_offset_ms / _MS_A_SECOND)
    (row,) = await work.rows(
        select(brand.c.time_zone, (func.now() + offset).label("now"))
        .select_from(brand.join(brand_state, brand_state.c.brand_id == brand.c.id))
        .where(brand.c.id == work.scope.brand_id, brand_state.c.brand_id == work.scope.brand_id)
    )
    today = row.now.astimezone(ZoneInfo(row.time_zone)).date()
    day = on or today
    if not _FIRST_DAY <= day <= today:
        message = f"Name a day from {_FIRST_DAY} to today, {today}."
        raise Invalid("BAD_USER_INPUT", message, path=("on",))
    began, ends = span_of(day, day, row.time_zone)
    return BusinessDay(day, row.time_zone, began, ends, row.now)


async def leads_by_stage(reader: Reader) -> dict[LeadStage, int]:
    """How many leads stand where, in the order of the pipeline; stages without any left out."""
    found = {LeadStage(one.by[0]): one.count for one in await reader.tally("lead", ["stage"])}
    return {stage: found[stage] for stage in LeadStage if stage in found}


async def clients_in_kyc(reader: Reader) -> dict[KycStatus, int]:
    """How many clients' identities are under way, by status; statuses without any left out."""
    under_way = {"status": {"in": [status.value for status in IN_KYC]}}
    rows = await reader.tally("kyc_standing", ["status"], filters=under_way)
    found = {KycStatus(one.by[0]): one.count for one in rows}
    return {status: found[status] for status in IN_KYC if status in found}


async def deposits_cleared(reader: Reader, day: BusinessDay) -> list[Amounts]:
    """What was credited for deposits that cleared in a day, by currency, whatever became of them
    since; what was bought was never the client's money, and is no deposit."""
    rows = await reader.tally(
        "payment",
        ["credited_currency"],
        sums=["credited_minor"],
        least=["settled_at"],
        filters={
            "kind": {"eq": PaymentKind.DEPOSIT.value},
            "is_purchase": {"eq": False},
            "status": {"in": [status.value for status in CLEARED]},
            # What cleared since then changed since then: the index is by the last change.
            "updated_at": {"gte": day.began_at},
            "settled_at": {"gte": day.began_at, "lt": day.ends_at},
        },
    )
    return [_amounts(one) for one in rows]


async def withdrawals_pending(reader: Reader) -> list[Amounts]:
    """Withdrawals that wait for approval, by currency."""
    rows = await reader.tally(
        "payment",
        ["currency"],
        sums=["amount_minor"],
        least=["created_at"],
        filters={
            "kind": {"eq": PaymentKind.WITHDRAWAL.value},
            "status": {"eq": PaymentStatus.REQUESTED.value},
        },
    )
    return [_amounts(one) for one in rows]


def _amounts(one: Tally) -> Amounts:
    return Amounts(one.by[0], int(one.sums[0]), one.count, one.least[0])


async def ib_volume(work: ReadWork, day: BusinessDay) -> IbVolume:
    """What introduced clients traded in a day, and what it earned their ibs."""
    accrued: dict[str, int] = {}
    volume = IbVolume(Decimal(0), 0, 0, accrued)
    for row in await work.rows(_volume(work, day)):
        if row.currency is None:
            volume = IbVolume(row.lots, int(row.deals), int(row.clients), accrued)
        else:
            accrued[row.currency] = int(row.minor)
    return volume


def _volume(work: ReadWork, day: BusinessDay) -> CompoundSelect[Any]:
    """One row for the deals, each counted once however many components and tiers were paid for
    it, less those taken back; then one row for each currency that was paid."""
    columns = ib_accrual.c
    sign = func.sign(columns.lots)
    paid = (
        select(
            columns.deal_id,
            columns.client_id,
            columns.currency,
            sign.label("sign"),
            func.abs(columns.lots).label("lots"),
            columns.amount_minor,
        )
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.deal_at >= day.began_at,
            columns.deal_at < day.ends_at,
        )
        .cte("paid")
    )
    deals = (
        select(paid.c.deal_id, paid.c.client_id, paid.c.sign, func.max(paid.c.lots).label("lots"))
        .group_by(paid.c.deal_id, paid.c.client_id, paid.c.sign)
        .subquery("deals")
    )
    whole = select(
        null().label("currency"),
        func.coalesce(func.sum(deals.c.lots * deals.c.sign), 0).label("lots"),
        func.coalesce(func.sum(deals.c.sign), 0).label("deals"),
        func.count(deals.c.client_id.distinct()).label("clients"),
        null().label("minor"),
    )
    by_currency = select(
        paid.c.currency, null(), null(), null(), func.sum(paid.c.amount_minor)
    ).group_by(paid.c.currency)
    return union_all(whole, by_currency)


async def challenges_near_floor(reader: Reader) -> list[NearFloor]:
    """The ten challenges under way with the least left to a floor, nearest first."""
    page = await reader.connection(
        "challenge_phase",
        Page(
            first=_CANDIDATES,
            filter={"status": {"in": [status.value for status in JUDGED]}},
            order="NEARNESS",
            neighbours=False,
        ),
        _OF_PHASE,
    )
    found = (_judged(record) for record in page.records if record.state is not None)
    return nearest((one for one in found if one is not None), NEAREST)


def _judged(record: Any) -> NearFloor | None:
    rules, state = newest_of(record)
    floor = nearest_floor(rule_states(rules, state))
    if floor is None:
        return None
    return NearFloor(
        challenge_id=record._to_challenge,
        phase=record.number,
        currency=record.currency,
        start_minor=int(record.start_minor),
        state=floor,
        as_of=state.seen_at,
    )
