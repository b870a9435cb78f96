"""Refusals about leads. Codes are public contract."""

from domain.clients.leads.values import LeadStage
from domain.kernel.errors import Conflict, Refused


class ContactRequired(Refused):
    """Neither an e-mail address nor a phone number: nobody could be reached."""

    def __init__(self) -> None:
        super().__init__(
            "CONTACT_REQUIRED", "Give an e-mail address or a phone number.", path=("input", "email")
        )


class StageNotReachable(Refused):
    """No step leads there from the lead's stage."""

    def __init__(self, stage: LeadStage) -> None:
        message = f"A lead that is {stage} can't be moved there by hand; see `actions`."
        super().__init__("STAGE_NOT_REACHABLE", message, path=("input", "stage"))


class LostReasonRequired(Refused):
    """LOST without a reason, or a reason without LOST."""

    def __init__(self) -> None:
        message = "A reason goes with LOST, and with LOST only."
        super().__init__("LOST_REASON_REQUIRED", message, path=("input", "lostReason"))


class LeadConverted(Refused):
    """It is a client now: give the client to somebody else instead."""

    def __init__(self) -> None:
        message = "This lead is a client now; use `clientAssign`."
        super().__init__("LEAD_CONVERTED", message, path=("input", "leadId"))


class LeadMoved(Conflict):
    """Somebody changed the lead since it was read."""

    def __init__(self) -> None:
        super().__init__(
            "VERSION_CONFLICT",
            "The lead has changed; read it again.",
            path=("input", "expectedVersion"),
        )
