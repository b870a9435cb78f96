"""Refusals about plans. Codes are public contract."""

from datetime import datetime

from domain.ibs.commissions.values import Excess
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


class SymbolUnknown(Invalid):
    """No server of the brand lists a symbol by that name, so that its rate would never be paid."""

    def __init__(self, field: str, symbol: str, meant: str | None) -> None:
        hint = "Names are as the platform writes them."
        if meant is not None:
            hint = f"The platform writes it {meant}."
        message = f"No server of the brand lists {symbol}. {hint}"
        super().__init__("SYMBOL_UNKNOWN", message, path=("input", "terms", field))


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

    def __init__(self, excess: Excess, code: str) -> None:
        which = "a symbol that neither names" if excess.symbol == "*" else excess.symbol
        pays = f"{excess.component} would pay {excess.per_lot.normalize():f} a lot of {which}"
        if not excess.has_component:
            upper = f"the plan above has no component {excess.component} ({code})"
            way = "Name it as the plan above does, or give that one such a component first."
        elif excess.limit is None:
            upper = f"the plan above has no rate for it ({code})"
            way = "Leave it out, or give the plan above such a rate first."
        else:
            most = f"{excess.limit.normalize():f}"
            upper = f"the plan above {most} ({code})"
            way = f"Lower it to {most} or less, or raise the plan above first."
        super().__init__("RATE_ABOVE_PARENT", f"{pays}, {upper}. {way}", path=("input",))


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
