"""The hosted page in plain HTML: one column, no script, no foreign asset, usable by keyboard."""

from html import escape

from sandbox.pages import document
from sandbox.psp.rules import USUAL, show
from sandbox.psp.values import Method, Payment, PaymentStatus

_CARDS = (
    ("4242 4242 4242 4242", "pays"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 3220", "asks for 3-D Secure"),
    ("4000 0000 0000 0259", "pays, then is disputed"),
)


def unknown() -> str:
    return document("Unknown payment", "<h1>Unknown payment</h1><p>This link leads nowhere.</p>")


def forged() -> str:
    text = "<p>This form was not made here. Open the payment's link again.</p>"
    return document("Refused", f"<h1>Refused</h1>{text}")


def form(payment: Payment, *, error: str = "") -> str:
    """The page of a payment that may still be paid."""
    fields = {Method.CARD: _cards, Method.EWALLET: _email, Method.BANK: _transfer}[payment.method]
    if is_asking(payment):
        inner, buttons = _question(), {"confirm": "Confirm", "refuse": "Refuse"}
    else:
        inner = fields(payment)
        buttons = {"pay": "Pay", "decline": "Decline", "cancel": "Cancel"}
        if payment.received_amount is not None:
            buttons = {"pay": "Pay more"}
    shown = "".join(
        f'<button type="submit" name="action" value="{value}"'
        f"{'' if value in ('pay', 'confirm') else ' formnovalidate'}>{text}</button>"
        for value, text in buttons.items()
    )
    told = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    return document(
        "Sandbox payment",
        f'{_heading(payment)}{told}<form method="post" action="/checkout/{escape(payment.id)}">'
        f'<input type="hidden" name="token" value="{escape(payment.form_token)}">'
        f"{inner}<div>{shown}</div></form>",
    )


def outcome(payment: Payment, *, back: str) -> str:
    """The page of a payment that is over."""
    return document(
        "Sandbox payment",
        f"{_heading(payment)}<p>This payment is <strong>{payment.status}</strong>.</p>"
        f'<p><a href="{escape(back)}">Back to the merchant</a></p>',
    )


def is_asking(payment: Payment) -> bool:
    """Whether the payer of a card has to confirm (3-D Secure)."""
    return payment.status is PaymentStatus.AUTHORISED and payment.source_id is not None


def _heading(payment: Payment) -> str:
    description = f"<p>{escape(payment.description)}</p>" if payment.description else ""
    received = ""
    if payment.received_amount is not None and payment.received_currency is not None:
        came = show(payment.received_amount, payment.received_currency)
        received = f"<p>Received: {came} {escape(payment.received_currency)}</p>"
    return (
        '<p class="quiet">Sandbox PSP: no real money moves.</p>'
        f"<h1>{show(payment.amount, payment.currency)} {escape(payment.currency)}</h1>"
        f"<p>Reference {escape(payment.reference)}</p>{description}{received}"
    )


def _cards(payment: Payment) -> str:
    choices = "".join(
        f'<label><input type="radio" name="card" value="{number}"'
        f'{" checked" if position == 0 else ""}> {number} <span class="quiet">{what}</span></label>'
        for position, (number, what) in enumerate(_CARDS)
    )
    return f"<fieldset><legend>Test card</legend>{choices}</fieldset>"


def _email(payment: Payment) -> str:
    return (
        "<fieldset><legend>E-wallet</legend><label>E-mail of the wallet "
        '<input type="email" name="email" required autocomplete="off"'
        f' value="{USUAL[Method.EWALLET]}"></label></fieldset>'
    )


def _transfer(payment: Payment) -> str:
    amount = show(payment.amount, payment.currency)
    return (
        "<fieldset><legend>Bank transfer</legend><label>Your IBAN "
        '<input type="text" name="iban" required autocomplete="off"'
        f' value="{USUAL[Method.BANK]}"></label>'
        f"<label>Amount you send ({escape(payment.currency)}) "
        '<input type="text" name="amount" required inputmode="decimal" autocomplete="off"'
        f' value="{amount}"></label></fieldset>'
    )


def _question() -> str:
    return (
        "<fieldset><legend>3-D Secure</legend>"
        "<p>Your bank asks: did you start this payment?</p></fieldset>"
    )
