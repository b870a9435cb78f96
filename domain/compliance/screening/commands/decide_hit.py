"""Decide whether a client is who a list names."""

from uuid import UUID

from sqlalchemy import insert, select, update

from domain.compliance.identity.commands.restand import restand
from domain.compliance.screening.errors import HitMoved
from domain.compliance.screening.events import hit_decided
from domain.compliance.screening.rules import next_disposition, read_reason
from domain.compliance.screening.tables import screening_decision, screening_hit
from domain.compliance.screening.values import Disposition, HitStrength
from domain.kernel.errors import Forbidden, NotFound
from tenants.context import ActorKind
from tenants.log import Change
from tenants.work import WriteWork


async def decide_hit(
    work: WriteWork, hit_id: UUID, wanted: Disposition, reason: str, *, expected_version: int
) -> UUID:
    """Decide FALSE_POSITIVE or TRUE_MATCH, with a reason; the hit's id.

    A TRUE_MATCH, and a STRONG hit, is cleared by two: the first one makes it CLEARING.
    Refusals: FORBIDDEN for who is no person, NOT_FOUND, VERSION_CONFLICT, ALREADY_DECIDED,
    SECOND_PERSON_NEEDED, INVALID. Effects: event `hit_decided`, audit, and those of `restand`: a
    true match makes the client's risk PROHIBITED.
    """
    staff_id = _person(work)
    told = read_reason(reason)
    row = await work.maybe(
        select(screening_hit)
        .where(screening_hit.c.brand_id == work.scope.brand_id, screening_hit.c.id == hit_id)
        .with_for_update()
    )
    if row is None:
        raise NotFound(path=("input", "hitId"))
    if row.version != expected_version:
        raise HitMoved()
    now = Disposition(row.disposition)
    strength = HitStrength(row.strength)
    reached = next_disposition(now, wanted, strength, is_second=row.asked_by != staff_id)
    await work.rows(
        update(screening_hit)
        .where(screening_hit.c.brand_id == work.scope.brand_id, screening_hit.c.id == hit_id)
        .values(
            disposition=reached,
            version=row.version + 1,
            asked_by=staff_id if reached is Disposition.CLEARING else None,
            decided_at=work.now(),
        )
    )
    await work.rows(
        insert(screening_decision).values(
            brand_id=work.scope.brand_id,
            id=work.new_id(),
            hit_id=hit_id,
            staff_id=staff_id,
            disposition=reached,
            reason=told,
            created_at=work.now(),
        )
    )
    work.emit(hit_decided(hit_id, row.client_id, reached))
    work.audit(
        Change(
            "screening.decide",
            object_kind="screening_hit",
            object_id=hit_id,
            before={"disposition": now},
            after={"disposition": reached},
            reason=told,
        )
    )
    await restand(work, row.client_id)
    return hit_id


def _person(work: WriteWork) -> UUID:
    actor = work.scope.actor
    if actor.kind is not ActorKind.STAFF or actor.id is None:
        raise Forbidden("FORBIDDEN", "Only a member of staff can do this, under their own name.")
    return actor.id
