"""Take a published list over: what is new is added, what stands on it is brought up to date."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from domain.compliance.screening.errors import ListOutdated
from domain.compliance.screening.queries import (
    known_entries,
    lists_number,
    newest_version,
    version_of,
)
from domain.compliance.screening.tables import sanctions_version
from domain.compliance.screening.values import Entry, PublishedList
from tenants.work import WriteWork

_CHUNK = 1_000
_ENTRIES = text(
    "insert into sanctions_entry (id, list, ref, kind, program, remarks, first_on, last_on)"
    " select e.id, :list, e.ref, e.kind, e.program, e.remarks, :on, :on from unnest("
    "  cast(:ids as uuid[]), cast(:refs as text[]), cast(:kinds as text[]),"
    "  cast(:programs as text[]), cast(:remarks as text[])) as e(id, ref, kind, program, remarks)"
    " on conflict (list, ref) do update set kind = excluded.kind, program = excluded.program,"
    "  remarks = excluded.remarks, last_on = excluded.last_on"
)
_FORGET = text("delete from sanctions_name where entry_id = any(cast(:ids as uuid[]))")
_NAMES = text(
    "insert into sanctions_name (entry_id, position, kind, name)"
    " select n.entry_id, n.position, n.kind, n.name from unnest(cast(:ids as uuid[]),"
    "  cast(:positions as int[]), cast(:kinds as text[]), cast(:names as text[]))"
    "  as n(entry_id, position, kind, name)"
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a list; `is_new` is False when just this was imported before."""

    is_new: bool
    entries: int
    names: int


async def import_list(
    work: WriteWork, published: PublishedList, *, digest: str, tick: Callable[[int], object]
) -> Imported:
    """Store a version of a list and make it the one that is screened with. For the owner.

    The same content again changes nothing; other content of the same day replaces that day's.
    Entries that are not on it any more stay, and are not screened with. `tick` is told how many
    entries more are done. Raises ListOutdated when a newer version is imported.
    """
    newest = await newest_version(work, published.code)
    if newest is not None and newest.published_on > published.published_on:
        raise ListOutdated(newest.published_on)
    same = await version_of(work, published.code, published.published_on)
    if same is not None and same.digest == digest:
        return Imported(False, same.entries, same.names)
    if same is not None:
        await _withdraw(work, published)
    known = await known_entries(work, published.code)
    for entries in _chunks(published.entries):
        await _store(work, published, [(known.get(one.ref, work.new_id()), one) for one in entries])
        tick(len(entries))
    await _note(work, published, digest)
    return Imported(True, len(published.entries), published.name_count)


async def _withdraw(work: WriteWork, published: PublishedList) -> None:
    """What the same day's earlier content named is on the list only if the new content says so."""
    await work.rows(
        text(
            "update sanctions_entry set last_on = last_on - 1 where list = :list and last_on = :on"
        ),
        {"list": published.code, "on": published.published_on},
    )


async def _store(
    work: WriteWork, published: PublishedList, keyed: Sequence[tuple[UUID, Entry]]
) -> None:
    ids = [key for key, _ in keyed]
    await work.rows(
        _ENTRIES,
        {
            "list": published.code,
            "on": published.published_on,
            "ids": ids,
            "refs": [one.ref for _, one in keyed],
            "kinds": [one.kind for _, one in keyed],
            "programs": [one.program for _, one in keyed],
            "remarks": [one.remarks for _, one in keyed],
        },
    )
    await work.rows(_FORGET, {"ids": ids})
    await work.rows(_NAMES, _columns(keyed))


def _columns(keyed: Sequence[tuple[UUID, Entry]]) -> Mapping[str, list[Any]]:
    rows = [(key, n, name) for key, one in keyed for n, name in enumerate(one.names)]
    return {
        "ids": [key for key, _, _ in rows],
        "positions": [n for _, n, _ in rows],
        "kinds": [name.kind for _, _, name in rows],
        "names": [name.text for _, _, name in rows],
    }


async def _note(work: WriteWork, published: PublishedList, digest: str) -> None:
    values = {
        "number": await lists_number(work) + 1,
        "digest": digest,
        "entries": len(published.entries),
        "names": published.name_count,
        "imported_at": work.now(),
    }
    key = {"list": published.code, "published_on": published.published_on}
    made = insert(sanctions_version).values(**key, **values)
    changed = {name: made.excluded[name] for name in values}
    await work.rows(made.on_conflict_do_update(index_elements=list(key), set_=changed))


def _chunks(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), _CHUNK):
        yield entries[start : start + _CHUNK]
