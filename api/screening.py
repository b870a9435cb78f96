"""What screening asks of the worker, and `backdesk sanctions import`."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from uuid import UUID

import structlog
from rich.console import Console
from rich.progress import Progress

from api.embedded.endpoints import Endpoints
from api.embedded.problems import SetupError
from api.rounds import each_brand
from api.worker import Worker
from domain.compliance.screening.commands.import_list import Imported, import_list
from domain.compliance.screening.commands.move_round import begin_round
from domain.compliance.screening.errors import ListOutdated
from domain.compliance.screening.jobs import CLIENTS, Lists, jobs_over
from domain.compliance.screening.list_files import (
    BYTES_MAX,
    ListMalformed,
    is_aliases,
    read_ofac,
    read_un,
    unpack,
)
from domain.compliance.screening.values import PublishedList, SanctionsList
from tenants import brands
from tenants.context import system_scope
from tenants.database import make_engine
from tenants.work import Database, WriteWork

_ROUND_EVERY_S = 15.0
_log = structlog.get_logger(__name__)


def register_screening(worker: Worker) -> None:
    """Screens who registers or takes another name, and everybody after an import."""
    worker.consumers.append(CLIENTS)
    worker.jobs.include(jobs_over(Lists()))

    async def begin(brand_id: UUID) -> None:
        if (await worker.database.write(system_scope(brand_id), begin_round)).value:
            _log.info("rescreening", brand=brand_id.hex)

    name = "screening"
    worker.every(_ROUND_EVERY_S, name, partial(each_brand, name, worker.database, begin))


def import_files(
    urls: Endpoints,
    files: Sequence[Path],
    *,
    code: SanctionsList,
    published_on: date | None,
    console: Console,
) -> None:
    """Import a list from the files its maker publishes, packed or not, and print what it named."""
    contents, digest = read_files(files)
    published = read_list(code, files, contents, published_on)
    done = asyncio.run(_import(urls, published, digest))
    told = "imported" if done.is_new else "imported before"
    counted = f"{done.entries:,} entries, {done.names:,} names"
    console.print(f"{told}: {code} of {published.published_on}, {counted}")


def read_files(files: Sequence[Path]) -> tuple[list[bytes], str]:
    """What is in a list's files, unpacked, and the digest of it all in whatever order."""
    contents = [_read(file) for file in files]
    digest = hashlib.sha256(b"".join(sorted(hashlib.sha256(one).digest() for one in contents)))
    return contents, digest.hexdigest()


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > BYTES_MAX:
            raise SetupError(f"{file} is over {BYTES_MAX:,} bytes", "name the published file")
        return unpack(file.read_bytes())
    except OSError as error:
        raise SetupError(f"{file} can't be read ({error.strerror})", "name a file") from None
    except ListMalformed as error:
        raise SetupError(f"{file} {error}", "download it again") from None


def read_list(
    code: SanctionsList, files: Sequence[Path], contents: Sequence[bytes], on: date | None
) -> PublishedList:
    """The list that is in its files' contents. `on` is the day it is of, unless it says so."""
    named = " and ".join(str(file) for file in files)
    try:
        if code is SanctionsList.OFAC:
            return _ofac(contents, on)
        if len(contents) != 1:
            raise SetupError(f"the UN list is one file, not {len(contents)}", "name its XML")
        published = read_un(contents[0])
    except ListMalformed as error:
        raise SetupError(f"{named} {error}", "download it again") from None
    if on not in (None, published.published_on):
        raise SetupError(
            f"{named} says it was published on {published.published_on}", "leave out --published"
        )
    return published


def _ofac(contents: Sequence[bytes], on: date | None) -> PublishedList:
    if on is None:
        raise SetupError("files of OFAC do not say their day", "add --published YYYY-MM-DD")
    if len(contents) != 2 or sum(is_aliases(one) for one in contents) != 1:
        raise SetupError("the OFAC list is two files", "name SDN.CSV and ALT.CSV")
    sdn, alt = sorted(contents, key=is_aliases)
    return read_ofac(sdn, alt, on)


async def _import(urls: Endpoints, published: PublishedList, digest: str) -> Imported:
    engine = make_engine(urls.url("owner", driver="asyncpg"), pool_size=1)
    try:
        database = Database(engine)
        known = (await brands.load(database)).by_slug
        if not known:
            raise SetupError("there is no brand yet", "found one first: backdesk demo")
        # Lists belong to no brand; a work always is one's.
        scope = system_scope(known[min(known)].id)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("importing", total=len(published.entries))

            async def command(work: WriteWork) -> Imported:
                progress.reset(bar)
                tick = partial(progress.advance, bar)
                return await import_list(work, published, digest=digest, tick=tick)

            return (await database.write(scope, command)).value
    except ListOutdated as error:
        raise SetupError(str(error), "import the newest list") from None
    finally:
        await engine.dispose()
