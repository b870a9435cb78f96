"""Lets the past happen: each stretch of days through commands that take batches, at its own time.

A brand's sandbox clock is moved to the time of a stretch, people and money are written, the
simulator plays the trades at the prices of those days, and everything that reacts reacts there and
then: what a consumer writes about a day bears the day's date. Killed in the middle, the next start
goes on with the same stretch. Postings alone carry the real time, as all postings do; what they are
worth for is `effective_at`.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial

from api.demo.past import acts
from api.demo.past.books import former_till, payments_of, save_former_till, settlement_of
from api.demo.past.challenges import Arena
from api.demo.past.people import DAYS, Crowd, Person, Stretch
from api.demo.past.proofs import Provings
from api.demo.past.today import traders_of, trades_of
from api.demo.past.vendor import prove, save_former_vendor
from api.demo.simulator import SimulatorControls
from api.demo.story import BRANDS, SERVER, BrandStory, date_of
from api.reactions import REGISTRATIONS
from api.settings import Settings
from api.worker import Worker
from domain.accounts.adapters.bridge import BridgePlatform
from domain.accounts.queries import find_logins
from domain.accounts.reader import StreamReader
from domain.clients.standing import find_standings
from domain.compliance.identity.commands.expire_proofs import expire_proofs
from domain.events.consumers import Consumer, consume
from domain.events.queries import head, kinds_between
from domain.events.state_socket import StateServer
from domain.payments.commands.import_payments import PaymentRecord, import_payments
from domain.payments.reconciliation.commands.import_settlement import import_settlement
from tenants.context import system_scope
from tenants.numbers import last_number, next_number, reach_number
from tenants.sandbox_clock import put_clock
from tenants.work import Command, Database, WriteWork

Advance = Callable[[float], None]
CATCH_UP_DAYS = 7
_SINCE, _BEGUN, _TOLD, _TODAY = "demo.since", "demo.begun", "demo.told", "demo.today"
_BATCH = 200


async def tell_past(settings: Settings, database: Database, advance: Advance) -> int:
    """Tell every brand's days that are not told yet, up to yesterday, and trades of today up to
    now; how many days those were.

    The first time ninety; at later starts those since then, the last seven of them if it was long
    ago: the others stay quiet. The brands tell at the same time, and take turns on the platform
    that they share. The simulator must be running.
    """
    if not settings.demo_scale:
        return 0
    done = dict.fromkeys((story.plan.slug for story in BRANDS), 0.0)

    def share(slug: str, part: float) -> None:
        done[slug] = part
        advance(sum(done.values()) / len(done))

    async with (
        SimulatorControls(settings.simulator_socket) as controls,
        asyncio.TaskGroup() as group,
    ):
        turn = asyncio.Lock()
        told = [
            group.create_task(
                _Teller(settings, database, controls, story, turn).tell(
                    partial(share, story.plan.slug)
                )
            )
            for story in BRANDS
        ]
    return max(one.result() for one in told)


class _Teller:
    """Tells one brand's days."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        controls: SimulatorControls,
        story: BrandStory,
        turn: asyncio.Lock,
    ) -> None:
        self._turn = turn
        self._settings = settings
        self._database = database
        self._controls = controls
        self._story = story
        self._scope = system_scope(story.plan.id)
        self._crowd = Crowd(story, settings.demo_scale)
        self._provings = Provings(self._crowd)
        self._stride = 3 if settings.demo_scale > 0.5 else 45
        self._platform = BridgePlatform(f"unix://{settings.simulator_socket}")

    async def tell(self, advance: Advance) -> int:
        """The days that are due, stretch after stretch; the clock is put back in any case."""
        since, begun, first, offset = await self._where()
        due = (datetime.now(UTC).date() - since).days
        if due - first > max(CATCH_UP_DAYS, DAYS if first == 0 else 0):
            first = due - CATCH_UP_DAYS
        if first >= due and not await self._is_today_to_tell():
            return 0
        self._known = await self._existing(self._crowd.clients_until(first - 1))
        worker = self._worker()
        self._reader = StreamReader(SERVER, self._platform, self._database, worker.states)
        self._arena = Arena(
            self._database, self._controls, self._platform, self._reader, self._crowd, self._turn
        )
        try:
            start = first
            while start < due:
                # One that was begun is ended as it was begun.
                stop = begun if start < begun else min(start + self._stride, due)
                stretch = Stretch(range(start, stop), since)
                await self._tell(stretch, worker, is_begun=start < begun)
                advance((stop - first) / (due - first))
                start = stop
            await self._write(partial(put_clock, offset=offset))
            await self._tell_today(worker, due)
        finally:
            await self._platform.aclose()
            await worker.platforms.close()
            await self._write(partial(put_clock, offset=offset))
        return max(due - first, 0)

    @property
    def _today(self) -> int:
        """The brand's day of now, as a number."""
        return date_of(self._story, datetime.now(UTC)).toordinal()

    async def _is_today_to_tell(self) -> bool:
        async with self._database.read(self._scope) as work:
            told = await last_number(work, _TODAY) or 0
        return told < self._today

    async def _tell_today(self, worker: Worker, due: int) -> None:
        """What was closed since the brand's midnight, once a day."""
        if not await self._is_today_to_tell():
            return
        now, traders = datetime.now(UTC), traders_of(self._known, due)
        async with self._database.read(self._scope) as work:
            logins = await find_logins(work, (one.account_id for one in traders))
            since = await head(work)
        trades = trades_of(self._story, traders, logins, now)
        if trades:
            name = f"demo:{self._story.plan.slug}:today:{int(now.timestamp())}"
            async with self._turn:
                await self._controls.tell_past(name, accounts=[], transfers=[], trades=trades)
                await self._reader.catch_up()
            await self._react(worker, since)
        await self._write(partial(reach_number, name=_TODAY, number=self._today))

    async def _where(self) -> tuple[date, int, int, timedelta]:
        """The story's first day, how many days were begun and told, and the clock's offset."""

        async def command(work: WriteWork) -> tuple[date, int, int, timedelta]:
            first_day = work.database_now().date() - timedelta(days=DAYS)
            since = await last_number(work, _SINCE)
            if since is None:
                since = await next_number(work, _SINCE, start=first_day.toordinal())
                await save_former_till(work, self._settings, self._story)
            await save_former_vendor(work, self._settings, self._story)
            begun = await last_number(work, _BEGUN) or 0
            told = await last_number(work, _TOLD) or 0
            return date.fromordinal(since), begun, told, work.now() - work.database_now()

        return (await self._database.write(self._scope, command)).value

    async def _existing(self, people: Iterable[Person]) -> list[Person]:
        """Without those who would have come on days that stay quiet."""
        known = list(people)
        async with self._database.read(self._scope) as work:
            there = await find_standings(work, (one.id for one in known))
        return [one for one in known if one.id in there]

    def _worker(self) -> Worker:
        """What reacts to events in the worker, to react here meanwhile."""
        states = StateServer(self._settings.states_socket)
        worker = Worker(self._settings, "", self._database, states)
        for register in REGISTRATIONS:
            register(worker)
        return worker

    async def _tell(self, stretch: Stretch, worker: Worker, *, is_begun: bool) -> None:
        newcomers = [one for day in stretch.days for one in self._crowd.clients_of(day)]
        self._known += newcomers
        async with self._database.read(self._scope) as work:
            since = await head(work)
        await self._at(stretch.evening)
        if not is_begun:
            await self._write(partial(self._begin, stretch=stretch, newcomers=newcomers))
        async with self._turn:
            await self._play(stretch)
            await self._reader.catch_up()
        await self._arena.tell(stretch)
        if any(one.lapses_on in stretch.days for one in self._provings.of(self._known)):
            await expire_proofs(self._database, self._story.plan.id)
        await self._write(partial(self._end, stretch=stretch))
        await self._react(worker, since)

    async def _begin(self, work: WriteWork, stretch: Stretch, newcomers: Sequence[Person]) -> None:
        """People and money of the stretch, in one transaction."""
        leads = [one for day in stretch.days for one in self._crowd.leads_of(day)]
        await acts.arrive(work, self._story, leads, stretch)
        provings = self._provings.of(newcomers)
        await prove(work, self._settings, self._story, provings, stretch)
        await acts.open_accounts(work, self._story, newcomers, stretch)
        await import_payments(work, await self._payments(work, stretch))
        await reach_number(work, _BEGUN, stretch.days.stop)

    async def _payments(self, work: WriteWork, stretch: Stretch) -> list[PaymentRecord]:
        """What went through the former cashier, deposits and purchases first."""
        paid = await self._arena.payments(work, stretch)
        return [*paid, *payments_of(self._story, self._known, stretch)]

    async def _end(self, work: WriteWork, stretch: Stretch) -> None:
        """What the former cashier settled, and the mark that the stretch is told."""
        last = stretch.date_of(stretch.days[-1])
        content = settlement_of(last, await self._payments(work, stretch))
        if content:
            till = former_till(self._story)
            name = f"{last.isoformat()}.csv"
            await import_settlement(work, till.connection_id, name=name, content=content)
        await reach_number(work, _TOLD, stretch.days.stop)

    async def _play(self, stretch: Stretch) -> None:
        """Accounts, money and trades of the stretch, on the platform."""
        traders = [one for one in self._known if one.trades]
        async with self._database.read(self._scope) as work:
            logins = await find_logins(work, (one.account_id for one in traders))
        told = acts.on_platform(self._story, traders, logins, stretch)
        if any(told.values()):
            slug, days = self._story.plan.slug, stretch.days
            await self._controls.tell_past(f"demo:{slug}:{days.start}:{days.stop}", **told)

    async def _react(self, worker: Worker, since: int) -> None:
        """Let the consumers of what happened since a position come to the end of the log, and of
        what they tell themselves. Who would hear nothing is not asked."""
        told, reached = await self._told(since)
        while told:
            for consumer in worker.consumers:
                more = _hears(consumer, told)
                while more:
                    done = await consume(
                        self._database, self._story.plan.id, consumer, limit=_BATCH
                    )
                    more = done is not None and done.more
            told, reached = await self._told(reached)

    async def _told(self, since: int) -> tuple[frozenset[tuple[str, str]], int]:
        """Topics and kinds of what happened since a position, and up to which one."""
        async with self._database.read(self._scope) as work:
            reached = await head(work)
            return await kinds_between(work, since, reached), reached

    async def _at(self, instant: datetime) -> None:
        async def command(work: WriteWork) -> None:
            await put_clock(work, instant - work.database_now())

        await self._write(command)

    async def _write(self, command: Command[None]) -> None:
        await self._database.write(self._scope, command)


def _hears(consumer: Consumer, told: Iterable[tuple[str, str]]) -> bool:
    kinds = consumer.kinds
    return any(
        topic in consumer.topics and (kinds is None or kind in kinds) for topic, kind in told
    )
