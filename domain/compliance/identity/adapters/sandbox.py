"""The client of the sandbox KYC vendor's wire (`docs/kyc.openapi.yaml`).

Making an applicant again under a reference answers the one that is there, so that every call may
be repeated.
"""

from urllib.parse import quote as escaped

import httpx
import orjson

from domain.compliance.identity.adapters.sandbox_shapes import Json, applicant
from domain.compliance.identity.ports import (
    Applicant,
    ApplicantRequest,
    KycRefused,
    KycUnavailable,
)
from domain.outbound.client import Outbound, Patience, Unanswered

_PATH = "/kyc/v1/applicants"
_REFUSALS = (400, 404, 409)


class SandboxKyc:
    """One account. See `domain.compliance.identity.ports.KycVendor`."""

    def __init__(self, endpoint: str, *, api_key: str, patience: Patience | None = None) -> None:
        self._out = Outbound(endpoint, token=api_key, patience=patience or Patience())

    async def aclose(self) -> None:
        await self._out.aclose()

    async def create_applicant(self, request: ApplicantRequest) -> Applicant:
        body = {
            "reference": request.reference,
            "level": request.level,
            "return_url": request.return_url,
        }
        answer = await self._call("POST", _PATH, json=body)
        if answer.status_code in (httpx.codes.OK, httpx.codes.CREATED):
            return applicant(_body(answer))
        error = _error(answer)
        if error is None or answer.status_code not in _REFUSALS:
            raise KycUnavailable(f"The KYC vendor answered {answer.status_code}.")
        raise KycRefused(*error)

    async def find_applicant(self, applicant_id: str) -> Applicant | None:
        answer = await self._call("GET", f"{_PATH}/{escaped(applicant_id, safe='')}")
        error = _error(answer)
        # A gateway's 404 proves nothing.
        is_absent = error is not None and error[0] == "UNKNOWN_APPLICANT"
        if answer.status_code == httpx.codes.NOT_FOUND and is_absent:
            return None
        return applicant(_told(answer))

    async def find_by_reference(self, reference: str) -> Applicant | None:
        told = _told(await self._call("GET", _PATH, params={"reference": reference}))
        found = told.get("applicants")
        if not isinstance(found, list) or len(found) > 1:
            raise _misshapen()
        return applicant(found[0]) if found else None

    async def _call(self, method: str, path: str, **options: object) -> httpx.Response:
        try:
            return await self._out.safely(method, path, **options)
        except Unanswered as error:
            raise KycUnavailable(f"The KYC vendor does not answer: {error}") from error


def _told(answer: httpx.Response) -> Json:
    """The body of a read that was answered; all else was not."""
    if answer.status_code != httpx.codes.OK:
        raise KycUnavailable(f"The KYC vendor answered {answer.status_code} to a question.")
    return _body(answer)


def _body(answer: httpx.Response) -> Json:
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError as error:
        raise KycUnavailable("The KYC vendor's answer is no JSON.") from error
    if not isinstance(body, dict):
        raise _misshapen()
    return body


def _error(answer: httpx.Response) -> tuple[str, str] | None:
    """Code and message of an answer that is no good one; None when it is not of the wire."""
    try:
        error = orjson.loads(answer.content)["error"]
        return str(error["code"]), str(error["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _misshapen() -> KycUnavailable:
    return KycUnavailable("The KYC vendor's answer has not the published shape.")
