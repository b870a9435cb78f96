"""Keep the suffixes a client is found by in step with its row."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, any_, delete, literal, text

from domain.clients.events import Subject
from domain.clients.queries import lock_clients
from domain.clients.search import entries
from domain.clients.tables import client_search
from tenants.work import WriteWork

# Some 130 rows a client in one statement whose text never changes.
_INSERT = text(
    "insert into client_search (brand_id, suffix, client_id, kind, ib_path) "
    "select :brand_id, found.suffix, found.client_id, found.kind, found.ib_path "
    "from unnest(cast(:suffixes as text[]), cast(:client_ids as uuid[]), cast(:kinds as text[]), "
    "cast(:ib_paths as text[])) as found (suffix, client_id, kind, ib_path)"
)
_Found = tuple[str, UUID, str, str]


async def index_client(
    work: WriteWork, subject: Subject, *, name: str, email: str, phone: str | None
) -> None:
    """Store the suffixes of a client that has none."""
    await _store(work, _suffixes(subject, name, email, phone))


def _suffixes(subject: Subject, name: str, email: str, phone: str | None) -> list[_Found]:
    return [
        (suffix, subject.id, kind.value, subject.ib_path)
        for kind, suffix in sorted(entries(name, email, phone))
    ]


async def _store(work: WriteWork, found: Sequence[_Found]) -> None:
    suffixes, client_ids, kinds, ib_paths = zip(*found, strict=True)
    await work.rows(
        _INSERT,
        {
            "brand_id": work.scope.brand_id,
            "suffixes": list(suffixes),
            "client_ids": list(client_ids),
            "kinds": list(kinds),
            "ib_paths": list(ib_paths),
        },
    )


async def forget_client(work: WriteWork, client_id: UUID) -> None:
    """Remove the suffixes of a client, before it is stored anew."""
    await _forget(work, [client_id])


async def _forget(work: WriteWork, client_ids: Sequence[UUID]) -> None:
    wanted = literal(client_ids, ARRAY(client_search.c.client_id.type))
    await work.rows(
        delete(client_search).where(
            client_search.c.brand_id == work.scope.brand_id,
            client_search.c.client_id == any_(wanted),
        )
    )


async def reindex_client(work: WriteWork, client_id: UUID) -> None:
    """Store the suffixes of a client as it is now, whatever was stored before."""
    await reindex_clients(work, [client_id])


async def reindex_clients(work: WriteWork, client_ids: Iterable[UUID]) -> None:
    """The same of many clients, in three statements."""
    rows = await lock_clients(work, client_ids)
    await _forget(work, [row.id for row in rows])
    found = [
        each
        for row in rows
        for each in _suffixes(Subject(row.id, row.ib_path), row.name, row.email, row.phone)
    ]
    if found:
        await _store(work, found)
