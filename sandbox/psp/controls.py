"""Controls for development and tests: merchants, payers by hand, outcomes, faults.

Served only when the process was started with a control token, and only to who carries it.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.psp import bodies, disputes, payments, payouts, refunds, rules, shapes
from sandbox.psp.desk import Desk
from sandbox.psp.faults import Knobs
from sandbox.psp.reads import show_payment
from sandbox.psp.values import (
    DisputeStatus,
    Merchant,
    Payment,
    PayoutStatus,
    RefundStatus,
    Refusal,
)
from sandbox.psp.wire import guarded, psp_of
from sandbox.wire import Handler, Unauthorized, answer, bearer_of, checked, hash_key

_B = TypeVar("_B", bound=bodies.Control)


async def put_merchant(request: Request) -> Response:
    """Makes or changes a merchant. Refusals: API_KEY_IN_USE."""
    asked = checked(bodies.MerchantBody, await request.body())
    name, key_hash = request.path_params["name"], hash_key(asked.api_key)
    async with psp_of(request).desk() as desk:
        holders = await desk.find(Merchant, key_hash=key_hash)
        if any(holder.name != name for holder in holders):
            raise Refusal("API_KEY_IN_USE", "Another merchant has this key.")
        secrets, currencies = asked.notice_secrets, asked.currencies
        await desk.keep(Merchant(name, key_hash, asked.notice_url, secrets, currencies))
    return answer({"name": name, "notice_url": asked.notice_url, "currencies": currencies})


async def _pay(desk: Desk, payment: Payment, asked: bodies.PayBody) -> Payment:
    currency = asked.currency or payment.received_currency or payment.currency
    missing = payment.amount if payment.received_amount is None else None
    if asked.amount is None and missing is None:
        raise Refusal("AMOUNT_MISSING", "It is paid already: to pay again, say an amount.")
    amount = missing if asked.amount is None else rules.read_amount(asked.amount, currency)
    assert amount is not None
    shown = asked.instrument or rules.USUAL[payment.method]
    instrument = rules.find_instrument(payment.method, shown)
    return await payments.pay(desk, payment, instrument, amount, currency=currency)


async def _fail(desk: Desk, payment: Payment, asked: bodies.FailBody) -> Payment:
    return await payments.fail(desk, payment, asked.code)


async def _expire(desk: Desk, payment: Payment, asked: bodies.NothingBody) -> Payment:
    return await payments.expire(desk, payment.id)


async def _authorise(desk: Desk, payment: Payment, asked: bodies.NothingBody) -> Payment:
    return await payments.authorise(desk, payment)


def _on_payment(
    verb: str, shape: type[_B], act: Callable[[Desk, Payment, _B], Awaitable[Payment]]
) -> Route:
    """A control that does something to a payment and answers what it became."""

    async def done(request: Request) -> Response:
        asked = checked(shape, await request.body() or b"{}")
        async with psp_of(request).desk() as desk:
            payment = await desk.take(Payment, request.path_params["key"])
            made = await act(desk, payment, asked)
            return answer(await show_payment(desk, made, request))

    return Route(f"/control/payments/{{key}}/{verb}", _controlled(done), methods=["POST"])


async def give_back(request: Request) -> Response:
    asked = checked(bodies.GiveBackBody, await request.body())
    async with psp_of(request).desk() as desk:
        payment = await desk.take(Payment, request.path_params["key"])
        made = await refunds.give_back(desk, payment, amount=asked.amount)
    return answer(shapes.refund(made))


async def open_dispute(request: Request) -> Response:
    asked = checked(bodies.DisputeBody, await request.body() or b"{}")
    async with psp_of(request).desk() as desk:
        payment = await desk.take(Payment, request.path_params["key"])
        currency = payment.received_currency or payment.currency
        amount = asked.amount and rules.read_amount(asked.amount, currency)
        _, made = await disputes.open_dispute(
            desk, payment, amount=amount or None, reason=asked.reason
        )
    return answer(shapes.dispute(made))


async def close_dispute(request: Request) -> Response:
    asked = checked(bodies.CloseBody, await request.body())
    async with psp_of(request).desk() as desk:
        outcome = DisputeStatus(asked.outcome)
        made = await disputes.close(desk, request.path_params["key"], outcome)
    return answer(shapes.dispute(made))


async def settle_payout(request: Request) -> Response:
    asked = checked(bodies.PayoutSettleBody, await request.body())
    key, status = request.path_params["key"], PayoutStatus(asked.status)
    async with psp_of(request).desk() as desk:
        made = await payouts.settle(desk, key, status, failure_code=asked.failure_code)
    return answer(shapes.payout(made))


async def settle_refund(request: Request) -> Response:
    asked = checked(bodies.RefundSettleBody, await request.body())
    key, status = request.path_params["key"], RefundStatus(asked.status)
    async with psp_of(request).desk() as desk:
        made = await refunds.settle(desk, key, status, failure_code=asked.failure_code)
    return answer(shapes.refund(made))


async def show_faults(request: Request) -> Response:
    return answer(psp_of(request).faults.knobs.model_dump(mode="json"))


async def set_faults(request: Request) -> Response:
    """All knobs at once: what is left out works again."""
    knobs = checked(Knobs, await request.body())
    await psp_of(request).set_faults(knobs)
    return answer(knobs.model_dump(mode="json"))


async def clear(request: Request) -> Response:
    return answer({"cut_notices": await psp_of(request).cut_notices()})


def _controlled(handler: Handler) -> Handler:
    async def check(request: Request) -> Response:
        wanted: str = request.app.state.control_token
        if not hmac.compare_digest(bearer_of(request).encode(), wanted.encode()):
            raise Unauthorized
        return await handler(request)

    return guarded(check)


def _post(path: str, handler: Handler) -> Route:
    return Route(f"/control/{path}", _controlled(handler), methods=["POST"])


ROUTES = [
    Route("/control/merchants/{name}", _controlled(put_merchant), methods=["PUT"]),
    _on_payment("pay", bodies.PayBody, _pay),
    _on_payment("fail", bodies.FailBody, _fail),
    _on_payment("expire", bodies.NothingBody, _expire),
    _on_payment("authorise", bodies.NothingBody, _authorise),
    _post("payments/{key}/refund", give_back),
    _post("payments/{key}/dispute", open_dispute),
    _post("disputes/{key}/close", close_dispute),
    _post("payouts/{key}/settle", settle_payout),
    _post("refunds/{key}/settle", settle_refund),
    Route("/control/faults", _controlled(show_faults), methods=["GET"]),
    Route("/control/faults", _controlled(set_faults), methods=["PUT"]),
    _post("clear", clear),
]
