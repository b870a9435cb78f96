"""What each context asks of the worker: consumers, jobs, streams to read, rounds to make."""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import structlog

from api.commissions import register_commissions
from api.kyc import register_identity
from api.leads import register_leads
from api.payments import register_payments
from api.platforms import Platforms
from api.rounds import each_brand
from api.screening import register_screening
from api.worker import Register, Run, Worker
from domain.accounts import jobs as accounts
from domain.accounts.commands.forget_points import forget_points
from domain.accounts.consumers import WISHES
from domain.accounts.queries import list_servers
from domain.accounts.reader import StreamReader
from domain.challenges.engine import Engine
from domain.clients import jobs as clients
from domain.clients.adapters.file_outbox import FileOutbox
from tenants import throttle
from tenants.context import NO_BRAND, system_scope
from tenants.seal import Sealer
from tenants.secrets import Vault
from tenants.singleton import only_one

_log = structlog.get_logger(__name__)
_NEW_SERVERS_EVERY_S = 5.0
_SEAL_EVERY_S = 1.0
_READ_AGAIN_S = 1.0
_RESUME_EVERY_S = 60.0
_SWEEP_EVERY_S = 3600.0


def register_clients(worker: Worker) -> None:
    """Mails to clients, into the home's outbox, and the search for them."""
    worker.consumers.append(clients.MAILS)
    worker.consumers.append(clients.SEARCH)
    worker.jobs.include(clients.jobs_over(FileOutbox(worker.settings.home.outbox)))


def register_accounts(worker: Worker) -> None:
    """Requests to platforms, and one reader for each platform's stream."""
    platforms, vault = worker.platforms, Vault(worker.settings.home.secrets().master_key)
    worker.consumers.extend([accounts.REQUESTS, WISHES])
    worker.jobs.include(accounts.jobs_over(platforms, vault))
    worker.forever("platform streams", lambda: _read_streams(worker, platforms))


def register_audit(worker: Worker) -> None:
    """The chain over the audit trail."""
    sealer = Sealer(worker.database)

    async def seal() -> None:
        await sealer.round()

    worker.every(_SEAL_EVERY_S, "audit sealer", seal)


async def _read_streams(worker: Worker, platforms: Platforms) -> None:
    """Keep one reader per server; servers added later are met within seconds."""
    async with asyncio.TaskGroup() as group:
        known: set[UUID] = set()
        while True:
            async with worker.database.read(system_scope(NO_BRAND)) as work:
                servers = await list_servers(work)
            for server in servers:
                platform = platforms.connect(server)
                if server.id not in known:
                    known.add(server.id)
                    engine = Engine(server.id, worker.database)
                    reader = StreamReader(
                        server, platform, worker.database, worker.states, sinks=(engine,)
                    )
                    reads = (reader.run, engine.run)
                    group.create_task(_keep_reading(worker.url, server.id, reads))
            await asyncio.sleep(_NEW_SERVERS_EVERY_S)


async def _keep_reading(url: str, server_id: UUID, runs: Sequence[Run]) -> None:
    """Read for ever; what stops one server's reader stops no other's."""
    while True:
        try:
            await _read_alone(url, server_id, runs)
        except Exception as error:  # the loop of a process: a bug in one reader ends no other
            _log.error("reader_failed", server=server_id.hex, error=repr(error), exc_info=True)
        await asyncio.sleep(_READ_AGAIN_S)


async def _read_alone(url: str, server_id: UUID, runs: Sequence[Run]) -> None:
    """Read, and judge what is read, while this process is the only reader; ends when the right
    does, or one of both."""
    async with only_one(url, f"stream:{server_id.hex}") as held:
        lost = asyncio.Event()
        held.add_termination_listener(lambda _connection: lost.set())
        tasks: list[asyncio.Future[object]] = [asyncio.ensure_future(run()) for run in runs]
        tasks.append(asyncio.ensure_future(lost.wait()))
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
            _log.warning("turn_lost", server=server_id.hex)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def register_rounds(worker: Worker) -> None:
    """Rounds over all brands: requests that are stuck, and rows that have had their time."""

    async def resume(brand_id: UUID) -> None:
        resumed = await accounts.resume_requests(worker.database, brand_id)
        if resumed:
            _log.warning("requests_resumed", brand=brand_id.hex, count=resumed)

    async def sweep(brand_id: UUID) -> None:
        await worker.database.write(system_scope(brand_id), throttle.sweep)
        await worker.database.write(system_scope(brand_id), forget_points)

    database = worker.database
    for seconds, name, run in (
        (_RESUME_EVERY_S, "stuck requests", resume),
        (_SWEEP_EVERY_S, "sweep", sweep),
    ):
        worker.every(seconds, name, partial(each_brand, name, database, run))


REGISTRATIONS: tuple[Register, ...] = (
    register_clients,
    register_leads,
    register_identity,
    register_screening,
    register_accounts,
    register_payments,
    register_commissions,
    register_audit,
    register_rounds,
)
