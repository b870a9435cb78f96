"""What is known of closed deals and of the lines that brought their clients, as of their close."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from domain.accounts.deals.queries import list_hedged, list_live, list_openings
from domain.accounts.queries import AnyWork, find_symbol
from domain.accounts.values import DealEntry
from domain.clients.queries import list_introduced
from domain.ibs.commissions.queries import list_ibs, list_places, list_plans
from domain.ibs.commissions.rules import pip_of
from domain.ibs.commissions.values import ClosedDeal, Member, Opening


@dataclass(frozen=True, slots=True)
class Seen:
    """What may be told otherwise later: kept with the judgement, so that it can be repeated.

    `rates` says which exchange rates were taken: the instant of each, by `USD/EUR`.
    """

    digits: int | None
    owners: frozenset[UUID]
    rates: Mapping[str, datetime] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "digits": self.digits,
            "owners": sorted(one.hex for one in self.owners),
            "rates": {pair: at.isoformat() for pair, at in sorted(self.rates.items())},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            stored["digits"],
            frozenset(UUID(one) for one in stored["owners"]),
            {pair: datetime.fromisoformat(at) for pair, at in stored["rates"].items()},
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A closed deal and its line, the introducer first. `paths` are those of today."""

    deal: ClosedDeal
    row: Any
    line: tuple[Member, ...]
    place_version: int
    paths: Mapping[UUID, str]
    seen: Seen


async def gather(
    work: AnyWork, deal_ids: Collection[UUID], *, seen: Mapping[UUID, Seen] | None = None
) -> dict[UUID, Case]:
    """The cases of some deals, in a number of statements that is the same for any number of them.

    Without those that closed nothing, are not LIVE, or whose client nobody introduced. One that is
    in `seen` is the case as it was first judged.
    """
    rows = {
        one.id: one
        for one in (await list_live(work, deal_ids)).values()
        if one.closed_lots > 0 and one.entry != DealEntry.CANCEL
    }
    clients = await list_introduced(work, (one.client_id for one in rows.values()))
    rows = {key: one for key, one in rows.items() if one.client_id in clients}
    if not rows:
        return {}
    places = await list_places(work, {one.ib_id for one in clients.values()})
    lines = {
        key: _line(*places.at(clients[one.client_id].ib_id, one.at)) for key, one in rows.items()
    }
    ids = sorted({ib_id for line in lines.values() for ib_id in line.ids})
    ibs, plans = await list_ibs(work, ids), await list_plans(work, ids)
    known = dict(seen or {})
    await _look(
        work, [rows[key] for key in rows.keys() - known.keys()], lines, (ibs, clients), known
    )
    closed = await _closed(work, list(rows.values()), known)
    return {
        key: Case(
            closed[key],
            row,
            tuple(
                Member(ib_id, tier, ibs[ib_id].currency, plans.at(ib_id, row.at))
                for tier, ib_id in enumerate(lines[key].ids, 1)
            ),
            lines[key].version,
            {ib_id: ibs[ib_id].path for ib_id in lines[key].ids},
            known[key],
        )
        for key, row in rows.items()
    }


@dataclass(frozen=True, slots=True)
class _Line:
    """Ids from the introducer upwards, and which place of it that is."""

    ids: tuple[UUID, ...]
    version: int


def _line(path: str, version: int) -> _Line:
    return _Line(tuple(UUID(hex=part) for part in reversed(path.strip("/").split("/"))), version)


async def _look(
    work: AnyWork,
    rows: Sequence[Any],
    lines: Mapping[UUID, _Line],
    people: tuple[Mapping[UUID, Any], Mapping[UUID, Any]],
    known: dict[UUID, Seen],
) -> None:
    """See for the first time what may be told otherwise later: digits of the symbol, and which ibs
    of the line are the client itself."""
    ibs, clients = people
    symbols = {(one.server_id, one.symbol) for one in rows}
    digits = {each: await find_symbol(work, *each) for each in sorted(symbols)}
    for one in rows:
        email, symbol = clients[one.client_id].email, digits[one.server_id, one.symbol]
        owners = frozenset(each for each in lines[one.id].ids if ibs[each].email == email)
        known[one.id] = Seen(None if symbol is None else symbol.digits, owners)


async def _closed(
    work: AnyWork, rows: Sequence[Any], seen: Mapping[UUID, Seen]
) -> dict[UUID, ClosedDeal]:
    openings = await list_openings(work, rows)
    hedged = await list_hedged(work, rows, openings)
    made = {}
    for row in rows:
        found, digits = openings.get(row.id), seen[row.id].digits
        made[row.id] = ClosedDeal(
            row.id,
            row.symbol,
            DealEntry(row.entry),
            row.closed_lots,
            row.price,
            row.at,
            None if found is None else Opening(found.id, found.at, found.price),
            None if digits is None else pip_of(digits),
            row.id in hedged,
            seen[row.id].owners,
        )
    return made
