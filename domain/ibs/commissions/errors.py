"""Refusals about plans. Codes are public contract."""

from datetime import datetime

from domain.kernel.errors import Conflict, Invalid, Refused


class NameTaken(Refused):
    """Another plan of the brand has that name."""

    def __init__(self) -> None:
        super().__init__("NAME_TAKEN", "Another plan has this name.", path=("input", "name"))


class PlanChanged(Conflict):
    """A version was published since."""

    def __init__(self, version: int) -> None:
        super().__init__(
            "VERSION_CONFLICT",
            f"The plan is at version {version}; read it again.",
            path=("input", "expectedVersion"),
        )


class TermsWrong(Invalid):
    """A field of the terms has a value that can't be right."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__("INVALID", message, path=("input", "terms", field))


class BeginsTooEarly(Refused):
    """What was earned under other terms stays earned: nothing begins in the past."""

    def __init__(self, earliest: datetime) -> None:
        super().__init__(
            "BEGINS_TOO_EARLY",
            f"It can begin from {earliest:%Y-%m-%dT%H:%M:%SZ}.",
            path=("input", "fromAt"),
        )


class NotInForce(Refused):
    """The plan's first version begins after the assignment would."""

    def __init__(self) -> None:
        message = "The plan has no version in force by then."
        super().__init__("PLAN_NOT_IN_FORCE", message, path=("input", "planId"))


class RateAboveParent(Refused):
    """In a line each rate is at most that of the one above."""

    def __init__(self, symbol: str, code: str) -> None:
        which = "a symbol that neither names" if symbol == "*" else symbol
        super().__init__(
            "RATE_ABOVE_PARENT",
            f"It would pay more for {which} than the plan above it allows ({code}).",
            path=("input",),
        )


class PlansUnlike(Refused):
    """A line shares by one convention, counted in one currency."""

    def __init__(self, code: str) -> None:
        super().__init__(
            "PLANS_UNLIKE",
            f"The plan of {code} in the same line shares another way or in another currency.",
            path=("input",),
        )


class AlreadyAssigned(Refused):
    """Another plan begins for the ib at that very instant."""

    def __init__(self) -> None:
        message = "The ib has a plan that begins at that instant."
        super().__init__("ALREADY_ASSIGNED", message, path=("input", "fromAt"))
