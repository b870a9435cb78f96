"""Put a program on sale: a new one, or the next version of one that is known."""

from typing import Any

from sqlalchemy import insert, update

from domain.accounts.queries import find_grant, list_group_terms
from domain.accounts.rules import OpenWish, decide_offer
from domain.accounts.values import AccountKind
from domain.challenges.events import ChallengeEventKind, brand_event
from domain.challenges.lifecycle import PhasePlan, ProgramPlan, ProgramStatus
from domain.challenges.purchase_rules import decide_program
from domain.challenges.queries import get_program_cap, lock_program
from domain.challenges.snapshot import dump_rules
from domain.challenges.tables import program, program_version
from tenants.context import ActorKind
from tenants.log import Change
from tenants.work import WriteWork


async def publish_program(work: WriteWork, plan: ProgramPlan) -> dict[str, str]:
    """Sell this from now on, under the code of the plan; the program's id as `program`.

    Versions are only added: whoever bought an earlier one goes on by it.
    Refusals: INVALID, LEVERAGE_TOO_HIGH. Effects: event `program_published`, audit.
    """
    decide_program(plan)
    await _decide_accounts(work, plan)
    known = await lock_program(work, code=plan.code)
    number = 1 if known is None else known.version + 1
    key = work.new_id() if known is None else known.id
    shown = {"name": plan.name.strip(), "status": ProgramStatus.OPEN, "version": number}
    statement: Any = insert(program).values(
        brand_id=work.scope.brand_id, id=key, code=plan.code, created_at=work.now(), **shown
    )
    if known is not None:
        statement = (
            update(program)
            .where(program.c.brand_id == work.scope.brand_id, program.c.id == key)
            .values(**shown)
        )
    await work.rows(statement)
    is_staff = work.scope.actor.kind is ActorKind.STAFF
    row = {
        "name": plan.name.strip(),
        "currency": plan.balance.currency,
        "balance_minor": plan.balance.amount_minor,
        "price_minor": plan.price_minor,
        "leverage": plan.leverage,
        "phases": [_phase(one) for one in plan.phases],
    }
    await work.rows(
        insert(program_version).values(
            brand_id=work.scope.brand_id,
            id=work.new_id(),
            program_id=key,
            number=number,
            published_at=work.now(),
            published_by=work.scope.actor.id if is_staff else None,
            **row,
        )
    )
    published = ChallengeEventKind.PROGRAM_PUBLISHED
    work.emit(brand_event(published, key, code=plan.code, version=number))
    work.audit(
        Change(
            "program.publish",
            object_kind="program",
            object_id=key,
            before=None if known is None else {"version": known.version},
            after={"version": number, **{name: _told(value) for name, value in row.items()}},
        )
    )
    return {"program": str(key)}


async def _decide_accounts(work: WriteWork, plan: ProgramPlan) -> None:
    """Whether whoever buys it gets the account. Refusals: LEVERAGE_TOO_HIGH."""
    grant = await find_grant(work)
    groups = [] if grant is None else await list_group_terms(work, grant.server_id, grant.groups)
    wish = OpenWish(AccountKind.EVALUATION, plan.balance.currency, plan.leverage)
    decide_offer(wish, groups, leverage_cap=await get_program_cap(work))


def _phase(one: PhasePlan) -> dict[str, Any]:
    return {"name": one.name.strip(), "rules": dump_rules(one.rules)}


def _told(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value
