"""SELECTs of screening."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, ScalarSelect, and_, func, or_, select, text

from domain.clients.tables import client
from domain.clients.values import ClientStatus
from domain.compliance.screening.tables import (
    sanctions_entry,
    sanctions_name,
    sanctions_version,
    screening_decision,
    screening_hit,
    screening_round,
)
from domain.compliance.screening.values import Disposition, SanctionsList
from tenants.work import ReadWork, WriteWork

AnyWork = ReadWork | WriteWork
_HOLDS = text("select screening_holds(:brand_id, :client_id) as holds")


async def is_held(work: AnyWork, client_id: UUID) -> bool:
    """Whether the client's money waits until compliance has looked.

    True also in a session that may not know why: tell it CLIENT_RESTRICTED and nothing else.
    """
    found = await work.rows(_HOLDS, {"brand_id": work.scope.brand_id, "client_id": client_id})
    return bool(found[0].holds)


async def is_matched(work: AnyWork, client_id: UUID) -> bool:
    """Whether somebody decided that the client is who a list names, and it was not cleared since.

    A strong hit that one would clear was never said to be true. False in a client's own session,
    which sees no hits.
    """
    hit = screening_hit.c
    found = await work.rows(
        select(hit.id)
        .where(
            hit.brand_id == work.scope.brand_id,
            hit.client_id == client_id,
            or_(
                hit.disposition == Disposition.TRUE_MATCH,
                and_(
                    hit.disposition == Disposition.CLEARING,
                    _before_clearing() == Disposition.TRUE_MATCH,
                ),
            ),
        )
        .limit(1)
    )
    return bool(found)


async def was_matched(work: AnyWork, hit_id: UUID) -> bool:
    """Whether a hit that one would clear was a true match before, and not only a strong one."""
    hit = screening_hit.c
    found = await work.rows(
        select(_before_clearing().label("before")).where(
            hit.brand_id == work.scope.brand_id, hit.id == hit_id
        )
    )
    return bool(found and found[0].before == Disposition.TRUE_MATCH)


def _before_clearing() -> ScalarSelect[str]:
    """What was decided about a hit before somebody asked to clear it; null when nothing was."""
    decision = screening_decision.c
    return (
        select(decision.disposition)
        .where(
            decision.brand_id == screening_hit.c.brand_id,
            decision.hit_id == screening_hit.c.id,
            decision.disposition != Disposition.CLEARING,
        )
        .order_by(decision.created_at.desc(), decision.id.desc())
        .limit(1)
        .correlate(screening_hit)
        .scalar_subquery()
    )


async def lists_number(work: AnyWork) -> int:
    """The number of the newest import; 0 when there was none."""
    rows = await work.rows(select(func.coalesce(func.max(sanctions_version.c.number), 0)))
    return int(rows[0][0])


async def newest_version(work: AnyWork, code: SanctionsList) -> Row[Any] | None:
    """The newest version of a list that is imported."""
    rows = await work.rows(
        select(sanctions_version)
        .where(sanctions_version.c.list == code)
        .order_by(sanctions_version.c.published_on.desc())
        .limit(1)
    )
    return rows[0] if rows else None


async def list_names(work: AnyWork) -> Sequence[Row[Any]]:
    """The names of every entry that the newest version of its list names: entry id and name."""
    newest = (
        select(
            sanctions_version.c.list, func.max(sanctions_version.c.published_on).label("newest_on")
        )
        .group_by(sanctions_version.c.list)
        .subquery()
    )
    return await work.rows(
        select(sanctions_name.c.entry_id, sanctions_name.c.name)
        .join(sanctions_entry, sanctions_entry.c.id == sanctions_name.c.entry_id)
        .join(newest, newest.c.list == sanctions_entry.c.list)
        .where(sanctions_entry.c.last_on == newest.c.newest_on)
        .order_by(sanctions_name.c.entry_id, sanctions_name.c.position)
    )


async def known_entries(work: AnyWork, code: SanctionsList) -> dict[str, UUID]:
    """Every entry a list ever had, by the list's number of it."""
    rows = await work.rows(
        select(sanctions_entry.c.ref, sanctions_entry.c.id).where(sanctions_entry.c.list == code)
    )
    return {row.ref: row.id for row in rows}


async def find_name(work: AnyWork, client_id: UUID, *, lock: bool = False) -> str | None:
    """The name of a client that is to be screened; None for a closed one."""
    asked = select(client.c.name).where(
        client.c.brand_id == work.scope.brand_id,
        client.c.id == client_id,
        client.c.status != ClientStatus.CLOSED,
    )
    rows = await work.rows(asked.with_for_update(key_share=True) if lock else asked)
    return str(rows[0].name) if rows else None


async def next_clients(work: AnyWork, after: UUID | None, limit: int) -> list[tuple[UUID, str]]:
    """The next clients of the brand by id, with their names."""
    asked = select(client.c.id, client.c.name).where(
        client.c.brand_id == work.scope.brand_id, client.c.status != ClientStatus.CLOSED
    )
    if after is not None:
        asked = asked.where(client.c.id > after)
    rows = await work.rows(asked.order_by(client.c.id).limit(limit))
    return [(row.id, row.name) for row in rows]


async def lock_hits(work: WriteWork, client_id: UUID) -> dict[UUID, Row[Any]]:
    """What was found of a client before, by entry, locked."""
    rows = await work.rows(
        select(screening_hit)
        .where(
            screening_hit.c.brand_id == work.scope.brand_id,
            screening_hit.c.client_id == client_id,
        )
        .order_by(screening_hit.c.id)
        .with_for_update()
    )
    return {row.entry_id: row for row in rows}


async def find_round(work: AnyWork) -> Row[Any] | None:
    """How far the brand's clients are screened."""
    rows = await work.rows(
        select(screening_round).where(screening_round.c.brand_id == work.scope.brand_id)
    )
    return rows[0] if rows else None


async def version_of(work: AnyWork, code: SanctionsList, published_on: date) -> Row[Any] | None:
    """One version of a list."""
    rows = await work.rows(
        select(sanctions_version).where(
            sanctions_version.c.list == code, sanctions_version.c.published_on == published_on
        )
    )
    return rows[0] if rows else None


async def list_versions(work: AnyWork) -> Sequence[Row[Any]]:
    """Versions of lists that were imported, newest first; the last 100."""
    return await work.rows(
        select(sanctions_version).order_by(sanctions_version.c.number.desc()).limit(100)
    )
