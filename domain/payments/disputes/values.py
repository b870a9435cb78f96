"""Closed lists of disputes, and what is handed around about one."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from domain.payments.values import DisputeStatus


class EvidenceStatus(StrEnum):
    """WAITING until the PSP has taken it; REFUSED when it was too late."""

    WAITING = "WAITING"
    SENT = "SENT"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Booked:
    """What our books know of a dispute: `held_minor` is what the wallet gave, and is still on hold
    while `is_on_hold`."""

    status: DisputeStatus
    held_minor: int
    is_on_hold: bool


@dataclass(frozen=True, slots=True)
class Disputed:
    """What of a deposit is in open disputes, and what is lost; minor units of its currency."""

    open_minor: int
    lost_minor: int


@dataclass(frozen=True, slots=True)
class Moves:
    """What is to be booked when a dispute moves. Amounts are minor units of its currency.

    `takes` the whole amount from the PSP, `gives` it back · `holds` on the wallet · `collects` from
    the wallet at once · `posts` or `voids` the hold there is · `returns` to the wallet what an
    earlier loss took.
    """

    takes: bool = False
    gives: bool = False
    holds: int = 0
    collects: int = 0
    posts: bool = False
    voids: bool = False
    returns: int = 0


@dataclass(frozen=True, slots=True)
class WaitingEvidence:
    """What is to be sent to a PSP; `id` is its reference and its key there."""

    id: UUID
    dispute_id: UUID
    connection_id: UUID
    dispute_ext_id: str
    text: str
