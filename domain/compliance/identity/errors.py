"""Refusals of identity. Codes are public contract."""

from domain.kernel.errors import Conflict, Forbidden, Refused


class TierLimit(Refused):
    """More than a client of this tier may pay in."""

    def __init__(self, message: str) -> None:
        super().__init__("KYC_TIER_LIMIT", message, path=("input", "amount"))


class KycRequired(Refused):
    """The client has to prove who it is first."""

    def __init__(self, message: str) -> None:
        super().__init__("KYC_REQUIRED", message)


class NotRequired(Refused):
    """The client's legal entity asks for nothing of that name."""

    def __init__(self) -> None:
        message = "Nothing of that name is asked of this client."
        super().__init__("REQUIREMENT_UNKNOWN", message, path=("input", "requirement"))


class AlreadyProven(Refused):
    """The requirement is met, and not about to lapse."""

    def __init__(self) -> None:
        message = "This is proven already, and holds for a while."
        super().__init__("KYC_ALREADY_APPROVED", message, path=("input", "requirement"))


class FinallyRejected(Refused):
    """Rejected for good: only staff may look at it again."""

    def __init__(self) -> None:
        message = "This was rejected for good; write to the brand's support."
        super().__init__("KYC_REJECTED_FINAL", message, path=("input", "requirement"))


class VendorMissing(Refused):
    """No KYC vendor is connected for this legal entity just now."""

    def __init__(self) -> None:
        super().__init__("KYC_VENDOR_UNAVAILABLE", "Identities can't be proven at present.")


class DocumentMissing(Refused):
    """Papers are asked for, and none or one that does not do was named."""

    def __init__(self, message: str) -> None:
        super().__init__("DOCUMENT_INVALID", message, path=("input", "documentIds"))


class DecisionImpossible(Refused):
    """The case is in a state from which that decision does not lead."""

    def __init__(self, status: str) -> None:
        super().__init__(
            "KYC_CASE_NOT_DECIDABLE", f"A case that is {status} is not decided like that."
        )


class ProposalWaits(Refused):
    """Somebody has proposed a decision already; a second person looks at that first."""

    def __init__(self) -> None:
        super().__init__(
            "KYC_PROPOSAL_WAITS", "A decision is proposed already: confirm or decline it."
        )


class NothingProposed(Refused):
    """Nobody has proposed anything that still stands."""

    def __init__(self) -> None:
        super().__init__("KYC_NOTHING_PROPOSED", "No proposal waits on this case.")


class FourEyes(Forbidden):
    """Whoever brought the papers or proposed the decision does not decide; no program does."""

    def __init__(self) -> None:
        super().__init__(
            "FOUR_EYES", "Somebody else on the staff must decide: you had a hand in it."
        )


class CaseMoved(Conflict):
    """The case has changed since it was read."""

    def __init__(self) -> None:
        super().__init__(
            "VERSION_CONFLICT",
            "The case has changed; read it again.",
            path=("input", "expectedVersion"),
        )
