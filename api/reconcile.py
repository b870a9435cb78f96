"""`backdesk reconcile import`: a settlement file from a disk, of any size that a PSP writes."""

import asyncio
from pathlib import Path

from rich.console import Console

from api.embedded.endpoints import Endpoints
from api.embedded.problems import SetupError
from domain.payments.reconciliation.commands.import_settlement import Imported, import_settlement
from domain.payments.reconciliation.errors import SettlementMalformed
from domain.payments.reconciliation.queries import find_connection_named, find_settlement
from domain.payments.reconciliation.settlement_file import BYTES_MAX
from tenants import brands
from tenants.context import system_scope
from tenants.database import make_engine
from tenants.work import Database, WriteWork


def import_file(
    urls: Endpoints, file: Path, *, brand: str, connection: str, console: Console
) -> None:
    """Import a file for a brand's connection, both by name, and print what became of it."""
    try:
        if file.stat().st_size > BYTES_MAX:
            raise SetupError(f"{file} is over {BYTES_MAX} bytes", "split it by day")
        content = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SetupError(f"{file} can't be read ({error.strerror})", "name a file") from None
    except UnicodeDecodeError:
        raise SetupError(f"{file} is no UTF-8 text", "ask the PSP for one") from None
    asyncio.run(_import(urls, file.name, content, (brand, connection), console))


async def _import(
    urls: Endpoints, name: str, content: str, whose: tuple[str, str], console: Console
) -> None:
    engine = make_engine(urls.url("worker", driver="asyncpg"), pool_size=1)
    try:
        database = Database(engine)
        brand, connection = whose
        known = (await brands.load(database)).by_slug
        if brand not in known:
            raise SetupError(f"no brand is called {brand}", f"one of: {', '.join(sorted(known))}")
        scope = system_scope(known[brand].id)
        async with database.read(scope) as work:
            connection_id = await find_connection_named(work, connection)
        if connection_id is None:
            raise SetupError(f"{brand} has no connection called {connection}", "see the API")

        async def command(work: WriteWork) -> Imported:
            return await import_settlement(work, connection_id, name=name, content=content)

        try:
            done = (await database.write(scope, command)).value
        except SettlementMalformed as error:
            raise SetupError(error.message, "mend the file, or ask the PSP") from None
        async with database.read(scope) as work:
            row = await find_settlement(work, done.settlement_id)
    finally:
        await engine.dispose()
    told = "imported before" if done.replayed else "imported"
    console.print(f"{told}: {row.lines} lines, {row.matched} matched, {row.differing} differing")
