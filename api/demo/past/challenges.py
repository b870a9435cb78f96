"""Lets challenges of the past happen: bought, traded at prices of then, judged by the rules.

A stretch is told in two turns, so that whoever passes a phase in it can begin the next one there.
Everything that is told follows from the story and from what is stored, so that a stretch which was
interrupted is told again in the same words, and nothing of it twice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from api.demo.past.books import former_till
from api.demo.past.fates import BEGIN_MINUTE, BUY_MINUTE, Purchase, purchases
from api.demo.past.people import Crowd, Person, Stretch, is_weekend
from api.demo.simulator import SimulatorControls
from api.demo.story import clients_of
from domain.accounts.adapters.bridge import BridgePlatform
from domain.accounts.reader import StreamReader
from domain.accounts.values import AccountAccess
from domain.challenges.commands.import_challenges import (
    ChallengeRecord,
    PhaseRecord,
    import_challenges,
    import_phases,
)
from domain.challenges.commands.judge_history import Ended, judge_histories
from domain.challenges.history import Low
from domain.challenges.lifecycle import Price, PriceSeen
from domain.challenges.purchase_rules import priced
from domain.challenges.queries import (
    find_order,
    list_phases,
    list_sold,
    list_taxes,
    list_traded,
    lock_waiting_for_account,
)
from domain.clients.queries import find_by_email
from domain.clients.standing import find_standings
from domain.kernel.money import Money, from_minor, to_minor
from domain.payments.commands.import_payments import PaymentRecord
from domain.payments.values import PaymentKind
from tenants.context import system_scope
from tenants.work import Database, WriteWork

Json = dict[str, Any]
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Arena:
    """Where a brand's challenges are told: its platform, by its wire and by its controls."""

    database: Database
    controls: SimulatorControls
    platform: BridgePlatform
    reader: StreamReader
    crowd: Crowd
    turn: asyncio.Lock

    @cached_property
    def bought(self) -> Sequence[Purchase]:
        """What is ever bought; nothing from a brand that sells no challenges."""
        return purchases(self.crowd)

    async def payments(self, work: WriteWork, stretch: Stretch) -> list[PaymentRecord]:
        """What was paid for the challenges of a stretch, at the former cashier."""
        till = former_till(self.crowd.story)
        return [
            PaymentRecord(
                one.key("payment"), PaymentKind.DEPOSIT, client_id, price.total, till,
                f"pi_c{one.n}", f"•••• {2000 + one.n * 41 % 7000}", purchase_id=one.key("order"),
                at=stretch.at(one.day, BUY_MINUTE),
            )
            for one, client_id, price in await self._priced(work, stretch)
        ]  # fmt: skip

    async def tell(self, stretch: Stretch) -> None:
        """Buy, then trade and judge: first who was there, then who got on in these days."""
        if not self.bought:
            return
        await self._write(partial(self._buy, stretch=stretch))
        for is_late in (False, True):
            await self._write(partial(self._begin, stretch=stretch))
            told = await self._read_told(stretch, is_late=is_late)
            if not any(told.values()) and is_late:
                return
            lows = await self._play(stretch, told, is_late=is_late)
            judge = partial(judge_histories, lows=lows, until=stretch.evening)
            await self._close((await self.database.write(self._scope, judge)).value)

    # Buying -----------------------------------------------------------------------------------

    async def _priced(
        self, work: WriteWork, stretch: Stretch
    ) -> list[tuple[Purchase, UUID, Price]]:
        """The purchases of a stretch with their buyers and what they cost there."""
        several = [one for one in self.bought if one.day in stretch.days]
        buyers = [await self._buyer(work, one) for one in several]
        owners = await find_standings(work, buyers)
        sold, taxes = await list_sold(work), await list_taxes(work)
        made = []
        for one, client_id in zip(several, buyers, strict=True):
            version = sold[one.program]
            net = Money(int(version.price_minor), version.currency)
            made.append((one, client_id, priced(net, taxes, owners[client_id].country)))
        return made

    async def _buyer(self, work: WriteWork, one: Purchase) -> UUID:
        if isinstance(one.buyer, Person):
            return one.buyer.id
        told = list(clients_of(self.crowd.story))[one.buyer]
        row = await find_by_email(work, told.email)
        assert row is not None, "registered before the past"
        return UUID(str(row.id))

    async def _buy(self, work: WriteWork, stretch: Stretch) -> None:
        """Add what was paid for in the stretch and is not there yet."""
        sold = await list_sold(work)
        records = [
            ChallengeRecord(
                one.key("order"), one.key("phase:1"), client_id, sold[one.program], price,
                one.key("payment"), stretch.at(one.day, BUY_MINUTE),
            )
            for one, client_id, price in await self._priced(work, stretch)
            if await find_order(work, one.key("order")) is None
        ]  # fmt: skip
        await import_challenges(work, records)

    # Trading ----------------------------------------------------------------------------------

    async def _begin(self, work: WriteWork, stretch: Stretch) -> None:
        """Give accounts to the phases that wait for one on a day of the stretch: five minutes
        after the purchase, or the morning after the phase before."""
        days = {stretch.date_of(day): day for day in stretch.days}
        records = []
        for phase in await lock_waiting_for_account(work):
            *before, _ = await list_phases(work, phase.challenge_id)
            date = before[-1].ended_at.date() + _ONE_DAY if before else phase.created_at.date()
            ours = self._purchase_of(await list_phases(work, phase.challenge_id))
            if date in days and ours is not None:
                account_id = ours.key(f"account:{phase.number}")
                at = stretch.at(days[date], BEGIN_MINUTE)
                records.append(PhaseRecord(phase.id, account_id, at))
        await import_phases(work, records)

    def _purchase_of(self, phases: Sequence[Any]) -> Purchase | None:
        """Whose phases these are; None for a challenge that is none of the story's."""
        return next((one for one in self.bought if one.key("phase:1") == phases[0].id), None)

    async def _read_told(self, stretch: Stretch, *, is_late: bool) -> dict[str, list[Json]]:
        """What happens on the platform in this turn of the stretch, as its control takes it."""
        since, until = stretch.at(stretch.days.start, 0), stretch.at(stretch.days.stop, 0)
        told: dict[str, list[Json]] = {"accounts": [], "transfers": [], "aims": []}
        async with self.database.read(self._scope) as work:
            for phase in await list_traded(work, since, until):
                ours = self._known.get(phase.account_id)
                begun_late = phase.number > 1 and phase.created_at >= stretch.evening
                if ours is not None and begun_late is is_late:
                    _add(told, ours, phase, stretch)
        return told

    @cached_property
    def _known(self) -> dict[UUID, Purchase]:
        """The purchases by each account that they may come to have."""
        return {one.key(f"account:{n}"): one for one in self.bought for n in (1, 2)}

    async def _play(
        self, stretch: Stretch, told: dict[str, list[Json]], *, is_late: bool
    ) -> dict[int, list[Low]]:
        """Let it happen on the platform and be recorded here; the lows, by login."""
        slug, days = self.crowd.story.plan.slug, stretch.days
        name = f"demo:{slug}:challenges:{days.start}:{days.stop}:{int(is_late)}"
        async with self.turn:
            done = await self.controls.tell_past(name, **told)
            await self.reader.catch_up()
        lows: dict[int, list[Low]] = {}
        currency = self.crowd.story.challenges_in
        assert currency is not None, "something was bought"
        for one in done["lows"]:
            lows.setdefault(int(one["login"]), []).append(_low(one, currency))
        return lows

    async def _close(self, ended: Sequence[Ended]) -> None:
        """Nobody trades on them any more."""
        for one in ended:
            op_id = f"demo:closed:{one.phase_id.hex}"
            await self.platform.set_access(one.login, AccountAccess.NO_TRADING, op_id=op_id)

    @property
    def _scope(self) -> Any:
        return system_scope(self.crowd.story.plan.id)

    async def _write(self, command: Any) -> None:
        await self.database.write(self._scope, command)


def _add(told: dict[str, list[Json]], ours: Purchase, phase: Any, stretch: Stretch) -> None:
    """What happens on a phase's account in a stretch."""
    start = from_minor(int(phase.start_minor), phase.currency)
    began = (phase.started_at.date() - stretch.since).days
    if began in stretch.days:
        at = phase.started_at.isoformat()
        told["accounts"].append(
            {
                "at": at,
                "login": phase.login,
                "group": f"evaluation-{phase.currency.lower()}",
                "leverage": phase.leverage,
                "currency": phase.currency,
                "client_ref": phase.account_id.hex,
            }
        )
        told["transfers"].append(
            {
                "at": at,
                "login": phase.login,
                "amount": str(start),
                "op_id": str(ours.key(f"start:{phase.number}")),
            }
        )
    weekdays: list[int] = []
    for move in ours.moves(phase.number):
        while len(weekdays) <= move.day:
            day = weekdays[-1] + 1 if weekdays else began
            while is_weekend(stretch.date_of(day)):
                day += 1
            weekdays.append(day)
        day = weekdays[move.day]
        if day in stretch.days:
            told["aims"].append(
                {
                    "at": stretch.at(day, move.minutes[0]).isoformat(),
                    "closed_at": stretch.at(day, move.minutes[1]).isoformat(),
                    "login": phase.login,
                    "symbol": ours.symbol,
                    "lots": str(move.lots(start)),
                    "equity": str(move.equity(start)),
                    "rises": move.step > 0,
                }
            )


def _low(told: Json, currency: str) -> Low:
    """A low as the platform tells it."""
    quote = told["quote"]
    at = datetime.fromisoformat(quote["at"])
    recorded = quote["recorded_at"]
    return Low(
        at,
        to_minor(Decimal(told["balance"]), currency),
        to_minor(Decimal(told["equity"]), currency),
        {
            "ticket": told["position_id"],
            "symbol": told["symbol"],
            "side": told["side"],
            "lots": told["lots"],
            "open_price": told["open_price"],
        },
        PriceSeen(
            quote["symbol"], quote["bid"], quote["ask"], at,
            None if recorded is None else datetime.fromisoformat(recorded), quote["source"],
        ),
    )  # fmt: skip
