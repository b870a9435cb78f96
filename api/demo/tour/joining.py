"""Somebody new for the steps of the tour: signed up, with the address proven by mail."""

import email
import re
import secrets
import time
from pathlib import Path

from api.demo.tour.guide import Guide, check, value_of

NEWCOMER = "newcomer"
REGISTER = """mutation($input: ClientRegisterInput!) { clientRegister(input: $input) {
  accepted errors { code message } } }"""
VERIFY = """mutation($token: String!) { emailVerify(input: {token: $token}) {
  tokens { accessToken } errors { code message } } }"""
_TOKEN = re.compile(r"bk_verify_[0-9a-f]{32}_[0-9a-f]{32}_[\w-]{43}", re.ASCII)
_COUNTRY = "CY"


async def join(guide: Guide, slug: str, name: str) -> str:
    """A new client of the brand, as whom may be asked from now on."""
    began = time.time()
    address = f"tour.{secrets.token_hex(4)}@client.example"
    form = {
        "name": name,
        "email": address,
        "password": secrets.token_urlsafe(12),
        "country": _COUNTRY,
    }
    answer = await guide.asker.ask(slug, REGISTER, {"input": form})
    shown = {"input": form | {"password": "…"}}
    guide.print(slug, REGISTER, answer.get("data") or answer, shown)
    check(value_of(answer)["accepted"], "the registration is taken")

    async def mail() -> str | None:
        return _mailed(guide.settings.home.outbox, address, began)

    token = await guide.until("the mail to prove the address", mail)
    verified = await guide.quietly(slug, VERIFY, token=token)
    guide.say(f"the token of the mail to {address} proves the address, and signs in")
    guide.asker.brand(slug)["tokens"][NEWCOMER] = verified["tokens"]["accessToken"]
    return f"{slug}/{NEWCOMER}"


def _mailed(outbox: Path, address: str, since: float) -> str | None:
    """The token in a mail to an address; None while it is not there."""
    for path in outbox.glob("*.eml"):
        if path.stat().st_mtime < since - 1:
            continue
        mail = email.message_from_bytes(path.read_bytes())
        body = mail.get_payload(decode=True)
        if address in str(mail["To"]) and isinstance(body, bytes):
            found = _TOKEN.search(body.decode())
            return found[0] if found else None
    return None
