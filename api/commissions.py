"""What commissions ask of the worker; and `backdesk ibs replay`, which reckons them again."""

import asyncio
from functools import partial
from uuid import UUID

import structlog
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.embedded.endpoints import Endpoints
from api.embedded.problems import SetupError
from api.rounds import each_brand
from api.worker import Worker
from domain.clients.adapters.file_outbox import FileOutbox
from domain.ibs import jobs as ibs
from domain.ibs.commissions import rounds
from domain.ibs.commissions.consumers import ACCRUALS
from domain.ibs.commissions.replay import Replay, replay
from domain.kernel.money import from_minor
from tenants import brands
from tenants.database import make_engine
from tenants.work import Database

_MATURE_EVERY_S = 5.0
_RATES_EVERY_S = 60.0
_WAITING_EVERY_S = 15.0
_MONTHS_EVERY_S = 60.0
_SHOWN = 20
_log = structlog.get_logger(__name__)


def register_commissions(worker: Worker) -> None:
    """Deals are judged as they close; what they earned ripens, and months are closed. Invitations
    are mailed, and what a moved branch sees follows it."""
    worker.consumers.extend([ACCRUALS, ibs.FOLLOWING])
    worker.jobs.include(ibs.jobs_over(FileOutbox(worker.settings.home.outbox)))

    async def record_rates(database: Database, brand_id: UUID) -> int:
        return await rounds.record_rates(database, worker.platforms, brand_id)

    for seconds, name, run in (
        (_MATURE_EVERY_S, "commissions payable", rounds.mature),
        (_RATES_EVERY_S, "commission rates", record_rates),
        (_WAITING_EVERY_S, "deals without a rate", rounds.judge_waiting),
        (_MONTHS_EVERY_S, "commission statements", rounds.close_months),
    ):

        async def of_brand(brand_id: UUID, name: str = name, run: rounds.Round = run) -> None:
            count = await run(worker.database, brand_id)
            if count:
                _log.info("round_made", round=name, brand=brand_id.hex, count=count)

        worker.every(seconds, name, partial(each_brand, name, worker.database, of_brand))


def replay_commissions(urls: Endpoints, slug: str | None, console: Console) -> bool:
    """Replay one brand or all, as the role `worker`, and print what was found. True when equal."""
    return asyncio.run(_replay(urls, slug, console))


async def _replay(urls: Endpoints, slug: str | None, console: Console) -> bool:
    engine = make_engine(urls.url("worker", driver="asyncpg"), pool_size=1)
    try:
        database = Database(engine)
        known = (await brands.load(database)).by_slug
        if slug is not None and slug not in known:
            raise SetupError(f"no brand is called {slug}", f"one of: {', '.join(sorted(known))}")
        chosen = [known[name] for name in sorted(known) if slug in (None, name)]
        found = {brand.slug: await replay(database, brand.id) for brand in chosen}
    finally:
        await engine.dispose()
    _show(found, console)
    return all(one.is_equal for one in found.values())


def _show(found: dict[str, Replay], console: Console) -> None:
    table = Table(title="commissions reckoned again", box=None, padding=(0, 2, 0, 0))
    for heading in ("brand", "deals", "accruals", "reversals", "sum", "differences"):
        table.add_column(heading, justify="left" if heading == "brand" else "right")
    for slug, one in found.items():
        sums = ", ".join(
            f"{from_minor(minor, currency)} {currency}"
            for currency, minor in sorted(one.minor.items())
        )
        verdict = f"[red]{len(one.differences)}[/]" if one.differences else "[green]none[/]"
        counts = (str(n) for n in (one.deals, one.accruals, one.reversals))
        table.add_row(Text(slug), *counts, sums or "–", verdict)
    console.print(table)
    for slug, one in found.items():
        for each in one.differences[:_SHOWN]:
            deal = "" if each.deal_id is None else f" deal_{each.deal_id.hex}"
            line = f"{slug}:{deal} {each.what}: stored {each.stored}, reckoned {each.reckoned}"
            console.print(Text(line), soft_wrap=True)
        if len(one.differences) > _SHOWN:
            console.print(Text(f"{slug}: and {len(one.differences) - _SHOWN} more"))
