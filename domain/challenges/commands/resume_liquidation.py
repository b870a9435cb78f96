"""Let accounts be closed again that the breaker held back."""

from sqlalchemy import update

from domain.accounts.rules import normalise_reason
from domain.challenges.errors import NotHalted
from domain.challenges.events import ChallengeEventKind, brand_event
from domain.challenges.queries import find_halt
from domain.challenges.tables import liquidation_breaker
from tenants.context import ActorKind
from tenants.log import Change
from tenants.work import WriteWork


async def resume_liquidation(work: WriteWork, *, reason: str) -> dict[str, str]:
    """Close what was held back, and whatever comes; the brand's id as `brand`.

    Refusals: INVALID, NOT_HALTED. Effects: event `liquidation_resumed`, audit.
    """
    told = normalise_reason(reason)
    halt = await find_halt(work)
    if halt is None:
        raise NotHalted()
    actor = work.scope.actor
    await work.rows(
        update(liquidation_breaker)
        .where(liquidation_breaker.c.brand_id == work.scope.brand_id)
        .values(
            halted_at=None,
            resumed_at=work.now(),
            resumed_by=actor.id if actor.kind is ActorKind.STAFF else None,
        )
    )
    work.emit(brand_event(ChallengeEventKind.LIQUIDATION_RESUMED))
    work.audit(
        Change(
            "liquidation.resume",
            object_kind="brand",
            object_id=work.scope.brand_id,
            before={"halted_at": halt.halted_at.isoformat(), "reason": halt.reason},
            after={"halted_at": None},
            reason=told,
        )
    )
    return {"brand": str(work.scope.brand_id)}
