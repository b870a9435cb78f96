"""Refusals of withdrawals and payout destinations. Codes are public contract."""

from domain.kernel.errors import Conflict, Refused
from domain.kernel.money import Money, from_minor


class DestinationRequired(Refused):
    """More is asked for than can go back to where deposits came from."""

    def __init__(self, rest_minor: int) -> None:
        super().__init__(
            "DESTINATION_REQUIRED",
            "A part can't go back to the way it came: name a payout destination.",
            path=("input", "destinationId"),
        )
        self.rest_minor = rest_minor


class ReturnToSource(Refused):
    """Deposits in other currencies can still be given back; converting does not change that."""

    def __init__(self, owed: Money) -> None:
        shown = f"{from_minor(owed.amount_minor, owed.currency)} {owed.currency}"
        super().__init__(
            "RETURN_TO_SOURCE",
            f"Deposits of {shown} can still go back where they came from: withdraw that in "
            f"{owed.currency} first, converting what you need.",
            path=("input", "amount"),
        )


class DestinationNotUsable(Refused):
    """A destination that is new, for as long as the brand's policy says."""

    def __init__(self) -> None:
        super().__init__(
            "DESTINATION_COOLING_OFF",
            "This payout destination is new and can't be used yet, see `usableFrom`.",
            path=("input", "destinationId"),
        )


class DestinationInUse(Refused):
    """Money is on its way to the destination, or waits to be."""

    def __init__(self) -> None:
        super().__init__("DESTINATION_IN_USE", "A withdrawal to it is open: cancel it first.")


class DestinationExists(Conflict):
    """The client has a destination with the same account."""

    def __init__(self) -> None:
        super().__init__(
            "DESTINATION_EXISTS", "This account is among the client's destinations already."
        )


class HolderDiffers(Refused):
    """The account is somebody else's: third parties are neither paid nor take payments."""

    def __init__(self) -> None:
        super().__init__(
            "HOLDER_DIFFERS",
            "The account must be in the client's own name.",
            path=("input", "holderName"),
        )


class AccountInvalid(Refused):
    """The account number can't be right."""

    def __init__(self, message: str) -> None:
        super().__init__("ACCOUNT_INVALID", message, path=("input", "account"))


class MethodUnavailable(Refused):
    """The method does not pay out, or not in this currency, or is switched off."""

    def __init__(
        self,
        *path: str,
        message: str = "This payment method pays nothing out in this currency at present.",
    ) -> None:
        super().__init__("METHOD_UNAVAILABLE", message, path=path)


class AmountOutside(Refused):
    """Less or more than a payment method takes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, path=("input", "amount"))


class WithdrawalsBlocked(Refused):
    """A deposit of the client is disputed."""

    def __init__(self) -> None:
        super().__init__(
            "WITHDRAWALS_BLOCKED", "A deposit is disputed; nothing can be withdrawn until it ends."
        )


class NotWaiting(Refused):
    """The withdrawal has gone on, or ended."""

    def __init__(self, status: str) -> None:
        super().__init__("WITHDRAWAL_NOT_WAITING", f"This withdrawal is {status}.")


class VersionMoved(Conflict):
    """Somebody else changed it since it was read."""

    def __init__(self) -> None:
        message = "The withdrawal has changed; read it again."
        super().__init__("VERSION_CONFLICT", message, path=("input", "expectedVersion"))
