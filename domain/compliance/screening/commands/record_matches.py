"""Write down what a client's name matched."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, update

from domain.compliance.screening.events import hit_opened
from domain.compliance.screening.queries import find_name, lock_hits, was_matched
from domain.compliance.screening.rules import is_news
from domain.compliance.screening.tables import screening_hit
from domain.compliance.screening.values import Disposition, HitStrength, Match
from tenants.work import WriteWork


async def record_matches(
    work: WriteWork, client_id: UUID, name: str, matches: Iterable[Match]
) -> bool:
    """Open a hit for each match; False when the client has another name by now: match that.

    One hit per client and entry. What is found again stays decided, unless what was a false
    positive matches by another name, or better; what one would clear then waits for two again.
    What is not found any more, or less strongly, stays as well: only people close hits, and no
    other spelling lets go what a strong one holds. Effects: event `hit_opened`.
    """
    current = await find_name(work, client_id, lock=True)
    if current is None:
        return True
    if current != name:
        return False
    known = await lock_hits(work, client_id)
    for match in matches:
        if match.entry_id in known:
            await _again(work, known[match.entry_id], name, match)
        else:
            await _open(work, client_id, name, match)
    return True


async def _open(work: WriteWork, client_id: UUID, name: str, match: Match) -> None:
    hit_id = work.new_id()
    await work.rows(
        insert(screening_hit).values(
            brand_id=work.scope.brand_id,
            id=hit_id,
            client_id=client_id,
            entry_id=match.entry_id,
            version=1,
            disposition=Disposition.OPEN,
            opened_at=work.now(),
            **_found(name, match),
        )
    )
    work.emit(hit_opened(hit_id, client_id, match.strength))


async def _again(work: WriteWork, row: Row[Any], name: str, match: Match) -> None:
    had = (row.client_name, row.listed_name, row.score)
    has = (name, match.name, match.score)
    if had == has:
        return
    values = _found(name, match)
    if row.disposition == Disposition.FALSE_POSITIVE:
        if not is_news(had, has):
            return
        values |= _reopened(work)
        work.emit(hit_opened(row.id, row.client_id, match.strength))
    elif row.strength == HitStrength.STRONG != match.strength:
        return
    elif row.disposition == Disposition.CLEARING and is_news(had, has):
        matched = await was_matched(work, row.id)
        back = {"disposition": Disposition.TRUE_MATCH, "asked_by": None}
        values |= back if matched else _reopened(work)
        work.emit(hit_opened(row.id, row.client_id, match.strength))
    await work.rows(
        update(screening_hit)
        .where(screening_hit.c.brand_id == work.scope.brand_id, screening_hit.c.id == row.id)
        .values(version=row.version + 1, **values)
    )


def _reopened(work: WriteWork) -> dict[str, Any]:
    return {
        "disposition": Disposition.OPEN,
        "opened_at": work.now(),
        "decided_at": None,
        "asked_by": None,
    }


def _found(name: str, match: Match) -> dict[str, Any]:
    return {
        "client_name": name,
        "listed_name": match.name,
        "score": match.score,
        "strength": match.strength,
    }
