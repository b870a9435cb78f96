"""Pure rules of the tree of ibs. Paths in refusals name fields of the API's inputs."""

import re
import unicodedata
from dataclasses import dataclass
from uuid import UUID

from domain.ibs.errors import ParentSuspended, TreeTooDeep
from domain.ibs.values import IbStatus
from tenants.refusals import InvalidField

DEEPEST = 10
_CAMPAIGN_LENGTH_MAX = 60
# Crockford's, which has no letter that looks like a digit.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{2,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an ib hangs: its level, from 1 at the top, and its path, which ends in `/`."""

    level: int
    path: str


def normalise_code(text: str) -> str:
    """A code as links carry it: 3 to 32 capitals, digits and hyphens. Refusals: INVALID."""
    code = unicodedata.normalize("NFKC", text).strip().upper()
    if not _CODE.fullmatch(code):
        raise InvalidField("code", "A code has 3 to 32 letters, digits and hyphens.")
    return code


def place_below(parent: Place | None, parent_status: IbStatus | None, ib_id: UUID) -> Place:
    """The place of a new ib below `parent`, or at the top without one.

    Refusals: PARENT_SUSPENDED, TREE_TOO_DEEP.
    """
    if parent is None:
        return Place(1, f"{ib_id.hex}/")
    if parent_status is not IbStatus.ACTIVE:
        raise ParentSuspended()
    if parent.level >= DEEPEST:
        raise TreeTooDeep(DEEPEST)
    return Place(parent.level + 1, f"{parent.path}{ib_id.hex}/")


def check_depth(level: int) -> None:
    """Refuses with TREE_TOO_DEEP a level that the tree lacks."""
    if level > DEEPEST:
        raise TreeTooDeep(DEEPEST)


def normalise_campaign(text: str) -> str:
    """What a link is for: NFC, single blanks, 1 to 60 characters. Refusals: INVALID."""
    campaign = " ".join(unicodedata.normalize("NFC", text).split())
    if not campaign.isprintable():
        message = "A campaign has printable characters only: no control or invisible ones."
        raise InvalidField("campaign", message)
    if not 1 <= len(campaign) <= _CAMPAIGN_LENGTH_MAX:
        raise InvalidField("campaign", f"A campaign has 1 to {_CAMPAIGN_LENGTH_MAX} characters.")
    return campaign


def made_code(key: UUID) -> str:
    """A code that nobody chose: ten capitals and digits out of the random part of an id."""
    number, digits = key.int & ((1 << 50) - 1), []
    for _ in range(10):
        number, digit = divmod(number, 32)
        digits.append(_LETTERS[digit])
    return "".join(digits)
