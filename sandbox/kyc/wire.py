"""The calls of the KYC vendor's wire. The contract is published in `docs/kyc.openapi.yaml`.

Making an applicant is idempotent by its reference. Answers: 200, 201; 400 malformed; 401; 404 and
409 refusals with a code; 500 on demand; 503 when the database did not confirm.
"""

import asyncio
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.kyc.desk import Desk
from sandbox.kyc.office import Kyc
from sandbox.kyc.values import Account, Answer, Applicant, Refusal, ReviewStatus
from sandbox.store import StoreDown
from sandbox.wire import (
    Handler,
    Malformed,
    Unauthorized,
    answer,
    bearer_of,
    checked,
    failed,
    hash_key,
    query_of,
)
from sandbox.written import time_text

Json = dict[str, Any]
_Reference = Annotated[str, Field(min_length=1, max_length=128)]


class ApplicantBody(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    reference: _Reference
    level: Annotated[str, Field(min_length=1, max_length=64)]
    return_url: Annotated[str, Field(max_length=2_048, pattern=r"^https?://")]


class ReferenceQuery(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    reference: _Reference


def kyc_of(request: Request) -> Kyc:
    kyc: Kyc = request.app.state.kyc
    return kyc


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
            status = 404 if refusal.code.startswith("UNKNOWN_") else 409
            return failed(status, refusal.code, refusal.message)
        except StoreDown:
            return failed(503, "UNAVAILABLE", "Ask again.")

    return guard


def failing(handler: Handler) -> Handler:
    """Fails calls as the knobs say. Pages and controls never fail."""

    async def fail(request: Request) -> Response:
        faults = kyc_of(request).faults
        await asyncio.sleep(faults.latency_seconds())
        broken = faults.fails()
        if broken != "before":
            made = await handler(request)
        return made if broken is None else failed(500, "FAULT", "Failed on demand.")

    return fail


async def account_of(request: Request, desk: Desk) -> Account:
    """Whose key the call carries. Raises Unauthorized."""
    found = await desk.account_by_key(hash_key(bearer_of(request)))
    if found is None:
        raise Unauthorized
    return found


async def create(request: Request) -> Response:
    body = await request.body()
    async with kyc_of(request).desk() as desk:
        account = await account_of(request, desk)
        asked = checked(ApplicantBody, body)
        made, is_new = await desk.create(
            account, reference=asked.reference, level=asked.level, return_url=asked.return_url
        )
    return answer(shown(made, kyc_of(request).url), 201 if is_new else 200)


async def find(request: Request) -> Response:
    async with kyc_of(request).desk() as desk:
        account = await account_of(request, desk)
        found = await desk.find(request.path_params["key"], account=account.name)
    if found is None:
        raise Refusal("UNKNOWN_APPLICANT", "There is no such applicant.")
    return answer(shown(found, kyc_of(request).url))


async def search(request: Request) -> Response:
    async with kyc_of(request).desk() as desk:
        account = await account_of(request, desk)
        wanted = query_of(request, ReferenceQuery).reference
        found = await desk.find_by_reference(account.name, wanted)
    url = kyc_of(request).url
    return answer({"applicants": [shown(found, url)] if found else []})


def shown(item: Applicant, url: str) -> Json:
    """An applicant as the wire says it."""
    result: Json | None = None
    if item.status in (ReviewStatus.COMPLETED, ReviewStatus.ON_HOLD):
        result = {
            "review_answer": item.answer,
            "review_reject_type": item.reject_type if item.answer is Answer.RED else None,
            "reject_labels": list(item.labels),
            "moderation_comment": item.moderation_comment,
            "client_comment": item.client_comment,
        }
    return {
        "id": item.id,
        "reference": item.reference,
        "level": item.level,
        "version": item.version,
        "review_status": item.status,
        "review_result": result,
        "screening": list(item.flags),
        "verification_url": f"{url}/verify/{item.id}",
        "created_at": time_text(item.created_at),
        "reviewed_at": time_text(item.updated_at),
    }


ROUTES = [
    Route("/kyc/v1/applicants", guarded(failing(create)), methods=["POST"]),
    Route("/kyc/v1/applicants", guarded(failing(search)), methods=["GET"]),
    Route("/kyc/v1/applicants/{key}", guarded(failing(find)), methods=["GET"]),
]
