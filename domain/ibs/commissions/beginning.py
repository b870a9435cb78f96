"""From when plans and their versions may hold: never before they were decided."""

from datetime import datetime, timedelta

from domain.ibs.commissions.errors import BeginsTooEarly
from tenants.context import ActorKind
from tenants.refusals import InvalidField
from tenants.work import WriteWork

MOST_AHEAD = timedelta(days=366)


def begin_at(
    work: WriteWork, wanted: datetime | None, *, after: datetime | None = None
) -> datetime:
    """The instant something begins: `wanted`, or now; not before `after` either.

    The system itself, which brings over what another system decided, may begin in the past.
    Refusals: BEGINS_TOO_EARLY; INVALID for what is more than a year ahead.
    """
    now = work.now()
    earliest = now if after is None else max(now, after)
    if wanted is None:
        return earliest
    if wanted < earliest and work.scope.actor.kind is not ActorKind.SYSTEM:
        raise BeginsTooEarly(earliest)
    if wanted > now + MOST_AHEAD:
        message = f"It can begin within {MOST_AHEAD.days} days, not later."
        raise InvalidField("fromAt", message)
    return wanted
