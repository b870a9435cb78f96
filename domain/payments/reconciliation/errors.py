"""Refusals of reconciliation. Codes are public contract."""

from domain.kernel.errors import Conflict, Invalid, Refused


class SettlementMalformed(Invalid):
    """A file that can't be read; none of it was imported."""

    def __init__(self, line: int, what: str) -> None:
        message = f"Line {line}: {what}. Nothing of the file was imported; correct it first."
        super().__init__("SETTLEMENT_MALFORMED", message, path=("input", "content"))
        self.line = line


class VersionMoved(Conflict):
    """Somebody changed the discrepancy since it was read."""

    def __init__(self) -> None:
        message = "The discrepancy has changed; read it again."
        super().__init__("VERSION_CONFLICT", message, path=("input", "expectedVersion"))


class AlreadyResolved(Refused):
    """The discrepancy is resolved."""

    def __init__(self) -> None:
        super().__init__("ALREADY_RESOLVED", "This discrepancy is resolved already.")


class BookingImpossible(Refused):
    """It would move what the discrepancy is not about, or what is not there."""

    def __init__(self, message: str, *, path: tuple[str, ...] = ("input", "booking")) -> None:
        super().__init__("BOOKING_IMPOSSIBLE", message, path=path)


class StillInSuspense(Refused):
    """Money of the deposit waits in suspense, and nothing but this discrepancy tells of it."""

    def __init__(self, left: str) -> None:
        message = (
            f"{left} of this deposit are in suspense: book them to the client's wallet, or have the"
            " provider refund them."
        )
        super().__init__("STILL_IN_SUSPENSE", message, path=("input", "discrepancyId"))


class DiscrepancyMoved(Conflict):
    """The discrepancy changed after a booking was proposed: its figures are others now."""

    def __init__(self) -> None:
        message = "The discrepancy has changed since: reject this booking and propose another."
        super().__init__("VERSION_CONFLICT", message, path=("input", "correctionId"))


class NotCorrectable(Refused):
    """Only what is posted can be corrected; a hold is released instead. And not what says where a
    deposit is, since nothing else would know of it."""

    def __init__(self, message: str = "Only a posted transfer can be corrected.") -> None:
        super().__init__("NOT_CORRECTABLE", message, path=("input", "transferId"))


class AlreadyCorrected(Refused):
    """A transfer is reversed at most once; its reversal can be corrected in turn."""

    def __init__(self) -> None:
        super().__init__("ALREADY_CORRECTED", "This transfer is corrected already.")


class SecondPersonNeeded(Refused):
    """Whoever proposed a booking can't approve it."""

    def __init__(self) -> None:
        super().__init__("SECOND_PERSON_NEEDED", "Somebody else must approve what you proposed.")


class AlreadyDecided(Refused):
    """The proposal was approved or rejected before."""

    def __init__(self) -> None:
        super().__init__("ALREADY_DECIDED", "This proposal is decided already.")
