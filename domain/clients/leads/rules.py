"""Pure rules of leads: how a form is read, who is the same person, which steps lead where.

Paths in refusals name fields of the API's inputs.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from domain.clients.leads.errors import (
    ContactRequired,
    LostReasonRequired,
    StageNotReachable,
)
from domain.clients.leads.values import (
    ATTRIBUTION,
    LeadForm,
    LeadStage,
    Move,
    Origin,
    Touch,
    Turn,
)
from domain.clients.rules import (
    normalise_country,
    normalise_email,
    normalise_name,
    normalise_phone,
)
from tenants.refusals import InvalidField

WORD_LENGTH_MAX = 200
ADDRESS_LENGTH_MAX = 2_000
CAPACITY_MAX = 100_000
CHOICES_MAX = 300
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_WEB = frozenset({"http", "https"})
# What must be an address, and where it may lead: an app on a phone is a referrer, too.
_ADDRESSES = {"landing_page": _WEB, "referrer": _WEB | {"android-app"}}

_BY_HAND = frozenset({LeadStage.CONTACTED, LeadStage.INTERESTED})
_ENDS = frozenset({LeadStage.LOST, LeadStage.DNC})
_OPEN = frozenset({LeadStage.NEW, LeadStage.ASSIGNED}) | _BY_HAND
_AS_CLIENT = (LeadStage.REGISTERED, LeadStage.KYC, LeadStage.FTD, LeadStage.ACTIVE)
HELD = tuple(sorted(_OPEN))
"""Stages of the leads that an agent has in hand: they count against its capacity."""


def read_form(form: LeadForm) -> Touch:
    """What somebody left, in one spelling per address and number.

    Refusals: CONTACT_REQUIRED, INVALID.
    """
    if not form.email and not form.phone:
        raise ContactRequired()
    return Touch(
        origin=_read_origin(form.origin),
        name=normalise_name(form.name) if form.name else None,
        email=normalise_email(form.email) if form.email else None,
        phone=normalise_phone(form.phone) if form.phone else None,
        country=normalise_country(form.country) if form.country else None,
        language=read_language(form.language, "language") if form.language else None,
    )


def _read_origin(origin: Origin) -> Origin:
    """Sources and mediums in lower case, so that `Google` and `google` are one."""
    source = _word(origin.source, "source")
    if not source:
        raise InvalidField("source", "Say where the lead came from, such as `google`.")
    medium = _word(origin.medium, "medium")
    rest = {
        name: _word(getattr(origin, name), name)
        for name in ("campaign", "term", "content", "click_id", *_ADDRESSES)
    }
    code = _word(origin.ib_code, "ib_code")
    return Origin(
        source=source.lower(),
        medium=medium.lower() if medium else None,
        ib_code=code.upper() if code else None,
        **rest,
    )


def _word(text: str | None, name: str) -> str | None:
    if text is None:
        return None
    word = " ".join(unicodedata.normalize("NFC", text).split())
    path = "".join([name.split("_")[0], *(part.title() for part in name.split("_")[1:])])
    longest = ADDRESS_LENGTH_MAX if name in _ADDRESSES else WORD_LENGTH_MAX
    if len(word) > longest or not word.isprintable():
        raise InvalidField(path, f"At most {longest} printable characters.")
    if word and not _is_page(word, _ADDRESSES.get(name)):
        raise InvalidField(path, "Give the whole address of a page, with http or https.")
    return word or None


def _is_page(word: str, schemes: Collection[str] | None) -> bool:
    """Whether it is the address of a page, where one is asked for: staff will follow it."""
    if schemes is None:
        return True
    try:
        parts = urlsplit(word)
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and not {" ", "\\"} & set(word)


def read_language(text: str, field: str) -> str:
    """A language as BCP 47 writes it. Refusals: INVALID."""
    language = text.strip()
    if not _LANGUAGE.fullmatch(language):
        raise InvalidField(field, "Give a language such as `en` or `pt-BR`.")
    return language


def read_turn(turn: Turn) -> Turn:
    """A member of staff's place among those who take leads. Refusals: INVALID."""
    if not 1 <= turn.capacity <= CAPACITY_MAX:
        raise InvalidField("capacity", f"1 to {CAPACITY_MAX:,} leads.")
    if max(len(turn.languages), len(turn.countries)) > CHOICES_MAX:
        raise InvalidField("languages", f"At most {CHOICES_MAX} of each.")
    return Turn(
        turn.staff_id,
        turn.enabled,
        turn.capacity,
        tuple(sorted({read_language(one, "languages") for one in turn.languages})),
        tuple(sorted({_country(one) for one in turn.countries})),
    )


def _country(text: str) -> str:
    try:
        return normalise_country(text)
    except InvalidField as wrong:
        raise InvalidField("countries", str(wrong)) from None


def reference_of(number: int) -> str:
    """The number a lead is called by: `L-000123`, per brand, ever rising."""
    return f"L-{number:06d}"


def same_person(
    candidates: Sequence[tuple[UUID, str | None, str | None]],
    email: str | None,
    phone: str | None,
) -> UUID | None:
    """Which known lead somebody with this address and number is: by the address, then the number.

    `candidates` are id, address and number of leads, oldest first. One number is one lead even
    with another address, so that no two agents call it.
    """
    for key, known, _ in candidates:
        if email is not None and known == email:
            return key
    for key, _, known in candidates:
        if phone is not None and known == phone:
            return key
    return None


def next_stages(stage: LeadStage) -> tuple[LeadStage, ...]:
    """Where staff may move a lead from this stage. DNC ends it: law says not to be called again."""
    if stage in _OPEN:
        return tuple(one for one in LeadStage if one in (_BY_HAND | _ENDS) - {stage})
    if stage is LeadStage.LOST:
        return (LeadStage.CONTACTED, LeadStage.DNC)
    return ()


def judge_move(stage: LeadStage, move: Move) -> None:
    """Whether staff may make this move. Refusals: STAGE_NOT_REACHABLE, LOST_REASON_REQUIRED."""
    if move.stage not in next_stages(stage):
        raise StageNotReachable(stage)
    if (move.stage is LeadStage.LOST) != (move.lost_reason is not None):
        raise LostReasonRequired()


def stage_on_touch(stage: LeadStage, *, has_owner: bool) -> LeadStage:
    """Where a known lead is after it came again: a lost one is a chance once more."""
    if stage is not LeadStage.LOST:
        return stage
    return LeadStage.ASSIGNED if has_owner else LeadStage.NEW


def stage_of_owner(stage: LeadStage, *, has_owner: bool) -> LeadStage:
    """Where a lead is once somebody was given it, or nobody: NEW and ASSIGNED say just that."""
    if stage not in (LeadStage.NEW, LeadStage.ASSIGNED):
        return stage
    return LeadStage.ASSIGNED if has_owner else LeadStage.NEW


def stage_of_client(stage: LeadStage, reached: LeadStage) -> LeadStage:
    """Where a lead is once its client has reached a stage; it never goes back."""
    if stage in _AS_CLIENT and _AS_CLIENT.index(stage) >= _AS_CLIENT.index(reached):
        return stage
    return reached


def keeps_ib(known_since: datetime | None, now: datetime) -> bool:
    """Whether the ib whose link came before keeps the lead from another's link."""
    return known_since is not None and now - known_since < ATTRIBUTION


def is_client(stage: LeadStage) -> bool:
    """Whether the lead has become a client."""
    return stage in _AS_CLIENT
