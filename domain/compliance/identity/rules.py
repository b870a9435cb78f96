"""Pure verdicts on identity: the state of a case, the tier of a client, and what a tier allows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID

from domain.clients.values import ClientKind
from domain.compliance.identity.errors import (
    AlreadyProven,
    DecisionImpossible,
    FinallyRejected,
    FourEyes,
    KycRequired,
    TierLimit,
)
from domain.compliance.identity.values import (
    CaseFacts,
    CaseState,
    CaseStatus,
    Decision,
    DecisionSource,
    KycPolicy,
    KycStatus,
    Standing,
    Tier,
)
from domain.compliance.risk.values import RiskLevel
from domain.kernel.money import Money, from_minor

RENEW_BEFORE: Final = timedelta(days=60)
"""How long before a proof lapses it may be given anew."""

_S = CaseStatus
OPEN: Final = (_S.DRAFT, _S.AWAITING_DOCS, _S.PENDING, _S.ON_HOLD)
DECIDED: Final = (_S.APPROVED, _S.REJECTED_RETRY, _S.REJECTED_FINAL, _S.EXPIRED)
DECISIONS: Final = (_S.APPROVED, _S.REJECTED_RETRY, _S.REJECTED_FINAL)
# From where staff may decide, and to what.
_DECIDABLE: Final[Mapping[CaseStatus, Collection[CaseStatus]]] = {
    _S.ON_HOLD: DECISIONS,
    _S.APPROVED: (_S.REJECTED_RETRY, _S.REJECTED_FINAL),
    _S.REJECTED_RETRY: (_S.APPROVED, _S.REJECTED_FINAL),
    _S.REJECTED_FINAL: (_S.APPROVED, _S.REJECTED_RETRY),
}
# Of several cases the one that says most about where the client stands.
_TELLING: Final = (
    _S.REJECTED_FINAL, _S.ON_HOLD, _S.PENDING, _S.AWAITING_DOCS, _S.DRAFT,
)  # fmt: skip


def derive(decisions: Iterable[Decision]) -> CaseState:
    """The state of a case from all that was said about it, in the order of who said it.

    The order of arrival means nothing. What the vendor approves with a flag that nobody on the
    staff has accepted waits for people; what they approved stays accepted.
    """
    state = CaseState(_S.DRAFT, None)
    for one in sorted(decisions, key=lambda one: (one.at, one.version)):
        state = _after(state, one)
    return state


def _after(state: CaseState, one: Decision) -> CaseState:
    flags, cleared, outcome = state.flags, state.cleared, one.outcome
    if one.source is DecisionSource.VENDOR:
        flags = one.flags
        if outcome is _S.APPROVED and not flags <= cleared:
            outcome = _S.ON_HOLD
    elif one.source is DecisionSource.STAFF and outcome is _S.APPROVED:
        cleared |= flags
    at = one.at if outcome in DECIDED else None
    return CaseState(outcome, at, flags, cleared)


def decide_submission(latest: CaseFacts | None, *, at: datetime) -> CaseFacts | None:
    """The case that a client goes on with; None when it begins a new one.

    `latest` is its newest case for the requirement. Refusals: KYC_ALREADY_APPROVED,
    KYC_REJECTED_FINAL.
    """
    if latest is None:
        return None
    if latest.status in OPEN:
        return latest
    if latest.status is _S.REJECTED_FINAL:
        raise FinallyRejected()
    lapses = latest.expires_at
    if latest.status is _S.APPROVED and (lapses is None or lapses - RENEW_BEFORE > at):
        raise AlreadyProven()
    return None


def decide_review(
    status: CaseStatus, outcome: CaseStatus, *, who: UUID | None, makers: Collection[UUID]
) -> bool:
    """Whether a second person must confirm what somebody on the staff decides.

    One person alone may only send a client back to try again. `makers` brought the papers; `who`
    is None for whoever is no person. Refusals: KYC_CASE_NOT_DECIDABLE, FOUR_EYES.
    """
    if outcome not in _DECIDABLE.get(status, ()):
        raise DecisionImpossible(status)
    if who is None or who in makers:
        raise FourEyes()
    return outcome is not _S.REJECTED_RETRY or status is _S.REJECTED_FINAL


def decide_confirmation(*, who: UUID | None, makers: Collection[UUID]) -> None:
    """Whether somebody may be the second person. Refusals: FOUR_EYES."""
    if who is None or who in makers:
        raise FourEyes()


def lapses_at(
    approved_at: datetime, risk: RiskLevel, policy: KycPolicy, papers: Iterable[date]
) -> datetime:
    """When a proof lapses: by the client's risk, or at the end of the first paper's last day."""
    days = policy.rekyc_days[min(risk, RiskLevel.HIGH, key=list(RiskLevel).index)]
    ends = [approved_at + timedelta(days=days)]
    ends += [
        datetime.combine(last + timedelta(days=1), time(), approved_at.tzinfo)
        for last in papers
        if last < date.max  # as some papers say that they never end
    ]
    return min(ends)


def stand(
    policy: KycPolicy,
    kind: ClientKind,
    cases: Sequence[CaseFacts],
    *,
    risk: RiskLevel,
    at: datetime,
) -> Standing:
    """Tier and status of a client from its cases; who is PROHIBITED has the lowest tier."""
    met = met_by(cases, at=at)
    tiers = tiers_of(policy, kind)
    reached = [tier for tier in tiers if tier.requires <= met] or [tiers[0]]
    tier = tiers[0] if risk is RiskLevel.PROHIBITED else reached[-1]
    above = next((one for one in tiers if one.number > tier.number), None)
    missing = tuple(sorted(above.requires - met)) if above else ()
    known = [one.decided_at for one in cases if one.decided_at is not None]
    lapses = [
        one.expires_at
        for one in cases
        if one.status is _S.APPROVED and one.expires_at is not None and one.expires_at > at
    ]
    return Standing(
        _status(cases, tier, met),
        tier,
        missing,
        max(known, default=None),
        min(lapses, default=None),
    )


def met_by(cases: Iterable[CaseFacts], *, at: datetime) -> frozenset[str]:
    """Which requirements are proven: approved, not lapsed, and not finally rejected later on."""
    approved: dict[str, datetime] = {}
    rejected: dict[str, datetime] = {}
    for one in cases:
        if one.decided_at is None:
            continue
        if one.status is _S.APPROVED and (one.expires_at is None or one.expires_at > at):
            kept = approved.get(one.requirement, one.decided_at)
            approved[one.requirement] = max(kept, one.decided_at)
        if one.status is _S.REJECTED_FINAL:
            kept = rejected.get(one.requirement, one.decided_at)
            rejected[one.requirement] = max(kept, one.decided_at)
    return frozenset(
        name for name, when in approved.items() if name not in rejected or rejected[name] < when
    )


def tiers_of(policy: KycPolicy, kind: ClientKind) -> tuple[Tier, ...]:
    """The tiers of a kind of client; those of INDIVIDUAL where a policy names no others."""
    return policy.tiers.get(kind) or policy.tiers[ClientKind.INDIVIDUAL]


def _status(cases: Sequence[CaseFacts], tier: Tier, met: frozenset[str]) -> KycStatus:
    found = {one.status for one in cases if one.requirement not in met}
    for status in _TELLING:
        if status in found:
            return KycStatus(status)
    if tier.requires:
        return KycStatus.APPROVED
    newest = max(
        (one for one in cases if one.requirement not in met),
        key=lambda one: one.created_at,
        default=None,
    )
    if newest is None:
        return KycStatus.APPROVED if met else KycStatus.NOT_STARTED
    # An approved case that is not met has lapsed, though nobody has said so yet.
    lapsed = newest.status is _S.APPROVED
    return KycStatus.EXPIRED if lapsed else KycStatus(newest.status)


def room_for(tier: Tier | None, used: Mapping[str, int], currency: str) -> int | None:
    """How much more may be paid in, in minor units of a currency; None for any amount.

    What was paid in other currencies uses up the same share of the limit, so that no rate is
    needed. A currency that a bounded tier does not name takes nothing, and what came in it all the
    same uses up the whole: nobody can say that it is below a sum for life. A policy names the
    currencies that its brand keeps.
    """
    if tier is None or tier.deposits is None:
        return None
    limit = tier.deposits.get(currency, 0)
    share = sum(
        (_share(amount, tier.deposits.get(code, 0)) for code, amount in used.items()), Fraction(0)
    )
    return max(0, int(limit * (1 - share)))


def _share(amount: int, limit: int) -> Fraction:
    if amount <= 0:
        return Fraction(0)
    return Fraction(amount, limit) if limit > 0 else Fraction(1)


def decide_deposit(tier: Tier | None, used: Mapping[str, int], amount: Money) -> None:
    """Whether a client of that tier may pay so much in. Refusals: KYC_TIER_LIMIT."""
    room = room_for(tier, used, amount.currency)
    if room is not None and amount.amount_minor > room:
        most = f"{from_minor(room, amount.currency):f} {amount.currency}"
        raise TierLimit(f"At most {most} more until the identity is proven further.")


def decide_withdrawal(tier: Tier | None) -> None:
    """Whether a client of that tier may take money out. Refusals: KYC_REQUIRED."""
    if tier is not None and not tier.withdrawals:
        raise KycRequired("Prove who you are before money is paid out.")


def decide_live(tier: Tier | None) -> None:
    """Whether a client of that tier may have real accounts. Refusals: KYC_REQUIRED."""
    if tier is not None and not tier.live:
        raise KycRequired("Prove who you are before a live account is opened.")


def cap_leverage(tier: Tier | None, most: int) -> int:
    """The most leverage of a real account for a client of that tier."""
    if tier is None or tier.leverage_max is None:
        return most
    return min(most, tier.leverage_max)


def poll_pause(age: timedelta) -> timedelta:
    """How long to wait between two questions about a case nobody speaks of: a tenth of its age,
    at least 20 seconds and at most an hour."""
    return min(max(age / 10, timedelta(seconds=20)), timedelta(hours=1))
