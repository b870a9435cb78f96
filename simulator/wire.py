"""What all calls of the bridge wire have in common. The contract is published in
`docs/bridge.openapi.yaml`; `reads` and `writes` hold the calls, `stream` the live part.

Every write carries its operation id in the header `Idempotency-Key` and is answered from the store
when it is repeated. Answers: 200; 400 for a malformed call; 401; 404 and 409 for refusals with a
code; 503 when the database did not confirm, so that the outcome is to be asked for by the id.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from simulator import bodies
from simulator.book import Draft
from simulator.engine import Ask, Engine, refused
from simulator.shapes import Json
from simulator.store import StoreDown
from simulator.values import Refusal

_B = TypeVar("_B", bound=bodies.Body)
Handler = Callable[[Request], Awaitable[Response]]


class Malformed(Exception):
    """A call that does not have the published shape."""


def answer(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def failed(status: int, code: str, message: str) -> Response:
    return answer({"error": {"code": code, "message": message}}, status)


def engine_of(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


def guarded(handler: Handler) -> Handler:
    """Turns what a handler raises into the published errors."""

    async def guard(request: Request) -> Response:
        try:
            return await handler(request)
        except Malformed as error:
            return failed(400, "INVALID_REQUEST", str(error))
        except Refusal as refusal:
            status, body = refused(refusal)
            return answer(body, status)
        except StoreDown:
            return failed(503, "UNAVAILABLE", "Ask for the outcome by the operation id.")

    return guard


async def body_of(request: Request, shape: type[_B]) -> _B:
    return _checked(shape, await request.body() or b"{}")


def query_of(request: Request, shape: type[_B]) -> _B:
    return _checked(shape, orjson.dumps(dict(request.query_params)))


def _checked(shape: type[_B], text: bytes) -> _B:
    try:
        return shape.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Malformed(f"{place}: {first['msg']}" if place else first["msg"]) from None


def login_of(request: Request) -> int:
    login: int = request.path_params["login"]
    return login


async def write(request: Request, action: Callable[[Draft, str], Json]) -> Response:
    """Performs a write under the operation id of its header."""
    op_id = request.headers.get("idempotency-key", "")
    if not 1 <= len(op_id) <= 64:
        raise Malformed("the header Idempotency-Key must have 1 to 64 characters")
    ask = Ask(op_id, await _fingerprint(request))
    status, body = await engine_of(request).perform(ask, lambda draft: action(draft, op_id))
    return answer(body, status)


async def _fingerprint(request: Request) -> str:
    """What tells two uses of one operation id apart. Passwords stay out: the digest is stored."""
    try:
        sent = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError:
        raise Malformed("the body is no JSON") from None
    seen = [request.method, request.url.path, _without_passwords(sent)]
    return hashlib.sha256(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _without_passwords(sent: object) -> object:
    if not isinstance(sent, dict):
        return sent
    return {k: v for k, v in sent.items() if k not in ("passwords", "main", "investor")}
