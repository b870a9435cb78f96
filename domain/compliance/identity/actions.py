"""What a viewer can do about an identity now, and why not: pure, as the commands decide."""

from collections.abc import Collection, Mapping
from uuid import UUID

from domain.clients.actions import Possible
from domain.clients.values import ClientStatus
from domain.compliance.identity.rules import room_for
from domain.compliance.identity.values import CaseStatus, Tier

_DECIDED = (
    CaseStatus.ON_HOLD,
    CaseStatus.APPROVED,
    CaseStatus.REJECTED_RETRY,
    CaseStatus.REJECTED_FINAL,
)


def client_actions(
    status: ClientStatus,
    tier: Tier | None,
    used: Mapping[str, int],
    missing: Collection[str],
    permissions: Collection[str],
    *,
    is_held: bool = False,
) -> tuple[Possible, ...]:
    """What a client's identity lets it do: pay in, take out, trade for real, prove more.

    `is_held`: its money waits for compliance, so that none comes in or goes out.
    """
    against = _kept(status)
    moves = against or ("CLIENT_RESTRICTED" if is_held else None)
    has_room = tier is None or tier.deposits is None
    if tier is not None and tier.deposits is not None:
        has_room = any(room_for(tier, used, currency) for currency in tier.deposits)
    judged = (
        ("depositCreate", "deposits:create", moves or (None if has_room else "KYC_TIER_LIMIT")),
        (
            "withdrawalCreate",
            "withdrawals:request",
            moves or (None if tier is None or tier.withdrawals else "KYC_REQUIRED"),
        ),
        (
            "accountOpen",
            "accounts:open",
            against or (None if tier is None or tier.live else "KYC_REQUIRED"),
        ),
        (
            "kycCaseSubmit",
            "kyc:submit",
            _unverified(status) or (None if missing else "KYC_ALREADY_APPROVED"),
        ),
    )
    return tuple(
        Possible(name, reason if needed in permissions else "FORBIDDEN")
        for name, needed, reason in judged
    )


def case_actions(
    status: CaseStatus,
    *,
    makers: Collection[UUID],
    proposed_by: UUID | None,
    viewer: UUID | None,
    is_staff: bool,
    permissions: Collection[str],
) -> tuple[Possible, ...]:
    """Deciding on a case, and confirming what another has proposed."""
    decide: str | None = None
    review: str | None = None
    if not is_staff or viewer in makers:
        decide = review = "FOUR_EYES"
    elif status not in _DECIDED:
        decide = "KYC_CASE_NOT_DECIDABLE"
    elif proposed_by is not None:
        decide = "KYC_PROPOSAL_WAITS"
    if review is None and proposed_by is None:
        review = "KYC_NOTHING_PROPOSED"
    if review is None and proposed_by == viewer:
        review = "FOUR_EYES"
    may = "kyc:decide" in permissions
    return (
        Possible("kycCaseDecide", decide if may else "FORBIDDEN"),
        Possible("kycCaseReview", review if may else "FORBIDDEN"),
    )


def _unverified(status: ClientStatus) -> str | None:
    if status is ClientStatus.REGISTERED:
        return "EMAIL_NOT_VERIFIED"
    return "CLIENT_CLOSED" if status is ClientStatus.CLOSED else None


def _kept(status: ClientStatus) -> str | None:
    if status is ClientStatus.REGISTERED:
        return "EMAIL_NOT_VERIFIED"
    return None if status is ClientStatus.ACTIVE else "CLIENT_RESTRICTED"
