"""Make a commission plan with its first version."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from domain.clients.rules import normalise_name
from domain.ibs.commissions.beginning import begin_at
from domain.ibs.commissions.errors import NameTaken, TermsWrong
from domain.ibs.commissions.queries import is_plan_name, list_symbol_names
from domain.ibs.commissions.tables import ib_plan, ib_plan_version
from domain.ibs.commissions.terms import check_symbols, check_terms, to_json
from domain.ibs.commissions.values import Terms
from domain.ibs.queries import is_currency
from tenants.log import Change
from tenants.work import WriteWork


async def create_plan(
    work: WriteWork, name: str, terms: Terms, from_at: datetime | None = None
) -> UUID:
    """Make a plan whose version 1 holds from `from_at`, or from now; its id.

    Refusals: INVALID, SYMBOL_UNKNOWN, NAME_TAKEN (also by other capitals), BEGINS_TOO_EARLY.
    Effects: audit.
    """
    clean = normalise_name(name)
    await judge_terms(work, terms)
    begins = begin_at(work, from_at)
    if await is_plan_name(work, clean):
        raise NameTaken()
    plan_id = work.new_id()
    taken = (
        insert_or_not(ib_plan)
        .values(
            brand_id=work.scope.brand_id,
            id=plan_id,
            name=clean,
            version=1,
            created_at=work.now(),
        )
        .on_conflict_do_nothing(index_elements=["brand_id", "name"])
        .returning(ib_plan.c.id)
    )
    if not await work.rows(taken):
        raise NameTaken()
    await add_version(work, plan_id, 1, terms, begins)
    after = {"name": clean, "version": 1, "from_at": begins.isoformat()}
    work.audit(Change("ib_plan.create", object_kind="ib_plan", object_id=plan_id, after=after))
    return plan_id


async def judge_terms(work: WriteWork, terms: Terms) -> None:
    """Refuses terms that can't be meant, are counted in what nobody is paid in, or pay for what
    nobody trades.

    Refusals: INVALID, SYMBOL_UNKNOWN.
    """
    check_terms(terms)
    check_symbols(terms, await list_symbol_names(work))
    if not await is_currency(work, terms.currency):
        raise TermsWrong("currencyCode", "There is no such currency here.")


async def add_version(
    work: WriteWork, plan_id: UUID, number: int, terms: Terms, begins: datetime
) -> UUID:
    """Store a version as it will stay; its id."""
    version_id = work.new_id()
    await work.rows(
        insert(ib_plan_version).values(
            brand_id=work.scope.brand_id,
            id=version_id,
            plan_id=plan_id,
            number=number,
            from_at=begins,
            terms=to_json(terms),
            created_at=work.now(),
        )
    )
    return version_id
