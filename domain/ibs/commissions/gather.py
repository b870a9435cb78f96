"""What is known of a closed deal and of the line that brought its client, as of its close."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from domain.accounts.deals.queries import find_live_deal, find_opening, was_hedged
from domain.accounts.queries import AnyWork, find_symbol
from domain.accounts.values import DealEntry
from domain.clients.queries import find_introduced
from domain.ibs.commissions.queries import find_place_at, list_ibs, list_plans_at
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


async def gather(work: AnyWork, deal_id: UUID, *, seen: Seen | None = None) -> Case | None:
    """The case of a deal; None when it closed nothing, is not LIVE, or nobody introduced its
    client. With `seen` it is the case as it was first judged."""
    row = await find_live_deal(work, deal_id)
    if row is None or row.closed_lots <= 0 or row.entry == DealEntry.CANCEL:
        return None
    client = await find_introduced(work, row.client_id)
    if client is None:
        return None
    path, place_version = await find_place_at(work, client.ib_id, row.at)
    ids = [UUID(hex=part) for part in reversed(path.strip("/").split("/"))]
    ibs, plans = await list_ibs(work, ids), await list_plans_at(work, ids, row.at)
    line = tuple(
        Member(ib_id, tier, ibs[ib_id].currency, plans.get(ib_id))
        for tier, ib_id in enumerate(ids, 1)
    )
    if seen is None:
        owners = frozenset(one for one in ids if ibs[one].email == client.email)
        symbol = await find_symbol(work, row.server_id, row.symbol)
        seen = Seen(None if symbol is None else symbol.digits, owners)
    deal = await _closed(work, row, seen)
    return Case(deal, row, line, place_version, {one: ibs[one].path for one in ids}, seen)


async def _closed(work: AnyWork, row: Any, seen: Seen) -> ClosedDeal:
    found = await find_opening(work, row)
    is_hedged = found is not None and await was_hedged(work, row, found.side, found.at)
    return ClosedDeal(
        row.id,
        row.symbol,
        DealEntry(row.entry),
        row.closed_lots,
        row.price,
        row.at,
        None if found is None else Opening(found.id, found.at, found.price),
        None if seen.digits is None else pip_of(seen.digits),
        is_hedged,
        seen.owners,
    )
