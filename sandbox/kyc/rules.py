"""Pure rules of the KYC vendor: its test persons, and how often a notice is tried."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sandbox.kyc.values import Answer, Finding, RejectType, Verdict

NOTICE_LIFE: Final = timedelta(hours=24)
# Sumsub's are 5 minutes, 1 hour, 5 and 18; ours begin sooner, for those who wait at a screen.
_RETRY_SECONDS: Final = (1, 5, 30, 300, 3_600, 18_000)
_RETRY_MESSAGE: Final = "The photos can't be read. Take them again in better light."

PERSONS: Final[Mapping[str, tuple[str, Verdict | None]]] = {
    "approve": ("Everything is in order", Verdict(Answer.GREEN)),
    "retry": (
        "The photos can't be read",
        Verdict(
            Answer.RED,
            RejectType.RETRY,
            ("UNSATISFACTORY_PHOTOS",),
            moderation_comment=_RETRY_MESSAGE,
        ),
    ),
    "forged": (
        "The document is forged",
        Verdict(
            Answer.RED,
            RejectType.FINAL,
            ("FORGERY",),
            moderation_comment="We could not verify you.",
            client_comment="The chip does not answer for the printed data.",
        ),
    ),
    "hold": ("Somebody has to look", Verdict(None, client_comment="A person must compare.")),
    "pep": (
        "In order, and politically exposed",
        Verdict(Answer.GREEN, labels=("PEP",), flags=(Finding.PEP,)),
    ),
    "sanctions": (
        "In order, and on a sanctions list",
        Verdict(Answer.GREEN, labels=("SANCTIONS",), flags=(Finding.SANCTIONS,)),
    ),
    "slow": ("It is looked at without end", None),
}
"""What a tester chooses on the hosted page: whom the vendor is to see, by the button's value. Who
has no verdict waits until somebody decides by the controls."""

TURNED: Final = Verdict(
    Answer.RED,
    RejectType.FINAL,
    ("COMPROMISED_PERSONS",),
    moderation_comment="We could not verify you.",
    client_comment="Approved before; found out since.",
)
"""What follows an approval when the fault `approve_then_red` strikes."""


def retry_seconds(attempts: int) -> int:
    """The pause after so many attempts."""
    return _RETRY_SECONDS[min(attempts, len(_RETRY_SECONDS)) - 1]
