"""The hosted page: somebody opens the link, shows papers and face (or chooses a test person), and
is sent back."""

import hmac
from html import escape
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.kyc.rules import PERSONS
from sandbox.kyc.values import Applicant, Refusal, ReviewStatus
from sandbox.kyc.wire import kyc_of
from sandbox.pages import HEADERS, document
from sandbox.store import StoreDown

_LONGEST_FORM = 10_000


async def show(request: Request) -> Response:
    """The page of an applicant. Looking changes nothing."""
    try:
        async with kyc_of(request).desk() as desk:
            found = await desk.find(request.path_params["key"])
    except StoreDown:
        return _page(_away(), 503)
    if found is None:
        return _page(_unknown(), 404)
    return _page(_form(found) if found.status is ReviewStatus.INIT else _outcome(found))


async def submit(request: Request) -> Response:
    """The button of the form: 303 to where the client came from."""
    form = await _sent(request)
    try:
        async with kyc_of(request).desk() as desk:
            found = await desk.find(request.path_params["key"])
            if found is None:
                return _page(_unknown(), 404)
            if not hmac.compare_digest(form.get("token", "").encode(), found.form_token.encode()):
                return _page(_forged(), 403)
            try:
                found = await desk.submit(found, form.get("person", ""))
            except Refusal as refusal:
                if refusal.code != "NOT_WAITING":
                    return _page(_form(found, error=refusal.message), 400)
    except StoreDown:
        return _page(_away(), 503)
    return RedirectResponse(_back(found), 303, headers=HEADERS)


def _form(item: Applicant, *, error: str = "") -> str:
    choices = "".join(
        f'<label><input type="radio" name="person" value="{name}"'
        f"{' checked' if position == 0 else ''}> {escape(title)}</label>"
        for position, (name, (title, _)) in enumerate(PERSONS.items())
    )
    told = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    return document(
        "Sandbox verification",
        f"{_heading(item)}{told}"
        f'<form method="post" action="/verify/{escape(item.id)}">'
        f'<input type="hidden" name="token" value="{escape(item.form_token)}">'
        f"<fieldset><legend>What the vendor is to see</legend>{choices}</fieldset>"
        '<div><button type="submit">Hand in</button></div></form>',
    )


def _outcome(item: Applicant) -> str:
    state = item.answer or item.status
    return document(
        "Sandbox verification",
        f"{_heading(item)}<p>This verification is <strong>{escape(state)}</strong>.</p>"
        f'<p><a href="{escape(_back(item))}">Back</a></p>',
    )


def _heading(item: Applicant) -> str:
    return (
        '<p class="quiet">Sandbox KYC: nobody is really looked at.</p>'
        f"<h1>Prove who you are</h1><p>Level {escape(item.level)}</p>"
    )


def _unknown() -> str:
    return document("Unknown", "<h1>Unknown</h1><p>This link leads nowhere.</p>")


def _forged() -> str:
    text = "<p>This form was not made here. Open the link again.</p>"
    return document("Refused", f"<h1>Refused</h1>{text}")


def _away() -> str:
    return document("Not now", "<h1>Not now</h1><p>Try again in a moment.</p>")


def _back(item: Applicant) -> str:
    """The client's own portal, told which case this was and how it stands."""
    parts = urlsplit(item.return_url)
    told = urlencode({"reference": item.reference, "status": item.status})
    query = f"{parts.query}&{told}" if parts.query else told
    return urlunsplit(parts._replace(query=query))


async def _sent(request: Request) -> dict[str, str]:
    body = await request.body()
    if len(body) > _LONGEST_FORM:
        return {}
    pairs = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in pairs.items()}


def _page(text: str, status: int = 200) -> Response:
    return HTMLResponse(text, status, headers=HEADERS)


ROUTES = [
    Route("/verify/{key}", show, methods=["GET"]),
    Route("/verify/{key}", submit, methods=["POST"]),
]
