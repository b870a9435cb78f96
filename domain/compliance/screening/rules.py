"""How a hit is decided, and when one that was decided must be looked at again. Pure.

How alike two names are is `domain.compliance.screening.name_rules`: a server, which only decides,
has no use for what compares them.
"""

from domain.compliance.screening.errors import HitDecided, SecondPersonNeeded
from domain.compliance.screening.values import Disposition, HitStrength
from domain.kernel.errors import Invalid

REASON_MAX = 2_000


def next_disposition(
    now: Disposition, wanted: Disposition, strength: HitStrength, *, is_second: bool
) -> Disposition:
    """What a hit becomes when somebody decides FALSE_POSITIVE or TRUE_MATCH.

    To clear what holds money, a STRONG hit or a TRUE_MATCH, takes two: the first one's decision
    makes it CLEARING, a second person's clears it; anybody may say that it is true instead.
    `is_second`: it is not who asked for it. Refusals: ALREADY_DECIDED, SECOND_PERSON_NEEDED.
    """
    if now is wanted:
        raise HitDecided(now)
    if wanted is Disposition.TRUE_MATCH:
        return wanted
    if now is Disposition.CLEARING:
        if not is_second:
            raise SecondPersonNeeded()
        return wanted
    takes_two = now is Disposition.TRUE_MATCH or strength is HitStrength.STRONG
    return Disposition.CLEARING if takes_two else wanted


def read_reason(text: str) -> str:
    """Why somebody decided, of 1 to 2,000 characters. Refusals: INVALID."""
    reason = text.strip()
    if not 1 <= len(reason) <= REASON_MAX:
        message = f"Say why in 1 to {REASON_MAX:,} characters."
        raise Invalid("INVALID", message, path=("input", "reason"))
    return reason


def is_news(had: tuple[str, str, int], has: tuple[str, str, int]) -> bool:
    """Whether what was a false positive must be looked at again.

    `had` and `has` are client's name, listed name and score, then and now: another name says so,
    or a higher score.
    """
    return had[:2] != has[:2] or has[2] > had[2]
