"""The sandbox KYC vendor's JSON, into our values. Unknown fields, labels and flags are ignored."""

from datetime import datetime
from typing import Any

from domain.compliance.identity.ports import Applicant, KycUnavailable
from domain.compliance.identity.values import CaseStatus
from domain.compliance.risk.values import Flag

Json = dict[str, Any]
_FLAGS = {
    "PEP": Flag.PEP,
    "SANCTIONS": Flag.SANCTIONS,
    "ADVERSE_MEDIA": Flag.ADVERSE_MEDIA,
}
_STATUSES = {
    "init": CaseStatus.AWAITING_DOCS,
    "pending": CaseStatus.PENDING,
    "onHold": CaseStatus.ON_HOLD,
}
_ANSWERS = {
    ("GREEN", None): CaseStatus.APPROVED,
    ("RED", "RETRY"): CaseStatus.REJECTED_RETRY,
    ("RED", "FINAL"): CaseStatus.REJECTED_FINAL,
}
_TEXT_MAX = 500


def applicant(body: Json) -> Applicant:
    """Raises KycUnavailable for what has not the published shape: it proves nothing."""
    try:
        result = body["review_result"] or {}
        return Applicant(
            id=_text(body["id"]),
            reference=_text(body["reference"]),
            status=_status(body["review_status"], result),
            version=_version(body["version"]),
            at=_time(body["reviewed_at"]),
            page_url=_text(body["verification_url"]),
            labels=tuple(_text(one) for one in result.get("reject_labels") or ()),
            flags=frozenset(_FLAGS[one] for one in body["screening"] if one in _FLAGS),
            client_message=_maybe(result.get("moderation_comment")),
            comment=_maybe(result.get("client_comment")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = "The KYC vendor's answer has not the published shape."
        raise KycUnavailable(message) from error


def _status(status: str, result: Json) -> CaseStatus:
    if status == "completed":
        return _ANSWERS[result["review_answer"], result.get("review_reject_type")]
    return _STATUSES[status]


def _version(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError("a version counts from 1")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is expected")
    return value


def _maybe(value: Any) -> str | None:
    return None if value is None else _text(value)[:_TEXT_MAX]


def _time(value: Any) -> datetime:
    at = datetime.fromisoformat(_text(value))
    if at.tzinfo is None:
        raise ValueError("an instant has an offset")
    return at
