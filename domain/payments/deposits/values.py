"""What the rules of deposits judge and what they find."""

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.money import Money
from domain.payments.values import DiscrepancyKind, MethodKind, PaymentStatus


@dataclass(frozen=True, slots=True)
class Terms:
    """Limits and fee of a method in one currency, in minor units."""

    currency: str
    min_minor: int
    max_minor: int
    fee_fixed_minor: int
    fee_bps: int


@dataclass(frozen=True, slots=True)
class Method:
    """A way to pay in. `countries` of clients who may use it, all when empty; `terms` are None in
    a currency that it does not take."""

    id: UUID
    connection_id: UUID
    kind: MethodKind
    is_open: bool
    countries: frozenset[str]
    terms: Terms | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a brand has to do with a deposit: its currencies, and where payers may be sent back."""

    currencies: frozenset[str]
    hosts: frozenset[str]
    origins: frozenset[str]


@dataclass(frozen=True, slots=True)
class DepositWish:
    """What is asked for. Without `wallet_id` it is the client's wallet in the amount's currency;
    without either it is for whoever asks."""

    amount: Money
    method_id: UUID
    return_url: str
    client_id: UUID | None = None
    wallet_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit as our books have it; `version` is the newest of the PSP's that was applied."""

    status: PaymentStatus
    asked: Money
    fee_minor: int
    credited: Money | None
    refunded_minor: int
    taken_back_minor: int
    version: int


@dataclass(frozen=True, slots=True)
class SentBack:
    """What withdrawals of ours sent back to a deposit's source: `least` is there, and `most` with
    what is on its way and may be there."""

    least: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference that staff must see; none any more when both are the same."""

    kind: DiscrepancyKind
    expected: Money | None
    actual: Money | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from what the PSP says.

    `credited` and `refunded_minor` are the totals after it; `credit`, `fee` and `take_back` what
    has to be moved now; a `take_back` below zero is given to the client again. `statuses` are gone
    through in order. A stale state is older than what was applied and changes nothing.
    """

    credited: Money | None
    refunded_minor: int
    credit: Money | None = None
    fee: Money | None = None
    take_back: Money | None = None
    statuses: tuple[PaymentStatus, ...] = ()
    findings: tuple[Finding, ...] = ()
    is_stale: bool = False
