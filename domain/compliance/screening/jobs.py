"""Screen a client that registered or took another name, and every client after an import.

The index over all names takes seconds to make: a process keeps it until lists are imported. It is
made and asked beside the loop, which goes on meanwhile.
"""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.clients.events import TOPIC, ClientEventKind
from domain.compliance.screening.commands.move_round import (
    QUEUE,
    RESCREEN,
    Place,
    move_round,
)
from domain.compliance.screening.commands.record_matches import record_matches
from domain.compliance.screening.matcher import Matcher
from domain.compliance.screening.queries import find_name, list_names, lists_number, next_clients
from domain.compliance.screening.values import Match
from domain.events.consumers import Consumer
from domain.events.jobs import JobRegistry, JobRun, defer
from domain.events.values import EventRow
from tenants.context import NO_BRAND, system_scope
from tenants.work import Database, WriteWork

SCREEN = "screening.client"
PAGE = 200
_REGISTERED = ClientEventKind.REGISTERED.value
_CHANGED = ClientEventKind.PROFILE_CHANGED.value


@dataclass(frozen=True, slots=True)
class Loaded:
    """Lists up to an import, ready to be asked; without names nothing is ever found."""

    number: int
    matcher: Matcher


class Lists:
    """The lists of this process, made anew when there is another import."""

    def __init__(self) -> None:
        self._loaded: Loaded | None = None
        self._loading = asyncio.Lock()

    async def current(self, database: Database) -> Loaded:
        """The newest lists. The index is made beside the loop."""
        async with self._loading:
            async with database.read(system_scope(NO_BRAND)) as work:
                number = await lists_number(work)
                if self._loaded is not None and self._loaded.number == number:
                    return self._loaded
                names = [(row.entry_id, row.name) for row in await list_names(work)]
            self._loaded = Loaded(number, await asyncio.to_thread(Matcher, names))
            return self._loaded


async def screen_client(run: JobRun, lists: Lists, client_id: UUID) -> None:
    """Match the name a client has now, and write down what was found."""
    while True:
        async with run.database.read(run.scope) as work:
            name = await find_name(work, client_id)
        if name is None:
            return
        matcher = (await lists.current(run.database)).matcher
        matches = await asyncio.to_thread(matcher.find, name)
        if await _record(run, client_id, name, matches):
            return


async def _record(run: JobRun, client_id: UUID, name: str, matches: list[Match]) -> bool:
    async def command(work: WriteWork) -> bool:
        return await record_matches(work, client_id, name, matches)

    return (await run.database.write(run.scope, command)).value


async def screen_page(run: JobRun, lists: Lists, place: Place) -> None:
    """Screen the next page of a brand's clients; the job of the page after it is put at its end.

    What was screened twice, because a job ran twice, is found once.
    """
    matcher = (await lists.current(run.database)).matcher
    async with run.database.read(run.scope) as work:
        clients = await next_clients(work, place.after, PAGE)
    for client_id, name in clients:
        matches = await asyncio.to_thread(matcher.find, name)
        if matches and not await _record(run, client_id, name, matches):
            await screen_client(run, lists, client_id)
    last = clients[-1][0] if clients else None

    async def command(work: WriteWork) -> bool:
        return await move_round(work, place, last=last, count=len(clients))

    await run.database.write(run.scope, command)


def jobs_over(lists: Lists) -> JobRegistry:
    """The jobs of screening, over the lists of this process."""
    registry = JobRegistry()

    @registry.job(SCREEN, queue=QUEUE, seconds=120)
    async def screen(run: JobRun, args: dict[str, Any]) -> None:
        await screen_client(run, lists, UUID(args["client_id"]))

    @registry.job(RESCREEN, queue=QUEUE, seconds=300)
    async def rescreen(run: JobRun, args: dict[str, Any]) -> None:
        after = args["after"]
        await screen_page(run, lists, Place(args["lists"], None if after is None else UUID(after)))

    return registry


async def _defer(work: WriteWork, event: EventRow) -> None:
    is_named = event.kind == _REGISTERED or "name" in event.payload.get("fields", ())
    if event.client_id is not None and is_named:
        args = {"client_id": str(event.client_id)}
        await defer(work, SCREEN, args, key=str(event.seq), queue=QUEUE)


CLIENTS = Consumer(
    "screening.clients", frozenset({TOPIC}), _defer, kinds=frozenset({_REGISTERED, _CHANGED})
)
