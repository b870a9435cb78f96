"""Refusals of screening. Codes are public contract."""

from datetime import date

from domain.compliance.screening.values import Disposition
from domain.kernel.errors import Conflict, Refused


class HitDecided(Refused):
    """It is decided like that already."""

    def __init__(self, disposition: Disposition) -> None:
        super().__init__("ALREADY_DECIDED", f"This hit is {disposition}.", path=("input", "hitId"))


class SecondPersonNeeded(Refused):
    """Who asked to clear a hit that takes two does not agree to it as well."""

    def __init__(self) -> None:
        super().__init__(
            "SECOND_PERSON_NEEDED", "Somebody else must agree to clear it.", path=("input", "hitId")
        )


class HitMoved(Conflict):
    """Somebody decided since it was read, or it was found anew."""

    def __init__(self) -> None:
        super().__init__(
            "VERSION_CONFLICT",
            "The hit has changed; read it again.",
            path=("input", "expectedVersion"),
        )


class ListOutdated(Exception):
    """A newer version of the list is imported. Whoever imports is told; no caller meets it."""

    def __init__(self, newest: date) -> None:
        super().__init__(f"the version of {newest} is imported, and newer")
