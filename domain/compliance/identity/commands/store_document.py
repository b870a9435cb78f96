"""Keep the bytes of a paper, sealed; once, and only if they are what was announced."""

from uuid import UUID

from sqlalchemy import insert, update

from domain.compliance.events import ComplianceEventKind, of_client
from domain.compliance.identity.papers import is_of_type
from domain.compliance.identity.secrets import content_place
from domain.compliance.identity.tables import kyc_document, kyc_document_content
from domain.compliance.identity.values import DocumentStatus, MediaType
from domain.kernel.errors import Conflict, Invalid
from tenants.log import Change
from tenants.secrets import Vault
from tenants.work import WriteWork


async def store_document(work: WriteWork, vault: Vault, document_id: UUID, content: bytes) -> None:
    """Store the bytes of an expected paper.

    Refusals: ALREADY_UPLOADED, SIZE_DIFFERS, TYPE_DIFFERS.
    Effects: event `document_stored`, audit.
    """
    row = await work.maybe(
        update(kyc_document)
        .where(
            kyc_document.c.brand_id == work.scope.brand_id,
            kyc_document.c.id == document_id,
            kyc_document.c.status == DocumentStatus.EXPECTED.value,
        )
        .values(
            status=DocumentStatus.STORED,
            stored_at=work.now(),
            digest=vault.digest(work.scope.brand_id, content),
        )
        .returning(kyc_document)
    )
    if row is None:
        raise Conflict("ALREADY_UPLOADED", "This link was used, or its document is gone.")
    if row.size != len(content):
        raise Invalid("SIZE_DIFFERS", f"{row.size} bytes were announced.")
    if not is_of_type(content, MediaType(row.media_type)):
        raise Invalid("TYPE_DIFFERS", f"These bytes are not {row.media_type}.")
    place = content_place(work.scope.brand_id, document_id)
    await work.rows(
        insert(kyc_document_content).values(
            brand_id=work.scope.brand_id,
            document_id=document_id,
            client_id=row.client_id,
            ib_path=row.ib_path,
            content_cipher=vault.seal(place, content),
        )
    )
    told = {"kind": row.kind}
    work.emit(of_client(ComplianceEventKind.DOCUMENT_STORED, row.client_id, document_id, told))
    work.audit(
        Change(
            "kyc_document.store",
            object_kind="kyc_document",
            object_id=document_id,
            after={"kind": row.kind, "size": row.size, "media_type": row.media_type},
        )
    )
