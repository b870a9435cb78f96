"""Controls for development and tests: accounts, decisions by hand, faults. Served only when the
process was started with a control token, and only to who carries it."""

import hmac
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.kyc.faults import Knobs
from sandbox.kyc.values import Account, Answer, Finding, Refusal, RejectType, Verdict
from sandbox.kyc.wire import guarded, kyc_of, shown
from sandbox.wire import Handler, Unauthorized, answer, bearer_of, checked, hash_key

_Secret = Annotated[str, Field(min_length=16, max_length=256)]
_Comment = Annotated[str, Field(max_length=500)] | None


class Control(BaseModel):
    """Unknown fields are refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountBody(Control):
    api_key: _Secret
    notice_url: Annotated[str, Field(max_length=2_048, pattern=r"^https?://")]
    notice_secret: _Secret


class PersonBody(Control):
    person: Literal["approve", "retry", "forged", "hold", "pep", "sanctions", "slow"]


class VerdictBody(Control):
    answer: Answer | None = None
    reject_type: RejectType | None = None
    labels: list[Annotated[str, Field(max_length=64)]] = []
    screening: list[Finding] = []
    moderation_comment: _Comment = None
    client_comment: _Comment = None


async def put_account(request: Request) -> Response:
    """Makes or changes an account. Refusals: API_KEY_IN_USE."""
    asked = checked(AccountBody, await request.body())
    name, key_hash = request.path_params["name"], hash_key(asked.api_key)
    async with kyc_of(request).desk() as desk:
        holder = await desk.account_by_key(key_hash)
        if holder is not None and holder.name != name:
            raise Refusal("API_KEY_IN_USE", "Another account has this key.")
        await desk.keep_account(Account(name, key_hash, asked.notice_url, asked.notice_secret))
    return answer({"name": name, "notice_url": asked.notice_url})


async def submit(request: Request) -> Response:
    """Somebody goes through the hosted page as one of the test persons."""
    asked = checked(PersonBody, await request.body())
    async with kyc_of(request).desk() as desk:
        found = await desk.take(request.path_params["key"])
        made = await desk.submit(found, asked.person)
    return answer(shown(made, kyc_of(request).url))


async def decide(request: Request) -> Response:
    """Decides at once, whatever was decided before; without an answer it is put on hold."""
    asked = checked(VerdictBody, await request.body())
    if (asked.answer is Answer.RED) != (asked.reject_type is not None):
        raise Refusal("REJECT_TYPE", "RED says whether to try again, and nothing else does.")
    verdict = Verdict(
        asked.answer,
        asked.reject_type,
        tuple(asked.labels),
        tuple(asked.screening),
        asked.moderation_comment,
        asked.client_comment,
    )
    async with kyc_of(request).desk() as desk:
        found = await desk.take(request.path_params["key"])
        made = await desk.decide(found, verdict)
    return answer(shown(made, kyc_of(request).url))


async def show_faults(request: Request) -> Response:
    return answer(kyc_of(request).faults.knobs.model_dump(mode="json"))


async def set_faults(request: Request) -> Response:
    """All knobs at once: what is left out works again."""
    knobs = checked(Knobs, await request.body())
    await kyc_of(request).set_faults(knobs)
    return answer(knobs.model_dump(mode="json"))


async def clear(request: Request) -> Response:
    return answer({"cut_notices": await kyc_of(request).cut_notices()})


def _controlled(handler: Handler) -> Handler:
    async def check(request: Request) -> Response:
        wanted: str = request.app.state.control_token
        if not hmac.compare_digest(bearer_of(request).encode(), wanted.encode()):
            raise Unauthorized
        return await handler(request)

    return guarded(check)


ROUTES = [
    Route("/control/kyc/accounts/{name}", _controlled(put_account), methods=["PUT"]),
    Route("/control/kyc/applicants/{key}/submit", _controlled(submit), methods=["POST"]),
    Route("/control/kyc/applicants/{key}/decide", _controlled(decide), methods=["POST"]),
    Route("/control/kyc/faults", _controlled(show_faults), methods=["GET"]),
    Route("/control/kyc/faults", _controlled(set_faults), methods=["PUT"]),
    Route("/control/kyc/clear", _controlled(clear), methods=["POST"]),
]
