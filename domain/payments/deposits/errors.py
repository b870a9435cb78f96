"""Refusals of deposits. Codes are public contract."""

from domain.kernel.errors import Invalid, Refused


class MethodUnavailable(Refused):
    """The method is switched off, not for this client's country or not for this currency."""

    def __init__(self, message: str) -> None:
        super().__init__("METHOD_UNAVAILABLE", message, path=("input", "methodId"))


class BelowMinimum(Refused):
    """Less than the method takes."""

    def __init__(self, message: str) -> None:
        super().__init__("BELOW_MINIMUM", message, path=("input", "amount"))


class AboveMaximum(Refused):
    """More than the method takes."""

    def __init__(self, message: str) -> None:
        super().__init__("ABOVE_MAXIMUM", message, path=("input", "amount"))


class ReturnRefused(Invalid):
    """The payer would be sent to a page that is not the brand's."""

    def __init__(self) -> None:
        message = "Payers are sent back to the brand's own pages only."
        super().__init__("INVALID", message, path=("input", "returnUrl"))


class NotCancellable(Refused):
    """The payer has paid, or the deposit has ended."""

    def __init__(self) -> None:
        message = "Only a deposit that nobody has paid yet can be cancelled."
        super().__init__("DEPOSIT_NOT_CANCELLABLE", message, path=("input", "depositId"))
