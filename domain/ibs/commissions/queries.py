"""What was in force when a deal closed: the line, its plans, exchange rates; and what was made."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, and_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from domain.accounts.queries import AnyWork
from domain.accounts.tables import platform_grant, platform_symbol
from domain.ibs.commissions.tables import (
    ib_accrual,
    ib_assignment,
    ib_fx_rate,
    ib_judgement,
    ib_plan,
    ib_plan_version,
)
from domain.ibs.commissions.terms import from_json
from domain.ibs.commissions.values import Applied, Terms
from domain.ibs.tables import ib, ib_former_place
from domain.ibs.values import Judgement
from domain.kernel.errors import NotFound
from tenants.work import WriteWork


async def list_ibs(work: AnyWork, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Ibs by id, as they are now."""
    rows = await work.rows(
        select(ib.c.id, ib.c.code, ib.c.path, ib.c.email, ib.c.currency).where(
            ib.c.brand_id == work.scope.brand_id, _any(ib.c.id, ids)
        )
    )
    return {row.id: row for row in rows}


@dataclass(frozen=True, slots=True)
class Places:
    """Where some ibs are, and where they were before: rows with `path`, the oldest first."""

    now: Mapping[UUID, Any]
    former: Mapping[UUID, Sequence[Any]]

    def at(self, ib_id: UUID, at: datetime) -> tuple[str, int]:
        """The path of an ib at an instant, and which of its places that was."""
        for row in self.former.get(ib_id, ()):
            if row.until_at > at:
                return row.path, row.version
        return self.now[ib_id].path, self.now[ib_id].place_version


async def list_places(work: AnyWork, ids: Collection[UUID]) -> Places:
    """The places of some ibs."""
    columns, former = ib_former_place.c, defaultdict(list)
    for row in await work.rows(
        select(columns.ib_id, columns.path, columns.version, columns.until_at)
        .where(columns.brand_id == work.scope.brand_id, _any(columns.ib_id, sorted(ids)))
        .order_by(columns.ib_id, columns.version)
    ):
        former[row.ib_id].append(row)
    rows = await work.rows(
        select(ib.c.id, ib.c.path, ib.c.place_version).where(
            ib.c.brand_id == work.scope.brand_id, _any(ib.c.id, sorted(ids))
        )
    )
    return Places({row.id: row for row in rows}, former)


class Assigned(NamedTuple):
    """A plan that holds for an ib from an instant on."""

    plan_id: UUID
    from_at: datetime


@dataclass(frozen=True, slots=True)
class Plans:
    """Which plan some ibs had from when on, and the versions of those plans; the newest first."""

    assigned: Mapping[UUID, Sequence[Assigned]]
    versions: Mapping[UUID, Sequence[tuple[datetime, Applied]]]

    def at(self, ib_id: UUID, at: datetime) -> Applied | None:
        """What was in force for an ib at an instant: an assignment and a version hold from their
        first instant until the next one's."""
        held = next((row for row in self.assigned.get(ib_id, ()) if row.from_at <= at), None)
        if held is None:
            return None
        known = self.versions.get(held.plan_id, ())
        return next((one for from_at, one in known if from_at <= at), None)

    def all_at(self, at: datetime) -> dict[UUID, Applied]:
        """What was in force for each ib at an instant; left out: those without."""
        found = {ib_id: self.at(ib_id, at) for ib_id in self.assigned}
        return {ib_id: one for ib_id, one in found.items() if one is not None}

    def instants(self, since: datetime) -> Sequence[datetime]:
        """`since`, and when something changes after it, in order."""
        assigned = {row.from_at for rows in self.assigned.values() for row in rows}
        published = {from_at for known in self.versions.values() for from_at, _ in known}
        return [since, *sorted(at for at in assigned | published if at > since)]

    def with_assigned(self, ib_id: UUID, plan_id: UUID, at: datetime) -> "Plans":
        """As it is when an ib has been given a plan."""
        rows = [Assigned(plan_id, at), *self.assigned.get(ib_id, ())]
        rows.sort(key=lambda row: row.from_at, reverse=True)
        return replace(self, assigned={**self.assigned, ib_id: rows})

    def with_published(self, plan_id: UUID, terms: Terms, at: datetime) -> "Plans":
        """As it is when a plan's next version has been published. It has no id yet: 0."""
        number = 1 + max((one.number for _, one in self.versions.get(plan_id, ())), default=0)
        made = Applied(plan_id, UUID(int=0), number, terms)
        known = [(at, made), *self.versions.get(plan_id, ())]
        known.sort(key=lambda version: version[0], reverse=True)
        return replace(self, versions={**self.versions, plan_id: known})


async def list_plans(
    work: AnyWork, ids: Collection[UUID], *, others: Collection[UUID] = ()
) -> Plans:
    """Every plan that some ibs ever had, and the versions of other plans."""
    columns, version = ib_assignment.c, ib_plan_version.c
    assigned, versions = defaultdict(list), defaultdict(list)
    for row in await work.rows(
        select(columns.ib_id, columns.plan_id, columns.from_at)
        .where(columns.brand_id == work.scope.brand_id, _any(columns.ib_id, sorted(ids)))
        .order_by(columns.ib_id, columns.from_at.desc())
    ):
        assigned[row.ib_id].append(Assigned(row.plan_id, row.from_at))
    plan_ids = sorted({row.plan_id for rows in assigned.values() for row in rows}.union(others))
    for row in await work.rows(
        select(version.plan_id, version.id, version.number, version.from_at, version.terms)
        .where(version.brand_id == work.scope.brand_id, _any(version.plan_id, plan_ids))
        .order_by(version.plan_id, version.from_at.desc(), version.number.desc())
    ):
        applied = Applied(row.plan_id, row.id, row.number, from_json(row.terms))
        versions[row.plan_id].append((row.from_at, applied))
    return Plans(assigned, versions)


async def find_rate_at(work: AnyWork, base: str, quote: str, at: datetime) -> Any:
    """The last rate known at an instant, else the first known after it; None without any."""
    rates = ib_fx_rate.c
    of_pair = and_(rates.brand_id == work.scope.brand_id, rates.base == base, rates.quote == quote)
    for statement in (
        select(ib_fx_rate).where(of_pair, rates.at <= at).order_by(rates.at.desc()),
        select(ib_fx_rate).where(of_pair, rates.at > at).order_by(rates.at),
    ):
        rows = await work.rows(statement.limit(1))
        if rows:
            return rows[0]
    return None


async def find_rate(work: AnyWork, base: str, quote: str, at: datetime) -> Any:
    """The rate of exactly that instant; None without one."""
    rates = ib_fx_rate.c
    rows = await work.rows(
        select(ib_fx_rate).where(
            rates.brand_id == work.scope.brand_id,
            rates.base == base,
            rates.quote == quote,
            rates.at == at,
        )
    )
    return rows[0] if rows else None


async def list_waiting(work: AnyWork, *, limit: int) -> Sequence[UUID]:
    """Deals that wait for an exchange rate, those that closed first in front."""
    rows = await work.rows(
        select(ib_judgement.c.deal_id)
        .where(
            ib_judgement.c.brand_id == work.scope.brand_id,
            ib_judgement.c.judgement == Judgement.WAITING_FOR_RATE,
        )
        .order_by(ib_judgement.c.deal_at)
        .limit(limit)
    )
    return [row.deal_id for row in rows]


async def count_accruals(work: AnyWork) -> int:
    """How many accruals the brand has, reversals among them."""
    rows = await work.rows(
        select(func.count().label("n")).where(ib_accrual.c.brand_id == work.scope.brand_id)
    )
    return int(rows[0].n)


async def lock_accruals_of(work: WriteWork, deal_id: UUID) -> Sequence[Any]:
    """What was accrued for a deal and not reversed, kept from changing until the work ends."""
    reversal = ib_accrual.alias("reversal")
    undone = select(reversal.c.id).where(
        reversal.c.brand_id == work.scope.brand_id, reversal.c.reverses_id == ib_accrual.c.id
    )
    return await work.rows(
        select(ib_accrual)
        .where(
            ib_accrual.c.brand_id == work.scope.brand_id,
            ib_accrual.c.deal_id == deal_id,
            ib_accrual.c.reverses_id.is_(None),
            ~undone.exists(),
        )
        .order_by(ib_accrual.c.id)
        .with_for_update()
    )


async def get_plan(work: WriteWork, plan_id: UUID) -> Row[Any]:
    """A plan, locked for change. Refusals: NOT_FOUND."""
    found = await work.maybe(
        select(ib_plan)
        .where(ib_plan.c.brand_id == work.scope.brand_id, ib_plan.c.id == plan_id)
        .with_for_update()
    )
    if found is None:
        raise NotFound(path=("input", "planId"))
    return found


async def lock_lines(work: WriteWork) -> None:
    """Judge the lines of a brand one after another, each as the one before left them: two that
    fit what was there need not fit each other. Taken behind every lock of rows."""
    name = f"ib_lines:{work.scope.brand_id.hex}"
    await work.rows(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def list_symbol_names(work: AnyWork) -> frozenset[str]:
    """The instruments of every server that the brand was granted, as the platform writes them."""
    rows = await work.rows(
        select(platform_symbol.c.name)
        .join(platform_grant, platform_grant.c.server_id == platform_symbol.c.server_id)
        .where(platform_grant.c.brand_id == work.scope.brand_id)
        .distinct()
    )
    return frozenset(row.name for row in rows)


async def is_plan_name(work: WriteWork, name: str) -> bool:
    """Whether a plan of the brand is called so, capitals aside."""
    alike = func.lower(ib_plan.c.name) == func.lower(name)
    rows = await work.rows(
        select(ib_plan.c.id).where(ib_plan.c.brand_id == work.scope.brand_id, alike).limit(1)
    )
    return bool(rows)


async def find_last_version(work: WriteWork, plan_id: UUID) -> Row[Any] | None:
    """The version of a plan that was published last."""
    return await work.maybe(
        select(ib_plan_version)
        .where(
            ib_plan_version.c.brand_id == work.scope.brand_id,
            ib_plan_version.c.plan_id == plan_id,
        )
        .order_by(ib_plan_version.c.number.desc())
        .limit(1)
    )


async def find_version_at(work: WriteWork, plan_id: UUID, at: datetime) -> Row[Any] | None:
    """The version of a plan that is in force at an instant."""
    columns = ib_plan_version.c
    return await work.maybe(
        select(ib_plan_version)
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.plan_id == plan_id,
            columns.from_at <= at,
        )
        .order_by(columns.from_at.desc(), columns.number.desc())
        .limit(1)
    )


async def list_assigned(work: WriteWork, plan_id: UUID, at: datetime) -> Sequence[Any]:
    """The ibs for which a plan is in force at an instant, or will begin to be after it."""
    columns = ib_assignment.c
    others = ib_assignment.alias("others")
    replaced = select(others.c.id).where(
        others.c.brand_id == work.scope.brand_id,
        others.c.ib_id == columns.ib_id,
        others.c.from_at > columns.from_at,
        others.c.from_at <= at,
    )
    return await work.rows(
        select(ib.c.id, ib.c.path)
        .join(ib_assignment, (columns.brand_id == ib.c.brand_id) & (columns.ib_id == ib.c.id))
        .where(
            ib.c.brand_id == work.scope.brand_id,
            columns.plan_id == plan_id,
            ~replaced.exists(),
        )
        .distinct()
        .order_by(ib.c.path)
    )


async def list_branch(work: AnyWork, path: str) -> Sequence[Any]:
    """The ibs below the one at `path`, without itself, those above in front."""
    return await work.rows(
        select(ib.c.id, ib.c.code, ib.c.path, ib.c.level)
        .where(
            ib.c.brand_id == work.scope.brand_id,
            func.starts_with(ib.c.path, path),
            ib.c.path != path,
        )
        .order_by(ib.c.level, ib.c.id)
    )


async def list_judgements(work: AnyWork, deal_ids: Collection[UUID]) -> dict[UUID, Any]:
    """What became of some deals; without those that were not judged."""
    rows = await work.rows(
        select(ib_judgement).where(
            ib_judgement.c.brand_id == work.scope.brand_id,
            _any(ib_judgement.c.deal_id, sorted(deal_ids)),
        )
    )
    return {row.deal_id: row for row in rows}


async def list_accruals_of(
    work: AnyWork, deal_ids: Collection[UUID]
) -> Mapping[UUID, Sequence[Any]]:
    """Everything that was accrued for some deals, reversals behind what they reverse."""
    rows = await work.rows(
        select(ib_accrual)
        .where(
            ib_accrual.c.brand_id == work.scope.brand_id,
            _any(ib_accrual.c.deal_id, sorted(deal_ids)),
        )
        .order_by(ib_accrual.c.reverses_id.is_not(None), ib_accrual.c.component, ib_accrual.c.tier)
    )
    found = defaultdict(list)
    for row in rows:
        found[row.deal_id].append(row)
    return found


async def list_pairs(work: AnyWork) -> Sequence[Any]:
    """Pairs of a plan's currency and an ib's that differ, over all assignments of the brand."""
    currency = ib_plan_version.c.terms["currency"].astext
    return await work.rows(
        select(currency.label("base"), ib.c.currency.label("quote"))
        .select_from(ib_assignment)
        .join(
            ib,
            (ib.c.brand_id == ib_assignment.c.brand_id) & (ib.c.id == ib_assignment.c.ib_id),
        )
        .join(
            ib_plan_version,
            (ib_plan_version.c.brand_id == ib_assignment.c.brand_id)
            & (ib_plan_version.c.plan_id == ib_assignment.c.plan_id),
        )
        .where(ib_assignment.c.brand_id == work.scope.brand_id, currency != ib.c.currency)
        .distinct()
        .order_by(currency, ib.c.currency)
    )


def _any(column: Any, values: Sequence[Any]) -> Any:
    return column == func.any(literal(list(values), ARRAY(column.type)))
