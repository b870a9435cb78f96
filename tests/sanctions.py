"""Lists for tests. They belong to no brand, so that each import takes a day after all others'."""

import itertools
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.compliance.screening.commands.import_list import Imported, import_list
from domain.compliance.screening.tables import sanctions_entry, screening_hit
from domain.compliance.screening.values import (
    Disposition,
    Entry,
    HitStrength,
    ListedKind,
    ListedName,
    NameKind,
    PublishedList,
    SanctionsList,
)
from domain.kernel.ids import new_uuid
from tenants.context import system_scope
from tenants.work import Database, WriteWork
from tests.factories import Brand, Client, Factory

_days = itertools.count()


def new_day() -> date:
    """A day after that of every list there is."""
    return date(2100, 1, 1) + timedelta(days=next(_days))


def new_word() -> str:
    """A name that nobody has."""
    return "".join("abdegiklmnoprstu"[int(digit, 16)] for digit in new_uuid().hex[-12:])


def entry(ref: str, *names: str) -> Entry:
    listed = [ListedName(name, NameKind.ALIAS) for name in names]
    return Entry(ref, ListedKind.INDIVIDUAL, "Test", "", tuple(listed))


def published(*entries: Entry, day: date | None = None) -> PublishedList:
    return PublishedList(SanctionsList.UN, day or new_day(), entries)


async def take(owner: AsyncEngine, brand: Brand, whole: PublishedList) -> Imported:
    """Import a list as `backdesk sanctions import` does."""
    ticks: list[int] = []

    async def command(work: WriteWork) -> Imported:
        return await import_list(work, whole, digest=repr(whole.entries), tick=ticks.append)

    done = (await Database(owner).write(system_scope(brand.id), command)).value
    assert sum(ticks) == (len(whole.entries) if done.is_new else 0)
    return done


def listed(make: Factory, brand: Brand, *, mark: str = "") -> UUID:
    """An entry that no version of a list names any more."""
    key, day = new_uuid(), date(2000, 1, 1)
    row = {"id": key, "list": SanctionsList.OFAC, "ref": key.hex, "kind": ListedKind.UNKNOWN,
           "program": mark, "remarks": mark, "first_on": day, "last_on": day}  # fmt: skip
    make.run(brand, insert(sanctions_entry).values(**row))
    return key


def hit(make: Factory, brand: Brand, one: Client, **columns: object) -> UUID:
    """A hit of a client's name, open and strong unless said otherwise."""
    key = new_uuid()
    row = {
        "id": key, "client_id": one.id, "version": 1, "client_name": one.name,
        "listed_name": "Velmir Dargov", "score": 100, "strength": HitStrength.STRONG,
        "disposition": Disposition.OPEN, "opened_at": datetime.now(UTC),
    } | columns  # fmt: skip
    make.insert(screening_hit, brand, entry_id=listed(make, brand), **row)
    return key


def put(make: Factory, brand: Brand, hit_id: UUID, disposition: Disposition) -> None:
    """Decide about a hit without asking anybody."""
    changed = update(screening_hit).where(screening_hit.c.id == hit_id)
    make.run(brand, changed.values(disposition=disposition))
