"""What is said on the wire, from what is kept."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sandbox.psp.rules import show
from sandbox.psp.values import Dispute, Payment, Payout, Refund
from sandbox.written import time_text

Json = dict[str, Any]


def payment(item: Payment, disputes: Iterable[Dispute], *, url: str) -> Json:
    received_in = item.received_currency or item.currency
    return {
        "id": item.id,
        "reference": item.reference,
        "status": item.status,
        "version": item.version,
        "method": item.method,
        "amount": show(item.amount, item.currency),
        "currency": item.currency,
        "received_amount": _maybe(item.received_amount, received_in),
        "received_currency": item.received_currency,
        "refunded_amount": show(item.refunded_amount, received_in),
        "fee_amount": _maybe(item.fee_amount, received_in),
        "source": _source(item),
        "failure_code": item.failure_code,
        "checkout_url": f"{url}/checkout/{item.id}",
        "created_at": time_text(item.created_at),
        "updated_at": time_text(item.updated_at),
        "expires_at": time_text(item.expires_at),
        "disputes": [dispute(each) for each in disputes],
    }


def _source(item: Payment) -> Json | None:
    if item.source_id is None:
        return None
    return {"id": item.source_id, "kind": item.method, "label": item.source_label}


def _maybe(amount: Decimal | None, currency: str) -> str | None:
    return None if amount is None else show(amount, currency)


def refund(item: Refund) -> Json:
    return {
        "id": item.id,
        "payment_id": item.payment_id,
        "reference": item.reference,
        "status": item.status,
        "version": item.version,
        "amount": show(item.amount, item.currency),
        "currency": item.currency,
        "failure_code": item.failure_code,
        "created_at": time_text(item.created_at),
        "updated_at": time_text(item.updated_at),
    }


def payout(item: Payout) -> Json:
    return {
        "id": item.id,
        "reference": item.reference,
        "status": item.status,
        "version": item.version,
        "amount": show(item.amount, item.currency),
        "currency": item.currency,
        "destination": {
            "kind": item.destination_kind,
            "account": item.destination_account,
            "holder_name": item.holder_name,
        },
        "fee_amount": show(item.fee_amount, item.currency),
        "failure_code": item.failure_code,
        "created_at": time_text(item.created_at),
        "updated_at": time_text(item.updated_at),
    }


def dispute(item: Dispute) -> Json:
    return {
        "id": item.id,
        "payment_id": item.payment_id,
        "reference": item.reference,
        "status": item.status,
        "version": item.version,
        "amount": show(item.amount, item.currency),
        "currency": item.currency,
        "fee_amount": show(item.fee_amount, item.currency),
        "reason": item.reason,
        "evidence_due_at": time_text(item.evidence_due_at),
        "created_at": time_text(item.created_at),
        "updated_at": time_text(item.updated_at),
    }
