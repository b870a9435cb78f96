"""Reckon all accruals of a brand again from its stored deals, and compare them to the last cent.

Nothing that was accrued is read to reckon it: deals, the tree with its former places, assignments,
versions of plans and recorded exchange rates are. Of the judgement only what other contexts keep
no history of is taken (`Seen`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.accounts.deals.queries import list_cancelled, list_closed_live
from domain.ibs.commissions.figures import Figure
from domain.ibs.commissions.gather import Case, Seen, gather
from domain.ibs.commissions.queries import count_accruals, list_accruals_of, list_judgements
from domain.ibs.commissions.reckon import Reckoned, reckon
from domain.ibs.values import Judgement
from tenants.context import system_scope
from tenants.work import Database, ReadWork

_PAGE = 100
_CHECKED = (
    "ib_id", "plan_version_id", "lots", "rate", "plan_currency", "plan_minor", "fx_rate",
    "currency", "amount_minor", "payable_at", "grounds",
)  # fmt: skip

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where stored and reckoned part: `what` names the field, or what is missing."""

    deal_id: UUID | None
    what: str
    stored: str
    reckoned: str


@dataclass(slots=True)
class Replay:
    """What a replay found. `minor` sums what it reckoned, by currency, reversals against it."""

    deals: int = 0
    accruals: int = 0
    reversals: int = 0
    minor: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        return not self.differences


async def replay(database: Database, brand_id: UUID) -> Replay:
    """Replay a brand from its first deal. The database may be used meanwhile: a deal that was not
    judged yet when its page was read counts as a difference."""
    found, after = Replay(), None
    scope = system_scope(brand_id)
    while True:
        async with database.read(scope) as work:
            deals = await list_closed_live(work, after=after, limit=_PAGE)
            await _compare_page(work, deals, found)
            if len(deals) < _PAGE:
                _compare_count(await count_accruals(work), found)
                return found
        after = deals[-1].id


async def _compare_page(work: ReadWork, deals: Sequence[Any], found: Replay) -> None:
    ids = [one.id for one in deals]
    known = await list_judgements(work, ids)
    seen = {key: Seen.from_json(row.seen) for key, row in known.items()}
    cases = await gather(work, ids, seen=seen)
    stored, cancelled = await list_accruals_of(work, ids), await list_cancelled(work, deals)
    for deal_id in ids:
        judged, accruals = known.get(deal_id), stored.get(deal_id, ())
        case = cases.get(deal_id)
        if case is None:
            if judged is not None or accruals:
                found.differences.append(Difference(deal_id, "judgement", "one", "none"))
            continue
        found.deals += 1
        await _compare(work, case, (judged, accruals), found, is_cancelled=deal_id in cancelled)


async def _compare(
    work: ReadWork,
    case: Case,
    stored: tuple[Any, Sequence[Any]],
    found: Replay,
    *,
    is_cancelled: bool,
) -> None:
    (known, accruals), deal_id = stored, case.deal.id
    reckoned = await reckon(work, case)
    if known is None:
        found.differences.append(Difference(deal_id, "judgement", "none", reckoned.judgement))
    elif known.judgement == Judgement.CANCELLED and is_cancelled:
        reckoned = Reckoned(Judgement.CANCELLED, case.seen)
    elif known.judgement != reckoned.judgement:
        found.differences.append(
            Difference(deal_id, "judgement", known.judgement, reckoned.judgement)
        )
    _compare_figures(deal_id, accruals, reckoned.figures, found)
    _compare_reversals(deal_id, accruals, found, is_cancelled=is_cancelled)


def _compare_figures(
    deal_id: UUID, stored: Sequence[Any], figures: Sequence[Figure], found: Replay
) -> None:
    rows = {_key(row): row for row in stored if row.reverses_id is None}
    for figure in figures:
        found.accruals += 1
        found.minor[figure.currency] += figure.amount_minor
        row = rows.pop(_key(figure), None)
        if row is None:
            _differ(found, (deal_id, *_key(figure)), "accrual", "none", figure.amount_minor)
            continue
        for name in _CHECKED:
            was, now = getattr(row, name), getattr(figure, name)
            if was != (dict(now) if isinstance(now, Mapping) else now):
                _differ(found, (deal_id, *_key(figure)), name, was, now)
    for key, row in rows.items():
        found.accruals += 1
        _differ(found, (deal_id, *key), "accrual", row.amount_minor, "none")


def _compare_reversals(
    deal_id: UUID, stored: Sequence[Any], found: Replay, *, is_cancelled: bool
) -> None:
    reversals = {row.reverses_id: row for row in stored if row.reverses_id is not None}
    for row in stored:
        if row.reverses_id is not None:
            continue
        reversal = reversals.pop(row.id, None)
        expected = -row.amount_minor if is_cancelled else "none"
        was = "none" if reversal is None else reversal.amount_minor
        if was != expected:
            _differ(found, (deal_id, *_key(row)), "reversal", was, expected)
        if reversal is not None:
            found.reversals += 1
            found.minor[row.currency] += int(reversal.amount_minor)
    assert not reversals, "what a reversal names is of the same deal"


def _compare_count(stored: int, found: Replay) -> None:
    """Accruals of deals that are none, or not of LIVE accounts."""
    reckoned = found.accruals + found.reversals
    if stored != reckoned and found.is_equal:
        found.differences.append(Difference(None, "accruals", str(stored), str(reckoned)))


def _differ(
    found: Replay, at: tuple[UUID, str, int], what: str, stored: Any, reckoned: Any
) -> None:
    deal_id, component, tier = at
    name = f"{component} tier {tier}: {what}"
    found.differences.append(Difference(deal_id, name, str(stored), str(reckoned)))


def _key(one: Any) -> Key:
    return one.component, one.tier
