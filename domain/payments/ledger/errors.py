"""Refusals of the ledger. Those a caller can't cause are bugs of ours and raise as they are."""

from collections.abc import Iterator
from contextlib import contextmanager

from domain.kernel.errors import Conflict, Refused


class InsufficientFunds(Refused):
    """An account would fall below its floor."""

    def __init__(self, *path: str) -> None:
        super().__init__("INSUFFICIENT_FUNDS", "There is not enough money available.", path=path)


@contextmanager
def asked_amount() -> Iterator[None]:
    """Within it, what the ledger has not enough for was asked for in the input's amount."""
    try:
        yield
    except InsufficientFunds as refusal:
        raise InsufficientFunds("input", "amount") from refusal


class TransferKeyReused(Conflict):
    """The key of a transfer names another movement."""

    def __init__(self) -> None:
        super().__init__("TRANSFER_KEY_REUSED", "This movement was booked with other content.")


class HoldResolved(Conflict):
    """A hold was posted, voided or expired before."""

    def __init__(self) -> None:
        super().__init__("HOLD_RESOLVED", "This hold was resolved before.")


class HoldExpired(Conflict):
    """A hold is past its time."""

    def __init__(self) -> None:
        super().__init__("HOLD_EXPIRED", "This hold has expired.")


class ExternalIdReused(Conflict):
    """The outside world's id belongs to another transfer."""

    def __init__(self) -> None:
        super().__init__("EXTERNAL_ID_REUSED", "This movement was booked under another key.")
