"""What all calls of the PSP's wire have in common. The contract is published in
`docs/psp.openapi.yaml`.

Every POST of a merchant carries an `Idempotency-Key`; its answer, a refusal too, is stored with
its effect in one transaction. Answers: 200, 201; 400 malformed; 401; 404 and 409 refusals with a
code; 503 when the database did not confirm, so that the outcome is to be asked for by reference.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from sandbox.psp.desk import Answer, Desk
from sandbox.psp.office import Psp
from sandbox.psp.shapes import Json
from sandbox.psp.values import Merchant, Refusal
from sandbox.store import StoreDown
from sandbox.wire import (
    Handler,
    Malformed,
    Unauthorized,
    bearer_of,
    checked,
    failed,
    hash_key,
)

_B = TypeVar("_B", bound=BaseModel)
LONGEST_KEY = 128


def psp_of(request: Request) -> Psp:
    psp: Psp = request.app.state.psp
    return psp


def guarded(handler: Handler) -> Handler:
    """Turns what a handler raises into the published errors."""

    async def guard(request: Request) -> Response:
        try:
            return await handler(request)
        except Malformed as error:
            return failed(400, "MALFORMED", str(error))
        except Unauthorized:
            return failed(401, "UNAUTHORIZED", "Send your key as a bearer token.")
        except Refusal as refusal:
            return failed(status_of(refusal), refusal.code, refusal.message)
        except StoreDown:
            return failed(503, "UNAVAILABLE", "Ask for the outcome by the reference.")

    return guard


def status_of(refusal: Refusal) -> int:
    return 404 if refusal.code.startswith("UNKNOWN_") else 409


async def merchant_of(request: Request, desk: Desk) -> Merchant:
    """Whose key the call carries. Raises Unauthorized."""
    found = await desk.find(Merchant, key_hash=hash_key(bearer_of(request)))
    if not found:
        raise Unauthorized
    return found[0]


async def write(
    request: Request,
    shape: type[_B],
    action: Callable[[Desk, Merchant, _B], Awaitable[Json]],
    *,
    status: int = 201,
) -> Response:
    """Performs a merchant's POST once under its key.

    Refusals: IDEMPOTENCY_ERROR for a key that was used for something else; PROVIDER_REFUSED on
    demand; those of the action.
    """
    psp, body = psp_of(request), await request.body()
    async with psp.desk() as desk:
        merchant = await merchant_of(request, desk)
        key = request.headers.get("idempotency-key", "")
        if not 1 <= len(key) <= LONGEST_KEY:
            raise Malformed(f"the header Idempotency-Key must have 1 to {LONGEST_KEY} characters")
        asked, fingerprint = checked(shape, body), _fingerprint(request, body)
        is_remembered = not psp.faults.knobs.forget_keys
        if is_remembered:
            await desk.hold_key(merchant.name, key)
            if known := await desk.answer(merchant.name, key):
                return _replayed(known, fingerprint)
        made = await _performed(desk, merchant, asked, action, status)
        text = orjson.dumps(made[1])
        if is_remembered:
            kept = Answer(fingerprint, made[0], text.decode())
            await desk.keep_answer(merchant.name, key, kept)
    return Response(text, made[0], media_type="application/json")


async def _performed(
    desk: Desk,
    merchant: Merchant,
    asked: _B,
    action: Callable[[Desk, Merchant, _B], Awaitable[Json]],
    status: int,
) -> tuple[int, Json]:
    try:
        if desk.faults.refuses():
            raise Refusal("PROVIDER_REFUSED", "Refused on demand.")
        async with desk.savepoint():
            return status, await action(desk, merchant, asked)
    except Refusal as refusal:
        told = {"error": {"code": refusal.code, "message": refusal.message}}
        return status_of(refusal), told


def _fingerprint(request: Request, body: bytes) -> str:
    """What tells two uses of one key apart: the call and its JSON, however it is spaced."""
    seen = [request.method, request.url.path, orjson.loads(body)]
    return hashlib.sha256(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _replayed(known: Answer, fingerprint: str) -> Response:
    if known.fingerprint != fingerprint:
        raise Refusal("IDEMPOTENCY_ERROR", "This key was used for something else.")
    headers = {"Idempotent-Replayed": "true"}
    return Response(known.body, known.status, headers=headers, media_type="application/json")
