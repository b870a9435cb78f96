"""SELECTs that commands, jobs and the engine need. Row locks are always of one brand."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, String, cast, func, literal, or_, select
from sqlalchemy.sql.elements import ColumnElement

from domain.accounts.tables import platform_symbol, position
from domain.challenges.lifecycle import (
    JUDGED,
    ClosingStatus,
    OrderStatus,
    PhaseStatus,
    ProgramStatus,
)
from domain.challenges.tables import (
    breach,
    challenge,
    challenge_order,
    challenge_phase,
    liquidation_breaker,
    phase_event,
    program,
    program_version,
    purchase_tax,
)
from tenants.tables import brand_country, jurisdiction, legal_entity
from tenants.work import ReadWork, WriteWork

AnyWork = ReadWork | WriteWork
_EVENTS_MAX = 100_000


async def find_program(work: AnyWork, program_id: UUID) -> Any:
    """A program with the version that is sold; None when there is none."""
    current = program_version
    rows = await work.rows(
        select(program.c.status, program.c.version.label("sold"), program.c.code, current)
        .select_from(
            program.join(
                current,
                (current.c.brand_id == program.c.brand_id)
                & (current.c.program_id == program.c.id)
                & (current.c.number == program.c.version),
            )
        )
        .where(program.c.brand_id == work.scope.brand_id, program.c.id == program_id)
    )
    return rows[0] if rows else None


async def lock_program(work: WriteWork, *, code: str | None = None, key: UUID | None = None) -> Any:
    """A program's row by its code or its id, locked; None when there is none."""
    wanted = program.c.code == code if key is None else program.c.id == key
    return await work.maybe(
        select(program).where(program.c.brand_id == work.scope.brand_id, wanted).with_for_update()
    )


async def list_sold(work: AnyWork) -> Mapping[str, Any]:
    """What is sold, by the code of its program: the newest version of each."""
    current = program_version
    rows = await work.rows(
        select(program.c.code, current)
        .select_from(
            program.join(
                current,
                (current.c.brand_id == program.c.brand_id)
                & (current.c.program_id == program.c.id)
                & (current.c.number == program.c.version),
            )
        )
        .where(program.c.brand_id == work.scope.brand_id, program.c.status == ProgramStatus.OPEN)
    )
    return {row.code: row for row in rows}


async def find_version(work: AnyWork, version_id: UUID) -> Any:
    """A version that a row of ours names."""
    rows = await work.rows(
        select(program_version).where(
            program_version.c.brand_id == work.scope.brand_id, program_version.c.id == version_id
        )
    )
    return rows[0]


async def get_program_cap(work: AnyWork) -> int | None:
    """The most leverage of simulated accounts that every jurisdiction allows in which the brand
    takes clients; None where it takes none yet."""
    cap = cast(jurisdiction.c.policy["leverage_max"]["simulated"].as_string(), Integer)
    (row,) = await work.rows(
        select(func.min(cap).label("most"))
        .select_from(brand_country)
        .join(legal_entity, legal_entity.c.id == brand_country.c.legal_entity_id)
        .join(
            jurisdiction,
            (jurisdiction.c.code == legal_entity.c.jurisdiction)
            & (jurisdiction.c.version == legal_entity.c.jurisdiction_version),
        )
        .where(brand_country.c.brand_id == work.scope.brand_id, brand_country.c.allowed)
    )
    return None if row.most is None else int(row.most)


async def list_taxes(work: AnyWork) -> Mapping[str, tuple[str, int]]:
    """The brand's taxes on purchases, by country: how each is called, and its basis points."""
    rows = await work.rows(
        select(purchase_tax).where(purchase_tax.c.brand_id == work.scope.brand_id)
    )
    return {row.country: (row.label, row.bps) for row in rows}


async def lock_order(work: WriteWork, order_id: UUID) -> Any:
    """An order's row, locked; None when there is none."""
    return await _lock(work, challenge_order, challenge_order.c.id == order_id)


async def lock_challenge(work: WriteWork, challenge_id: UUID) -> Any:
    """A challenge's row, locked; None when there is none."""
    return await _lock(work, challenge, challenge.c.id == challenge_id)


async def lock_challenge_of(work: WriteWork, order_id: UUID) -> Any:
    """The challenge that an order became, locked; None until it became one."""
    return await _lock(work, challenge, challenge.c.order_id == order_id)


async def lock_phase(work: WriteWork, phase_id: UUID) -> Any:
    """A phase's row, locked; None when there is none."""
    return await _lock(work, challenge_phase, challenge_phase.c.id == phase_id)


async def lock_phase_of_account(work: WriteWork, account_id: UUID) -> Any:
    """The phase that is traded on an account, locked; None for an account of nobody's phase."""
    return await _lock(work, challenge_phase, challenge_phase.c.account_id == account_id)


async def _lock(work: WriteWork, table: Any, wanted: ColumnElement[bool]) -> Any:
    return await work.maybe(
        select(table)
        .where(table.c.brand_id == work.scope.brand_id, wanted)
        .with_for_update(key_share=True)
    )


async def find_order(work: AnyWork, order_id: UUID) -> Any:
    """An order's row; None when there is none or not the reader's."""
    rows = await work.rows(
        select(challenge_order).where(
            challenge_order.c.brand_id == work.scope.brand_id, challenge_order.c.id == order_id
        )
    )
    return rows[0] if rows else None


async def find_phase(work: AnyWork, phase_id: UUID) -> Any:
    """A phase's row; None when there is none or not the reader's."""
    rows = await work.rows(
        select(challenge_phase).where(
            challenge_phase.c.brand_id == work.scope.brand_id, challenge_phase.c.id == phase_id
        )
    )
    return rows[0] if rows else None


async def list_phases(work: AnyWork, challenge_id: UUID) -> Sequence[Any]:
    """The phases of a challenge so far, in their order."""
    return await work.rows(
        select(challenge_phase)
        .where(
            challenge_phase.c.brand_id == work.scope.brand_id,
            challenge_phase.c.challenge_id == challenge_id,
        )
        .order_by(challenge_phase.c.number)
    )


async def list_judged(work: AnyWork, server_id: UUID | None = None) -> Sequence[Any]:
    """Phases of the brand that figures still change, on one server or on all."""
    columns = challenge_phase.c
    conditions = [columns.brand_id == work.scope.brand_id, among(columns.status, JUDGED)]
    if server_id is not None:
        conditions.append(columns.server_id == server_id)
    return await work.rows(select(challenge_phase).where(*conditions).order_by(columns.id))


async def lock_waiting_for_account(work: WriteWork) -> Sequence[Any]:
    """Phases whose account could not be asked for, locked: somebody or something was in the way.
    One that is cancelled before the lock is had is not among them."""
    columns = challenge_phase.c
    return await work.rows(
        select(challenge_phase)
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.status == PhaseStatus.PENDING_ACCOUNT,
            columns.account_id.is_(None),
        )
        .order_by(columns.id)
        .with_for_update(key_share=True)
    )


async def list_closing(work: AnyWork, status: ClosingStatus) -> Sequence[Any]:
    """Phases whose accounts are closed so far."""
    columns = challenge_phase.c
    return await work.rows(
        select(columns.id, columns.updated_at)
        .where(columns.brand_id == work.scope.brand_id, columns.closing == status)
        .order_by(columns.id)
    )


async def list_refunding(work: AnyWork) -> Sequence[Any]:
    """Orders whose money is on its way back."""
    columns = challenge_order.c
    return await work.rows(
        select(columns.id, columns.updated_at).where(
            columns.brand_id == work.scope.brand_id, columns.status == OrderStatus.REFUNDING
        )
    )


async def list_phase_events(work: AnyWork, phase_id: UUID) -> Sequence[Any]:
    """Everything that was recorded of a phase, in the order in which it was judged."""
    return await work.rows(
        select(phase_event.c.n, phase_event.c.event, phase_event.c.verdicts)
        .where(phase_event.c.brand_id == work.scope.brand_id, phase_event.c.phase_id == phase_id)
        .order_by(phase_event.c.n)
        .limit(_EVENTS_MAX)
    )


async def list_started(work: AnyWork) -> Sequence[Any]:
    """Every phase of the brand that was ever judged, oldest first."""
    columns = challenge_phase.c
    return await work.rows(
        select(challenge_phase)
        .where(columns.brand_id == work.scope.brand_id, columns.started_at.is_not(None))
        .order_by(columns.id)
    )


async def list_traded(work: AnyWork, since: datetime, until: datetime) -> Sequence[Any]:
    """Phases that were open at some time of a stretch, oldest first."""
    columns = challenge_phase.c
    return await work.rows(
        select(challenge_phase)
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.started_at < until,
            or_(columns.ended_at.is_(None), columns.ended_at >= since),
        )
        .order_by(columns.started_at, columns.id)
    )


async def find_breach(work: AnyWork, phase_id: UUID) -> Any:
    """The evidence of a phase's breach; None when no rule was broken."""
    rows = await work.rows(
        select(breach).where(
            breach.c.brand_id == work.scope.brand_id, breach.c.phase_id == phase_id
        )
    )
    return rows[0] if rows else None


async def count_breaches(work: WriteWork, since: Any) -> int:
    """How many rules were broken in the brand since an instant."""
    row = await work.one(
        select(func.count().label("n")).where(
            breach.c.brand_id == work.scope.brand_id, breach.c.created_at >= since
        )
    )
    return int(row.n)


async def find_halt(work: AnyWork) -> Any:
    """The brand's breaker while it holds accounts back; None when it does not."""
    rows = await work.rows(
        select(liquidation_breaker).where(
            liquidation_breaker.c.brand_id == work.scope.brand_id,
            liquidation_breaker.c.halted_at.is_not(None),
        )
    )
    return rows[0] if rows else None


async def list_positions(work: AnyWork, account_id: UUID) -> Sequence[Any]:
    """What is open on an account, as the stream last told."""
    return await work.rows(
        select(position)
        .where(position.c.brand_id == work.scope.brand_id, position.c.account_id == account_id)
        .order_by(position.c.opened_at, position.c.id)
    )


async def find_contract(work: AnyWork, server_id: UUID, name: str) -> Any:
    """What a lot of a symbol is, how many one may trade, and what its price is in; None when there
    is no such symbol."""
    columns = platform_symbol.c
    rows = await work.rows(
        select(platform_symbol).where(columns.server_id == server_id, columns.name == name)
    )
    return rows[0] if rows else None


def among(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """`column = any(:array)`: one bound array instead of an expanding list."""
    array = literal([str(one) for one in values], ARRAY(String))
    return column == func.any(cast(array, ARRAY(column.type)))
