"""Inputs of identity, and how its lists are narrowed."""

from datetime import date

import strawberry

from schema.compliance.enums import KycCaseStatus, KycDecision, KycDocumentKind
from schema.shared.page import (
    Choice,
    DateTimeFilter,
    IdFilter,
    TextFilter,
    condition,
    order_input,
)
from schema.shared.scalars import URL


@strawberry.input(description="Which proofs to list; all conditions hold.")
class KycCaseFilter:
    status: Choice[KycCaseStatus] | None = condition("Where it stands.")
    requirement: TextFilter | None = condition("What is proven, such as `IDENTITY`.")
    client_id: IdFilter | None = condition("Whose it is.", id_of="client")
    created_at: DateTimeFilter | None = condition("When it was begun.")
    reference: TextFilter | None = condition("The number to quote.")


KycCaseOrder = order_input("KycCase", {"CREATED_AT": "When it was begun."})


@strawberry.input(description="A file that is about to be uploaded.")
class FileUploadCreateInput:
    client_id: strawberry.ID | None = strawberry.field(
        description="Whose document; your own when you are the client and leave it out.",
        default=None,
    )
    kind: KycDocumentKind = strawberry.field(description="What it is.")
    name: str = strawberry.field(description="The name of the file, 1 to 120 characters.")
    media_type: str = strawberry.field(
        description="`application/pdf`, `image/jpeg` or `image/png`; the bytes must be of it."
    )
    size: int = strawberry.field(description="Its exact size in bytes, at most 10 MiB.")
    issued_on: date | None = strawberry.field(
        description="When it was issued; some requirements ask for it.", default=None
    )
    expires_on: date | None = strawberry.field(
        description="Its last day, for documents that have one.", default=None
    )


@strawberry.input(description="A proof to begin, or to go on with.")
class KycCaseSubmitInput:
    client_id: strawberry.ID | None = strawberry.field(
        description="Whose proof; your own when you are the client and leave it out.", default=None
    )
    requirement: str = strawberry.field(
        description="What to prove: the `code` of something `Client.kyc.missing` lists."
    )
    return_url: URL | None = strawberry.field(
        description="Where the vendor sends the client back: a page of the brand, with the id of "
        "the case as `case` in its query. For `VENDOR`.",
        default=None,
    )
    document_ids: list[strawberry.ID] = strawberry.field(
        description="Documents that were uploaded, at most 10. For `DOCUMENTS`.",
        default_factory=list,
    )


@strawberry.input(description="A decision about a proof.")
class KycCaseDecideInput:
    case_id: strawberry.ID = strawberry.field(description="The proof.")
    expected_version: int = strawberry.field(
        description="The `version` that was read; another one is a `VERSION_CONFLICT`."
    )
    decision: KycDecision = strawberry.field(description="What is decided.")
    reason: str = strawberry.field(description="Why, for the file; 1 to 500 characters.")
    client_message: str | None = strawberry.field(
        description="What the client is told; 1 to 500 characters.", default=None
    )


@strawberry.input(description="A second person's word on what is proposed.")
class KycCaseReviewInput:
    case_id: strawberry.ID = strawberry.field(description="The proof.")
    expected_version: int = strawberry.field(
        description="The `version` that was read; another one is a `VERSION_CONFLICT`."
    )
    confirm: bool = strawberry.field(description="Whether you agree.")
    reason: str = strawberry.field(description="Why, for the file; 1 to 500 characters.")
