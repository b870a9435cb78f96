"""Open the bytes of a paper; who looked stands in the audit trail."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from domain.clients.standing import find_standing
from domain.compliance.identity.queries import find_document
from domain.compliance.identity.secrets import content_place
from domain.compliance.identity.tables import kyc_document_content
from domain.compliance.identity.values import DocumentStatus
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.secrets import Vault
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class Paper:
    """A file as it came."""

    content: bytes
    media_type: str


async def read_document(work: WriteWork, vault: Vault, document_id: UUID) -> Paper:
    """The bytes of a stored paper of a client in reach. Refusals: NOT_FOUND. Effects: audit."""
    row = await find_document(work, document_id)
    if row is None or row.status != DocumentStatus.STORED:
        raise NotFound()
    if await find_standing(work, row.client_id) is None:
        raise NotFound()
    kept = await work.one(
        select(kyc_document_content.c.content_cipher).where(
            kyc_document_content.c.brand_id == work.scope.brand_id,
            kyc_document_content.c.document_id == document_id,
        )
    )
    place = content_place(work.scope.brand_id, document_id)
    content = vault.open(place, kept.content_cipher)
    work.audit(Change("kyc_document.read", object_kind="kyc_document", object_id=document_id))
    return Paper(content, row.media_type)
