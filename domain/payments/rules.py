"""Pure verdicts that all payments share: fees, the brand's policy, which status follows which."""

from dataclasses import dataclass
from typing import Final

from domain.payments.values import PaymentKind, PaymentStatus

_S = PaymentStatus
_BPS = 10_000


@dataclass(frozen=True, slots=True)
class Policy:
    """What a brand decides about its cashier; these are the defaults.

    `cooling_off_hours` how long a new payout destination can't be used · `fx_spread_bps` what a
    conversion costs, in hundredths of a percent · `fx_quote_seconds` how long its quote holds ·
    `withdrawal_days` how long a withdrawal may wait for approval · `clearing_hours` the age at
    which a clearing account that is not zero is a discrepancy.
    """

    cooling_off_hours: int = 24
    fx_spread_bps: int = 100
    fx_quote_seconds: int = 15
    withdrawal_days: int = 30
    clearing_hours: int = 24
    dispute_closes_trading: bool = True


def fee_of(amount_minor: int, *, fixed_minor: int, bps: int) -> int:
    """A fixed part plus hundredths of a percent, rounded up to the minor unit."""
    return fixed_minor + -(-amount_minor * bps // _BPS)


# Money can arrive after a deposit was given up, so that even its dead ends lead on.
_SETTLES: Final = (_S.SETTLED,)
_DEPOSIT: Final = {
    _S.CREATED: (_S.PENDING, _S.AUTHORISED, _S.FAILED, _S.EXPIRED, _S.CANCELLED, *_SETTLES),
    _S.PENDING: (_S.AUTHORISED, _S.FAILED, _S.EXPIRED, _S.CANCELLED, *_SETTLES),
    _S.AUTHORISED: (_S.FAILED, _S.EXPIRED, _S.CANCELLED, *_SETTLES),
    _S.FAILED: _SETTLES,
    _S.EXPIRED: _SETTLES,
    _S.CANCELLED: _SETTLES,
    _S.SETTLED: (_S.SETTLED, _S.PARTLY_REFUNDED, _S.REFUNDED, _S.DISPUTED, _S.CHARGED_BACK),
    _S.PARTLY_REFUNDED: (_S.SETTLED, _S.PARTLY_REFUNDED, _S.REFUNDED, _S.DISPUTED),
    _S.REFUNDED: (_S.SETTLED, _S.PARTLY_REFUNDED, _S.DISPUTED),
    _S.DISPUTED: (_S.SETTLED, _S.PARTLY_REFUNDED, _S.REFUNDED, _S.CHARGED_BACK),
    _S.CHARGED_BACK: (_S.DISPUTED, _S.SETTLED),
}
# A part that failed or came back can be sent elsewhere: the withdrawal then waits once more.
_AGAIN: Final = (_S.REQUESTED, _S.APPROVED)
_WITHDRAWAL: Final = {
    _S.REQUESTED: (
        _S.REQUESTED, _S.APPROVED, _S.REJECTED, _S.CANCELLED, _S.EXPIRED,
        _S.PARTLY_PAID, _S.FAILED, _S.RETURNED,
    ),
    _S.APPROVED: (_S.SENDING, _S.CANCELLED, _S.PARTLY_PAID, _S.FAILED, _S.RETURNED),
    _S.SENDING: (_S.UNKNOWN, _S.SENT, _S.PAID, _S.PARTLY_PAID, _S.FAILED, _S.RETURNED),
    _S.UNKNOWN: (_S.SENDING, _S.SENT, _S.PAID, _S.PARTLY_PAID, _S.FAILED, _S.RETURNED),
    _S.SENT: (_S.UNKNOWN, _S.SENDING, _S.PAID, _S.PARTLY_PAID, _S.FAILED, _S.RETURNED),
    _S.PAID: (_S.PARTLY_PAID, _S.RETURNED),
    _S.PARTLY_PAID: (_S.PAID, _S.RETURNED, *_AGAIN),
    _S.FAILED: _AGAIN,
    _S.RETURNED: _AGAIN,
}  # fmt: skip
_TRANSFER: Final = {
    _S.SENDING: (_S.UNKNOWN, _S.DONE, _S.FAILED),
    _S.UNKNOWN: (_S.DONE, _S.FAILED),
}
_NEXT: Final = {
    PaymentKind.DEPOSIT: _DEPOSIT,
    PaymentKind.WITHDRAWAL: _WITHDRAWAL,
    PaymentKind.TRANSFER: _TRANSFER,
}


def may_follow(kind: PaymentKind, status: PaymentStatus, then: PaymentStatus) -> bool:
    """Whether a payment of that kind can go from one status to the other (C0 of the neutral
    machine; a repetition of a status is a change within it)."""
    return then in _NEXT[kind].get(status, ())
