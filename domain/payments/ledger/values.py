"""Closed lists of the ledger, and what a caller hands to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.kernel.money import Money, most_minor


class LedgerAccountKind(StrEnum):
    """What an account stands for, and whose its `reference` is."""

    CLIENT_WALLET = "CLIENT_WALLET"
    """A client's money in one currency, by client; never below zero, held part included."""
    CLIENT_TRADING = "CLIENT_TRADING"
    """What we owe on a trading login, by trading account; equals the platform's balance."""
    PLATFORM_CLEARING = "PLATFORM_CLEARING"
    """Between wallet and trading login, by platform server; zero unless money is on its way."""
    PSP_CLEARING = "PSP_CLEARING"
    """What a PSP holds for us, by connection; cleared by its settlements."""
    BANK = "BANK"
    """Our own bank accounts and custody."""
    FX_POOL = "FX_POOL"
    """Our position in a currency after conversions."""
    FX_REVENUE = "FX_REVENUE"
    FEE_REVENUE = "FEE_REVENUE"
    """Fees that clients pay us."""
    PSP_FEES = "PSP_FEES"
    """Fees that we pay PSPs, by connection."""
    TRADING_RESULT = "TRADING_RESULT"
    """The broker's side of realised profit, swap and commission, by book."""
    IB_PAYABLE = "IB_PAYABLE"
    """Commission we owe, by ib; never below zero."""
    IB_RECEIVABLE = "IB_RECEIVABLE"
    """Commission taken back beyond what was there, by ib."""
    PROP_FEE_REVENUE = "PROP_FEE_REVENUE"
    PURCHASE_PREPAID = "PURCHASE_PREPAID"
    """Paid for orders until they take it as revenue and tax; zero unless one is under way."""
    TAX_PAYABLE = "TAX_PAYABLE"
    """Tax on what we sold, owed to states."""
    PAYOUT_PAYABLE = "PAYOUT_PAYABLE"
    CHARGEBACK_RECEIVABLE = "CHARGEBACK_RECEIVABLE"
    """What a client owes us after disputed deposits, by client."""
    CHARGEBACK_LOSS = "CHARGEBACK_LOSS"
    NBP_EXPENSE = "NBP_EXPENSE"
    """Negative balances that we made good."""
    ROUNDING = "ROUNDING"
    SUSPENSE = "SUSPENSE"
    """Money nobody could explain yet; each entry has a discrepancy."""


FLOORED = frozenset({LedgerAccountKind.CLIENT_WALLET, LedgerAccountKind.IB_PAYABLE})
"""Kinds that never go below zero; their balance is kept inline and judged in each transfer."""

CLEARING = frozenset({LedgerAccountKind.PLATFORM_CLEARING, LedgerAccountKind.PSP_CLEARING})
"""Kinds that return to zero; their age is reported."""


class TransferState(StrEnum):
    """PENDING holds; VOID and EXPIRED release a hold; POSTED moves money, resolving a hold or not.

    A row never changes: a hold is resolved by another transfer that names it, at most once.
    """

    PENDING = "PENDING"
    POSTED = "POSTED"
    VOID = "VOID"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class AccountKey:
    """What an account is known by: there is one per kind, reference and currency in a brand.

    `reference` is the hex id of whose it is, or '' where the brand has one. `client_id` is set for
    a client's own accounts, which the client may see.
    """

    kind: LedgerAccountKind
    currency: str
    reference: str = ""
    client_id: UUID | None = None

    @classmethod
    def wallet(cls, client_id: UUID, currency: str) -> "AccountKey":
        """A client's wallet."""
        return cls(LedgerAccountKind.CLIENT_WALLET, currency, client_id.hex, client_id)

    @classmethod
    def trading(cls, account_id: UUID, currency: str, client_id: UUID) -> "AccountKey":
        """What we owe on a trading login."""
        return cls(LedgerAccountKind.CLIENT_TRADING, currency, account_id.hex, client_id)

    @classmethod
    def owed_by(cls, client_id: UUID, currency: str) -> "AccountKey":
        """What a client owes after disputes."""
        return cls(LedgerAccountKind.CHARGEBACK_RECEIVABLE, currency, client_id.hex, client_id)

    @classmethod
    def of(cls, kind: LedgerAccountKind, currency: str, owner: UUID | None = None) -> "AccountKey":
        """An account of the house, of a platform server, a PSP connection or an ib."""
        return cls(kind, currency, owner.hex if owner else "")


@dataclass(frozen=True, slots=True)
class Leg:
    """One posting of a transfer: credits are positive. More than an amount can be is a bug and
    raises: the sums over an account must fit their column for ever."""

    account_id: UUID
    amount: Money

    def __post_init__(self) -> None:
        if abs(self.amount.amount_minor) > most_minor(self.amount.currency):
            raise ValueError("a leg of more than an amount can be")


@dataclass(frozen=True, slots=True)
class Transfer:
    """A movement to be posted, or a hold, or what resolves one.

    `key` names the cause for ever (`deposit:<id>:1`): the same key is posted once, another content
    under it is refused. `source` and `external_id` are the outside world's name of the cause.
    VOID and EXPIRED have no legs. A PENDING transfer with `expires_at` can't be posted after it.
    `client_id` is whose statement may show it. `meta` holds ids and figures, no personal data.
    """

    key: str
    kind: str
    legs: Sequence[Leg] = ()
    state: TransferState = TransferState.POSTED
    id: UUID | None = None
    resolves: UUID | None = None
    expires_at: datetime | None = None
    source: str | None = None
    external_id: str | None = None
    client_id: UUID | None = None
    reason: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Posted:
    """A transfer as it lies in the ledger; `replayed` when it was there before."""

    id: UUID
    replayed: bool
