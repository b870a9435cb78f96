"""Refusals of challenges. Codes are public contract."""

from domain.kernel.errors import Conflict, Refused


class ProgramClosed(Refused):
    """The program is not sold any more."""

    def __init__(self) -> None:
        super().__init__(
            "PROGRAM_CLOSED", "This program is not sold at present.", path=("input", "programId")
        )


class ProgramChanged(Conflict):
    """Another version is sold by now: other rules, or another price."""

    def __init__(self, number: int) -> None:
        message = f"Version {number} is sold now; look at it first."
        super().__init__("PROGRAM_CHANGED", message, path=("input", "programVersion"))


class PriceChanged(Conflict):
    """What the payer has seen is not what the order costs."""

    def __init__(self, total: str) -> None:
        message = f"With tax the order costs {total}."
        super().__init__("PRICE_CHANGED", message, path=("input", "total"))


class CodeTaken(Refused):
    """Another program of the brand has this code."""

    def __init__(self) -> None:
        super().__init__("CODE_TAKEN", "A program has this code.", path=("input", "code"))


class WalletNotYours(Refused):
    """Nobody spends a client's money but the client."""

    def __init__(self) -> None:
        message = "Only its owner pays from a wallet."
        super().__init__("WALLET_NOT_YOURS", message, path=("input", "pay", "walletId"))


class NotRefundable(Refused):
    """The order is not paid, was given back, or its money is on its way."""

    def __init__(self, why: str = "Only a paid order is given back.") -> None:
        super().__init__("NOT_REFUNDABLE", why, path=("input", "purchaseId"))


class NotHalted(Refused):
    """Accounts are being closed as they come."""

    def __init__(self) -> None:
        super().__init__("NOT_HALTED", "Nothing is held back.")
