"""Keep the suffixes a client is found by in step with its row."""

from uuid import UUID

from sqlalchemy import delete, text

from domain.clients.events import Subject
from domain.clients.queries import lock_client
from domain.clients.search import entries
from domain.clients.tables import client_search
from tenants.work import WriteWork

# Some 130 rows in one statement whose text never changes.
_INSERT = text(
    "insert into client_search (brand_id, suffix, client_id, kind, ib_path) "
    "select :brand_id, found.suffix, :client_id, found.kind, :ib_path "
    "from unnest(cast(:suffixes as text[]), cast(:kinds as text[])) as found (suffix, kind)"
)


async def index_client(
    work: WriteWork, subject: Subject, *, name: str, email: str, phone: str | None
) -> None:
    """Store the suffixes of a client that has none."""
    found = sorted(entries(name, email, phone))
    await work.rows(
        _INSERT,
        {
            "brand_id": work.scope.brand_id,
            "client_id": subject.id,
            "ib_path": subject.ib_path,
            "suffixes": [suffix for _, suffix in found],
            "kinds": [kind.value for kind, _ in found],
        },
    )


async def forget_client(work: WriteWork, client_id: UUID) -> None:
    """Remove the suffixes of a client, before it is stored anew."""
    await work.rows(
        delete(client_search).where(
            client_search.c.brand_id == work.scope.brand_id,
            client_search.c.client_id == client_id,
        )
    )


async def reindex_client(work: WriteWork, client_id: UUID) -> None:
    """Store the suffixes of a client as it is now, whatever was stored before."""
    row = await lock_client(work, client_id)
    await forget_client(work, row.id)
    subject = Subject(row.id, row.ib_path)
    await index_client(work, subject, name=row.name, email=row.email, phone=row.phone)
