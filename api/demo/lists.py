"""The sanctions lists of the demo: those whose files lie beside the checkout, or none.

The UN list says its day itself. OFAC's files do not: beside it they count as of the same day, and
alone they are left to `backdesk sanctions import`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from api.screening import read_files, read_list
from domain.compliance.screening.commands.import_list import import_list
from domain.compliance.screening.errors import ListOutdated
from domain.compliance.screening.queries import list_versions
from domain.compliance.screening.values import PublishedList, SanctionsList
from tenants.context import NO_BRAND, system_scope
from tenants.work import Database, WriteWork

_LISTS = ((SanctionsList.UN, ("un-*.xml*",)), (SanctionsList.OFAC, ("ofac-sdn*", "ofac-alt*")))
_SCOPE = system_scope(NO_BRAND)


async def seed_lists(
    database: Database, folder: Path | None, say: Callable[[str], None]
) -> list[str]:
    """Import the newest lists of a folder, once; what names are screened with from now on.

    Lists that were imported by hand stay when they are newer.
    """
    if folder is not None:
        for published, digest in await _unknown(database, folder):
            say(f"  {len(published.entries):,} entries of the {published.code} list")
            await _take_over(database, published, digest)
    async with database.read(_SCOPE) as work:
        versions = await list_versions(work)
    newest = {row.list: row for row in sorted(versions, key=lambda row: row.published_on)}
    return [f"{code} of {row.published_on}" for code, row in sorted(newest.items())]


async def _unknown(database: Database, folder: Path) -> list[tuple[PublishedList, str]]:
    """The lists whose files' content was never imported. Reading them takes a second."""
    async with database.read(_SCOPE) as work:
        known = {row.digest: row.published_on for row in await list_versions(work)}
    return await asyncio.to_thread(_read, folder, known)


def _read(folder: Path, known: Mapping[str, date]) -> list[tuple[PublishedList, str]]:
    found: list[tuple[PublishedList, str]] = []
    on: date | None = None
    for code, patterns in _LISTS:
        files = _newest(folder, patterns)
        if not files or (code is SanctionsList.OFAC and on is None):
            continue
        contents, digest = read_files(files)
        if digest in known:
            on = known[digest]
            continue
        published = read_list(code, files, contents, on if code is SanctionsList.OFAC else None)
        on = published.published_on
        found.append((published, digest))
    return found


def _newest(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """A file for each pattern, the last by its name; none when one is missing."""
    files = [max(folder.glob(one), default=None) for one in patterns]
    return [one for one in files if one is not None] if all(files) else []


async def _take_over(database: Database, published: PublishedList, digest: str) -> None:
    async def command(work: WriteWork) -> None:
        await import_list(work, published, digest=digest, tick=lambda _: None)

    with suppress(ListOutdated):
        await database.write(_SCOPE, command)
