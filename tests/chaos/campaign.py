"""One campaign: set the stage, break everything for a while, let it come to rest, look."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from api.serving import accepts_unix
from tests.chaos import checker, outside, plants
from tests.chaos.acts import acts, warming
from tests.chaos.asking import Caller
from tests.chaos.board import Board
from tests.chaos.cast import Casting, House, open_accounts
from tests.chaos.checker import Finding
from tests.chaos.driver import Driver
from tests.chaos.journal import Journal
from tests.chaos.nemesis import Nemesis
from tests.chaos.nursery import Listeners, Nursery, Orders
from tests.chaos.parts import settings_of
from tests.chaos.stage import PREFIX, Stage
from tests.chaos.subscriber import Subscriber
from tests.factories import Factory

CALLERS = 16
ODDS = {"api": 0.1, "worker": 0.004, "drop": 0.01}
_READY_SECONDS = 60.0
_PLANTED_REST_SECONDS = 15.0
_CALM = {"api": 0.005}
_LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Options:
    """How long: until so many kills, or so many seconds; whichever is given."""

    seed: str
    kills: int | None = None
    seconds: float | None = None
    plant: str = ""


@dataclass
class Report:
    """What a campaign did and found."""

    options: Options
    seconds: float = 0.0
    rest_seconds: float = 0.0
    kills: dict[str, int] = field(default_factory=dict)
    harms: dict[str, int] = field(default_factory=dict)
    acked: int = 0
    refused: int = 0
    retries: int = 0
    raced: int = 0
    altered: int = 0
    events: int = 0
    deadlocks: int = 0
    set_aside: int = 0
    """Jobs that failed ten times. Time is short here; what they were for must rest all the same."""
    sums: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    kept: Path | None = None

    def count(self, area: str) -> int:
        return sum(one.count for one in self.findings if one.area == area)


class Campaign:
    """Everything of one campaign; `run` it once."""

    def __init__(
        self,
        options: Options,
        stage: Stage,
        board: Board,
        nursery: Nursery,
        listeners: Listeners,
    ) -> None:
        self._settings = settings_of(str(stage.home), PREFIX, listeners)
        self._options = options
        self._stage = stage
        self._board = board
        self._nursery = nursery

    async def run(self, url: str) -> Report:
        """From a bare stage to a report."""
        async with self._stage:
            checker.prepare(self._stage)
            seed, plant = self._options.seed, self._options.plant
            self._nursery.start_outside(Orders(str(self._stage.home), PREFIX, seed, plant))
            try:
                houses = await self._gather()
                plants.break_database(plant, self._stage)
                self._nursery.start_ours(warming(houses))
                await _until_ready(url)
                checker.begin(self._stage)
                return await self._fight(url, houses)
            except BaseException:
                self._stage.keep(seed)
                raise
            finally:
                self._nursery.end()

    async def _gather(self) -> list[House]:
        """Everybody, as soon as the outside worlds answer."""
        settings = self._settings
        await _until(lambda: accepts_unix(str(settings.simulator_socket)))
        with Factory.connected(self._stage.endpoints) as make:
            houses = await Casting(settings, make).gather()
        await open_accounts(settings, houses)
        return houses

    async def _fight(self, url: str, houses: list[House]) -> Report:
        journal = Journal(self._stage.folder / "journal.jsonl")
        async with AsyncExitStack() as stack:
            stack.callback(journal.close)
            caller = Caller(url)
            stack.push_async_callback(caller.close)
            subscribers = [Subscriber(caller, house) for house in houses]
            following = [asyncio.create_task(one.run()) for one in subscribers]
            stack.callback(lambda: [task.cancel() for task in following])
            driver = Driver(caller, journal, self._options.seed)
            report = Report(self._options)
            async with self._driving(driver, houses, report):
                await self._until_enough()
            patience = _PLANTED_REST_SECONDS if self._options.plant else checker.REST_SECONDS
            report.rest_seconds, moving = await checker.come_to_rest(self._stage, seconds=patience)
            for one in subscribers:
                following[subscribers.index(one)].cancel()
                await one.catch_up()
            await asyncio.to_thread(self._conclude, report, journal, subscribers, moving)
            return report

    @asynccontextmanager
    async def _driving(
        self, driver: Driver, houses: list[House], report: Report
    ) -> AsyncIterator[None]:
        """Callers at work and faults on; at the end faults off, and every question answered."""
        only = plants.CALM.get(self._options.plant)
        possible = acts(houses, only=only)
        began = time.monotonic()
        forgets = self._options.plant == "retry_without_key"
        await outside.misbehave(self._settings, self._options.seed, forgets_keys=forgets)
        self._board.set_odds(**ODDS | (_CALM if only else {}))
        nemesis = Nemesis(self._stage, self._board, self._options.seed)
        striking = asyncio.create_task(nemesis.run())
        asking = [
            asyncio.create_task(driver.keep_on(n, possible[n % len(possible)]))
            for n in range(CALLERS)
        ]
        try:
            yield
        finally:
            self._board.set_odds(api=0.0, worker=0.0, drop=0.0)
            nemesis.stop()
            driver.stop()
            await striking
            await outside.behave(self._settings)
            await asyncio.gather(*asking)
            report.seconds = time.monotonic() - began

    async def _until_enough(self) -> None:
        options, began = self._options, time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if options.kills is not None and self._board.kills() >= options.kills:
                return
            if options.seconds is not None and time.monotonic() - began >= options.seconds:
                return

    def _conclude(
        self, report: Report, journal: Journal, subscribers: list[Subscriber], moving: list[Finding]
    ) -> None:
        seen: Counter[Any] = Counter()
        for one in subscribers:
            seen.update(one.seen)
        told = [*journal.findings, *(what for one in subscribers for what in one.findings)]
        report.findings += moving
        if told:
            report.findings.append(Finding("driver", "broken promises", len(told), told[:5]))
        if self._board.ends:
            what = "processes ended by themselves"
            report.findings.append(Finding("liveness", what, self._board.ends, []))
        report.set_aside = checker.set_aside(self._stage)
        report.deadlocks = self._stage.deadlocks()
        if report.deadlocks:
            report.findings.append(Finding("books", "deadlocks", report.deadlocks, []))
        report.findings += checker.examine(self._stage, journal.intents, seen)
        # What never came to rest is often only the trace of something worse.
        report.findings.sort(key=lambda one: one.area == "liveness")
        report.sums = checker.sums(self._stage)
        report.kills, report.harms = self._board.by_point(), self._board.harms()
        states = Counter(one.state for one in journal.intents)
        report.acked, report.refused = states["acked"], states["refused"]
        report.retries = sum(one.unknown for one in journal.intents)
        report.raced, report.altered = journal.raced, journal.altered
        report.events = sum(seen.values())
        if report.findings:
            report.kept = self._stage.keep(self._options.seed)


async def _until_ready(url: str) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:

        async def ready() -> bool:
            try:
                async with session.get(f"{url}/health/ready") as answer:
                    return answer.status == 200
            except (aiohttp.ClientError, OSError):
                return False

        await _until(ready)


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not await holds():
        if time.monotonic() > deadline:
            raise RuntimeError("what was started does not answer; see the chaos.log that was kept")
        await asyncio.sleep(_LOOK_SECONDS)


def fight(options: Options) -> Report:
    """Fork the nursery before anything starts a thread, then run the campaign."""
    stage = Stage.make()
    (stage.home / "log").mkdir(parents=True, exist_ok=True)
    board = Board(stage.folder / "kills")
    listeners = Listeners.open()
    nursery = Nursery(board, listeners, _log_of(stage))
    # As Ctrl-C: everything is ended in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    url = f"http://127.0.0.1:{listeners.ports()[0]}"
    return asyncio.run(Campaign(options, stage, board, nursery, listeners).run(url))


def _log_of(stage: Stage) -> Path:
    return stage.folder / "chaos.log"
