"""What an answer of the sandbox PSP means: it is good, a refusal, or proves nothing."""

from typing import Any

import httpx
import orjson

from domain.payments.adapters.sandbox_shapes import Json
from domain.payments.ports import PspRefused, PspUnavailable

_REFUSALS = (httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND, httpx.codes.CONFLICT)


def listed(kind: str, answer: httpx.Response) -> Json | None:
    """The first of what a search found; None when it found nothing. Refusals: those of `told`."""
    found: Any = told(answer).get(kind)
    if not isinstance(found, list):
        raise PspUnavailable("The payment provider's answer has not the published shape.")
    return found[0] if found else None


def is_absent(kind: str, answer: httpx.Response) -> bool:
    """Whether the PSP itself says that there is no such thing: not a gateway's 404."""
    if answer.status_code != httpx.codes.NOT_FOUND:
        return False
    error = _error(answer)
    return error is not None and error[0] == f"UNKNOWN_{kind.removesuffix('s').upper()}"


def told(answer: httpx.Response) -> Json:
    """The body of a read that was answered. Refusals: PSP_UNAVAILABLE, for all else."""
    if answer.status_code != httpx.codes.OK:
        raise not_told(answer)
    return _body(answer)


def not_told(answer: httpx.Response) -> PspUnavailable:
    """A read asks for nothing that could be refused: whatever this is, it is no verdict."""
    error = _error(answer)
    message = f"The payment provider answered {answer.status_code} to a question"
    return PspUnavailable(f"{message}: {error[1]}" if error else f"{message}.")


def content(answer: httpx.Response) -> Json:
    """The body of a good answer. Refusals: those of `_refusal`."""
    if answer.status_code not in (httpx.codes.OK, httpx.codes.CREATED):
        raise _refusal(answer)
    return _body(answer)


def _body(answer: httpx.Response) -> Json:
    try:
        body: Json = orjson.loads(answer.content)
    except orjson.JSONDecodeError as error:
        raise PspUnavailable("The payment provider's answer is no JSON.") from error
    if not isinstance(body, dict):
        raise PspUnavailable("The payment provider's answer has not the published shape.")
    return body


def _error(answer: httpx.Response) -> tuple[str, str] | None:
    """Code and message of an answer that is no good one; None when it is not of the wire."""
    try:
        error = orjson.loads(answer.content)["error"]
        return str(error["code"]), str(error["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _refusal(answer: httpx.Response) -> PspRefused | PspUnavailable:
    """PspRefused with the wire's code; PspUnavailable for what is no refusal of the wire: a gateway
    speaks, or we are not let in."""
    error = _error(answer)
    if error is None:
        return PspUnavailable(f"The payment provider answered {answer.status_code}.")
    code, message = error
    if answer.status_code not in _REFUSALS:
        return PspUnavailable(f"The payment provider lets us not in: {message}")
    return PspRefused(code, message)
