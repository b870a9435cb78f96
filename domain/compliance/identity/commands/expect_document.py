"""Say that a paper is about to be uploaded; its bytes come by a link of their own."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert

from domain.clients.standing import find_standing, lock_client
from domain.clients.values import ClientStatus
from domain.compliance.identity.papers import FILE_BYTES_MAX, check_name
from domain.compliance.identity.queries import list_documents
from domain.compliance.identity.tables import kyc_document
from domain.compliance.identity.values import DocumentKind, DocumentStatus, MediaType
from domain.kernel.errors import Invalid, NotFound, Refused
from tenants.context import ActorKind
from tenants.work import WriteWork

UNUSED_MAX = 20
"""How many papers of a client may lie there that no case uses."""


@dataclass(frozen=True, slots=True)
class PaperWish:
    """A file to come: what it shows, how it is called, its type and its exact size in bytes."""

    client_id: UUID
    kind: DocumentKind
    name: str
    media_type: MediaType
    size: int
    issued_on: date | None = field(default=None, kw_only=True)
    expires_on: date | None = field(default=None, kw_only=True)


async def expect_document(work: WriteWork, wish: PaperWish) -> UUID:
    """Expect a paper of a client; its id.

    Refusals: NOT_FOUND, CLIENT_CLOSED, INVALID (name, size, dates), UPLOAD_LIMIT.
    """
    await lock_client(work, wish.client_id)
    standing = await find_standing(work, wish.client_id)
    if standing is None:
        raise NotFound(path=("input", "clientId"))
    if standing.status is ClientStatus.CLOSED:
        raise Refused("CLIENT_CLOSED", "This client is closed.")
    name = check_name(wish.name)
    if not 1 <= wish.size <= FILE_BYTES_MAX:
        message = f"A file has 1 to {FILE_BYTES_MAX} bytes."
        raise Invalid("INVALID", message, path=("input", "size"))
    today = work.now().date()
    if wish.issued_on is not None and wish.issued_on > today:
        raise Invalid("INVALID", "It can't be of the future.", path=("input", "issuedOn"))
    if wish.expires_on is not None and wish.expires_on < today:
        raise Invalid("INVALID", "It has expired.", path=("input", "expiresOn"))
    await _make_room(work, wish.client_id)
    document_id = work.new_id()
    await work.rows(
        insert(kyc_document).values(
            brand_id=work.scope.brand_id,
            id=document_id,
            client_id=standing.id,
            ib_path=standing.ib_path,
            kind=wish.kind,
            name=name,
            media_type=wish.media_type,
            size=wish.size,
            status=DocumentStatus.EXPECTED,
            issued_on=wish.issued_on,
            expires_on=wish.expires_on,
            maker_ids=_makers(work),
            created_at=work.now(),
        )
    )
    return document_id


def _makers(work: WriteWork) -> list[UUID]:
    """Who brings it, if that is somebody who could decide on it."""
    actor = work.scope.actor
    return [actor.id] if actor.kind is not ActorKind.CLIENT and actor.id is not None else []


async def _make_room(work: WriteWork, client_id: UUID) -> None:
    """Refusals: UPLOAD_LIMIT."""
    rows: list[Any] = [one for one in await list_documents(work, client_id) if one.case_id is None]
    if len(rows) >= UNUSED_MAX:
        raise Refused(
            "UPLOAD_LIMIT", f"At most {UNUSED_MAX} documents may wait; submit a case with them."
        )


async def forget_documents(work: WriteWork, *, before: Any) -> int:
    """Drop papers that were expected before an instant and never came; how many."""
    rows = await work.rows(
        delete(kyc_document)
        .where(
            kyc_document.c.brand_id == work.scope.brand_id,
            kyc_document.c.status == DocumentStatus.EXPECTED.value,
            kyc_document.c.created_at < before,
        )
        .returning(kyc_document.c.id)
    )
    return len(rows)
