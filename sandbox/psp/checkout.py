"""The hosted page: a payer opens the link, chooses an instrument, and is sent back."""

import hmac
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.pages import HEADERS, document
from sandbox.psp import page, payments, rules
from sandbox.psp.desk import Desk
from sandbox.psp.values import Method, Payment, Refusal
from sandbox.psp.wire import psp_of
from sandbox.store import StoreDown

_FIELDS = {Method.CARD: "card", Method.EWALLET: "email", Method.BANK: "iban"}
# The page is over, whatever the button said: the payer is shown where the payment stands.
_OVER = {"NOT_WAITING", "NOT_PAYABLE"}
_LONGEST_FORM = 10_000


async def show(request: Request) -> Response:
    """The page of a payment. Looking changes nothing."""
    try:
        async with psp_of(request).desk() as desk:
            found = await desk.find(Payment, id=request.path_params["key"])
    except StoreDown:
        return _page(_away(), 503)
    if not found:
        return _page(page.unknown(), 404)
    return _page(_shown(found[0]))


async def submit(request: Request) -> Response:
    """A button of the form: 303 to the merchant, or back to the page when there is more to do."""
    form = await _form(request)
    try:
        async with psp_of(request).desk() as desk:
            payment = await desk.take(Payment, request.path_params["key"])
            shown = form.get("token", "")
            if not hmac.compare_digest(shown.encode(), payment.form_token.encode()):
                return _page(page.forged(), 403)
            try:
                async with desk.savepoint():
                    made = await _act(desk, payment, form)
            except Refusal as refusal:
                if refusal.code in _OVER:
                    made = payment
                else:
                    return _page(page.form(payment, error=refusal.message), 400)
    except Refusal:
        return _page(page.unknown(), 404)
    except StoreDown:
        return _page(_away(), 503)
    if page.is_asking(made):
        return RedirectResponse(f"/checkout/{made.id}", 303, headers=HEADERS)
    return RedirectResponse(_back(made), 303, headers=HEADERS)


async def _act(desk: Desk, payment: Payment, form: dict[str, str]) -> Payment:
    """Refusals: INVALID_INSTRUMENT, INVALID_AMOUNT, NOT_WAITING, NOT_PAYABLE, UNKNOWN_ACTION."""
    match form.get("action"):
        case "pay":
            return await _pay(desk, payment, form)
        case "decline":
            return await payments.fail(desk, payment, "DECLINED_BY_PAYER")
        case "cancel":
            return await payments.cancel(desk, payment)
        case "confirm" if page.is_asking(payment):
            usual = rules.find_instrument(payment.method, rules.USUAL[payment.method])
            return await payments.pay(desk, payment, usual, payment.amount)
        case "refuse" if page.is_asking(payment):
            return await payments.fail(desk, payment, "AUTHENTICATION_FAILED")
        case "confirm" | "refuse":
            raise Refusal("NOT_WAITING", "Nothing is asked.")
        case _:
            raise Refusal("UNKNOWN_ACTION", "Press one of the buttons.")


async def _pay(desk: Desk, payment: Payment, form: dict[str, str]) -> Payment:
    shown = form.get(_FIELDS[payment.method], "")
    instrument = rules.find_instrument(payment.method, shown)
    if payment.method is Method.BANK:
        amount = rules.read_amount(form.get("amount", "").strip(), payment.currency)
        return await payments.announce_transfer(desk, payment, instrument, amount)
    return await payments.present(desk, payment, instrument)


def _shown(payment: Payment) -> str:
    is_bank = payment.method is Method.BANK
    may_pay = rules.PAYABLE | rules.HOLDS_MONEY if is_bank else rules.WAITING
    if payment.status in may_pay:
        return page.form(payment)
    return page.outcome(payment, back=_back(payment))


def _back(payment: Payment) -> str:
    """The merchant's own page, told which payment this was and how it stands."""
    parts = urlsplit(payment.return_url)
    told = urlencode({"reference": payment.reference, "status": payment.status})
    query = f"{parts.query}&{told}" if parts.query else told
    return urlunsplit(parts._replace(query=query))


async def _form(request: Request) -> dict[str, str]:
    body = await request.body()
    if len(body) > _LONGEST_FORM:
        return {}
    pairs = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in pairs.items()}


def _page(text: str, status: int = 200) -> Response:
    return HTMLResponse(text, status, headers=HEADERS)


def _away() -> str:
    return document("Not now", "<h1>Not now</h1><p>Try again in a moment.</p>")


ROUTES = [
    Route("/checkout/{key}", show, methods=["GET"]),
    Route("/checkout/{key}", submit, methods=["POST"]),
]
