"""What the wires of all sandbox vendors have in common: JSON, its shapes, bearer tokens, errors."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

_B = TypeVar("_B", bound=BaseModel)
Handler = Callable[[Request], Awaitable[Response]]


class Malformed(Exception):
    """A call that does not have the published shape."""


class Unauthorized(Exception):
    """A call without a key that is known here."""


def answer(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def failed(status: int, code: str, message: str) -> Response:
    return answer({"error": {"code": code, "message": message}}, status)


def checked(shape: type[_B], text: bytes) -> _B:
    """Raises Malformed with the first thing that is wrong."""
    try:
        return shape.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Malformed(f"{place}: {first['msg']}" if place else first["msg"]) from None


def query_of(request: Request, shape: type[_B]) -> _B:
    return checked(shape, orjson.dumps(dict(request.query_params)))


def bearer_of(request: Request) -> str:
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    return shown if scheme.lower() == "bearer" else ""


def hash_key(api_key: str) -> str:
    return hashlib.sha256(api_key.encode()).hexdigest()
