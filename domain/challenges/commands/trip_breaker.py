"""Hold back the accounts of a brand that broke a rule."""

from sqlalchemy.dialects.postgresql import insert

from domain.challenges.events import ChallengeEventKind, brand_event
from domain.challenges.queries import find_halt
from domain.challenges.tables import liquidation_breaker
from tenants.work import WriteWork


async def trip(work: WriteWork, reason: str) -> None:
    """Hold accounts back from now on; harmless while they are held. Effects: an event for staff."""
    if await find_halt(work) is not None:
        return
    row = {"halted_at": work.now(), "reason": reason, "resumed_at": None, "resumed_by": None}
    statement = insert(liquidation_breaker).values(brand_id=work.scope.brand_id, **row)
    await work.rows(
        statement.on_conflict_do_update(
            index_elements=["brand_id"],
            set_={name: statement.excluded[name] for name in row},
        )
    )
    work.emit(brand_event(ChallengeEventKind.LIQUIDATION_HALTED, reason=reason))
