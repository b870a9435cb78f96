"""What the KYC vendor keeps, as plain values, in the words of its wire."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Refusal(Exception):
    """The vendor says no, for good: nothing was changed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ReviewStatus(StrEnum):
    INIT = "init"
    PENDING = "pending"
    ON_HOLD = "onHold"
    COMPLETED = "completed"


class Answer(StrEnum):
    GREEN = "GREEN"
    RED = "RED"


class RejectType(StrEnum):
    RETRY = "RETRY"
    FINAL = "FINAL"


class Finding(StrEnum):
    """What was found of somebody on lists and in the news."""

    PEP = "PEP"
    SANCTIONS = "SANCTIONS"
    ADVERSE_MEDIA = "ADVERSE_MEDIA"


@dataclass(frozen=True, slots=True)
class Account:
    """Who calls with its key and hears the notices. The key is kept as its SHA-256."""

    name: str
    key_hash: str
    notice_url: str
    notice_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Somebody to look at. `updated_at` is when it was last changed; `due` is what happens next by
    itself, at `due_at`."""

    id: str
    account: str
    reference: str
    level: str
    version: int = 1
    status: ReviewStatus = ReviewStatus.INIT
    answer: Answer | None = None
    reject_type: RejectType | None = None
    labels: tuple[str, ...] = ()
    flags: tuple[Finding, ...] = ()
    moderation_comment: str | None = None
    client_comment: str | None = None
    return_url: str
    form_token: str
    due_at: datetime | None = None
    due: dict[str, Any] | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody who looked says. Without an answer it is put on hold."""

    answer: Answer | None
    reject_type: RejectType | None = None
    labels: tuple[str, ...] = ()
    flags: tuple[Finding, ...] = ()
    moderation_comment: str | None = None
    client_comment: str | None = None
