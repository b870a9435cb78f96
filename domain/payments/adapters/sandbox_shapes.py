"""The sandbox PSP's JSON, into our values and back. Unknown fields are ignored."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from domain.kernel.errors import Invalid
from domain.kernel.money import Money, from_minor, parse_decimal, to_minor
from domain.payments.ports import PspUnavailable
from domain.payments.psp_values import (
    PspDispute,
    PspPayment,
    PspPaymentStatus,
    PspPayout,
    PspPayoutStatus,
    PspRefund,
    PspRefundStatus,
    PspSource,
)
from domain.payments.values import DisputeStatus

Json = dict[str, Any]
T = TypeVar("T")


def _published(read: Callable[[Json], T]) -> Callable[[Json], T]:
    """Refusals: PSP_UNAVAILABLE for what has not the published shape: it proves nothing."""

    @wraps(read)
    def reading(body: Json) -> T:
        try:
            return read(body)
        except (KeyError, TypeError, ValueError, AttributeError, Invalid) as error:
            message = "The payment provider's answer has not the published shape."
            raise PspUnavailable(message) from error

    return reading


def amount(money: Money) -> dict[str, str]:
    """`amount` and `currency` of a request."""
    text = format(from_minor(money.amount_minor, money.currency), "f")
    return {"amount": text, "currency": money.currency}


@_published
def payment(body: Json) -> PspPayment:
    currency = _text(body["currency"])
    received_in = body["received_currency"] or currency
    return PspPayment(
        id=_text(body["id"]),
        reference=_text(body["reference"]),
        status=PspPaymentStatus(body["status"]),
        version=_version(body),
        amount=_money(body["amount"], currency),
        received=_maybe(body["received_amount"], received_in),
        refunded=_money(body["refunded_amount"], received_in),
        fee=_maybe(body["fee_amount"], received_in),
        source=_source(body["source"]),
        failure_code=body["failure_code"],
        checkout_url=_text(body["checkout_url"]),
        expires_at=_time(body["expires_at"]),
        disputes=tuple(dispute(one) for one in body["disputes"]),
    )


@_published
def refund(body: Json) -> PspRefund:
    return PspRefund(
        id=_text(body["id"]),
        payment_id=_text(body["payment_id"]),
        reference=_text(body["reference"]),
        status=PspRefundStatus(body["status"]),
        version=_version(body),
        amount=_money(body["amount"], _text(body["currency"])),
        failure_code=body["failure_code"],
    )


@_published
def payout(body: Json) -> PspPayout:
    currency = _text(body["currency"])
    return PspPayout(
        id=_text(body["id"]),
        reference=_text(body["reference"]),
        status=PspPayoutStatus(body["status"]),
        version=_version(body),
        amount=_money(body["amount"], currency),
        fee=_maybe(body["fee_amount"], currency),
        failure_code=body["failure_code"],
    )


@_published
def dispute(body: Json) -> PspDispute:
    currency = _text(body["currency"])
    return PspDispute(
        id=_text(body["id"]),
        payment_id=_text(body["payment_id"]),
        reference=_text(body["reference"]),
        status=DisputeStatus(body["status"]),
        version=_version(body),
        amount=_some(body["amount"], currency),
        fee=_money(body["fee_amount"], currency),
        reason=_text(body["reason"]),
        evidence_due_at=_time(body["evidence_due_at"]),
    )


def _money(text: str, currency: str) -> Money:
    found = Money(to_minor(parse_decimal(text), currency), currency)
    if found.amount_minor < 0:
        raise ValueError("nothing is moved by less than nothing")
    return found


def _some(text: str, currency: str) -> Money:
    found = _money(text, currency)
    if not found.amount_minor:
        raise ValueError("a dispute is about something")
    return found


def _maybe(text: str | None, currency: str) -> Money | None:
    return None if text is None else _money(text, currency)


def _source(body: Mapping[str, Any] | None) -> PspSource | None:
    if body is None:
        return None
    return PspSource(_text(body["id"]), _text(body["kind"]), _text(body["label"]))


def _version(body: Json) -> int:
    version = body["version"]
    if type(version) is not int or version < 1:
        raise ValueError("a version counts from 1")
    return version


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is expected")
    return value


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant has an offset")
    return at
