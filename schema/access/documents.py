"""Trusted documents, bound to `tenants.reads`: what front ends may run by id, or nothing else."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol

import strawberry

from domain.kernel.errors import Invalid, Refused
from schema.access.actors import Actor, find_actor
from schema.access.enums import TrustedDocumentPolicy
from schema.access.types import Brand
from schema.shared.bind import Info, Node, bound, computed, connection, fetch_below, field, value
from schema.shared.cost import TRUSTED_BUDGET
from schema.shared.documents import DocumentRefused, Documents
from schema.shared.errors import mutation, payload, result
from schema.shared.page import Connection, order_input
from tenants.trusted_documents import (
    TEXT_BYTES_MAX,
    Added,
    DocumentPlan,
    add_documents,
    document_id_of,
    remove_documents,
    set_document_policy,
    sha256_of,
)
from tenants.trusted_lists import TrustedLists
from tenants.values import DocumentPolicy
from tenants.work import WriteWork

DOCUMENTS_A_CALL = 200


class DocumentServices(Protocol):
    """What these mutations need of the application."""

    @property
    def trusted(self) -> TrustedLists: ...


class DocumentInvalid(Refused):
    """A text that this schema can't run, or that costs more than a trusted document may."""

    def __init__(self, message: str) -> None:
        super().__init__("DOCUMENT_INVALID", message)


def plan_of(documents: Documents, text: str) -> DocumentPlan:
    """What is kept of a text that may be trusted: parsed, validated and priced.

    Refusals: DOCUMENT_INVALID.
    """
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise DocumentInvalid(f"A trusted document has at most {TEXT_BYTES_MAX} bytes.")
    if "\0" in text:
        raise DocumentInvalid("NUL characters are not allowed.")
    try:
        measured = documents.make(text).cost
    except DocumentRefused as refused:
        raise DocumentInvalid(str(refused)) from None
    cost = measured.greatest()
    if cost > TRUSTED_BUDGET:
        raise DocumentInvalid(
            f"It costs {min(cost, 10**9)} points, more than the {TRUSTED_BUDGET} allowed."
        )
    return DocumentPlan(text, tuple(name for name in measured.operations if name), cost)


@bound(
    "trusted_document",
    "A document that the brand's front ends may run by its `documentId`, without sending it.",
    needs="trusted_documents:read",
)
class TrustedDocument(Node):
    document_id: str = computed(
        "What to send as `documentId`: `sha256:` and the SHA-256 of the text, in hex.",
        lambda record: document_id_of(record.sha256),
        reads=("sha256",),
    )
    text: str = value("The document.")
    operations: list[str] = computed(
        "The names of its operations; none for a single one without a name.",
        lambda record: record.operations.split(),
        reads=("operations",),
    )
    cost: int = value("The points of its dearest operation, with its variables' defaults.")
    added_at: datetime = value("When it was added.")

    @field("Who added it; null for whom you may not see.", reads=("added_by_kind", "added_by"))
    async def added_by(self, info: Info) -> Actor | None:
        record: Any = self
        found: Actor | None = await find_actor(info, record.added_by_kind, record.added_by)
        return found


TrustedDocumentOrder = order_input("TrustedDocument", {"ADDED_AT": "When it was added."})


@strawberry.input(description="A document to trust.")
class TrustedDocumentInput:
    text: str = strawberry.field(description="The document, exactly as its id was made from it.")
    document_id: str | None = strawberry.field(
        description="Its id, `sha256:…`, to be held against the text; worked out without it.",
        default=None,
    )


@strawberry.input(description="Documents to trust.")
class TrustedDocumentsAddInput:
    documents: list[TrustedDocumentInput] = strawberry.field(
        description=f"At most {DOCUMENTS_A_CALL}; those that are trusted already stay so."
    )


@strawberry.input(description="Documents to trust no longer.")
class TrustedDocumentsRemoveInput:
    document_ids: list[str] = strawberry.field(
        description=f"Their ids, `sha256:…`, at most {DOCUMENTS_A_CALL}; all go, or none."
    )


@strawberry.input(description="What the list of trusted documents is for.")
class TrustedDocumentPolicySetInput:
    policy: TrustedDocumentPolicy = strawberry.field(description="The policy.")
    reason: str = strawberry.field(description="Why, for the audit trail; 1 to 500 characters.")


_INVALID = {"INVALID": "A field's value can't be right; `path` says which."}
_NONE = {"DOCUMENTS_NONE": "ENFORCE with an empty list would let no client in."}


@payload(
    errors={
        "DOCUMENT_INVALID": "This API can't run the document at `path`, or it costs too much.",
        "DOCUMENT_ID_MISMATCH": "The id at `path` is not the SHA-256 of its text.",
        "DOCUMENTS_FULL": "The brand trusts as many documents as it may; remove old ones.",
        **_INVALID,
    }
)
class TrustedDocumentsAddPayload:
    trusted_documents: list[TrustedDocument] | None = result(
        "The documents that were sent, in their order, new or known."
    )
    added: int | None = result("How many of them are new.")


@payload(errors={"NOT_FOUND": "No trusted document has the id at `path`.", **_NONE, **_INVALID})
class TrustedDocumentsRemovePayload:
    removed: int | None = result("How many documents are trusted no longer.")


@payload(errors={**_NONE, **_INVALID})
class TrustedDocumentPolicySetPayload:
    brand: Brand | None = result("The brand as it is now.")


AddInput = Annotated[TrustedDocumentsAddInput, strawberry.argument(description="Which documents.")]
RemoveInput = Annotated[
    TrustedDocumentsRemoveInput, strawberry.argument(description="Which documents.")
]
PolicyInput = Annotated[
    TrustedDocumentPolicySetInput, strawberry.argument(description="What it is for, and why.")
]


@strawberry.type
class DocumentQueries:
    trusted_documents: Connection[TrustedDocument] = connection(
        "trusted_document",
        "The documents that the brand trusts its front ends with, newest first.",
        needs="trusted_documents:read",
        order=TrustedDocumentOrder,
    )


@strawberry.type
class DocumentMutations:
    @mutation(
        "Trust documents: each is parsed, validated and priced now. Every process runs them within "
        "2 seconds, by `documentId` or by their very text, where the brand's policy is not OFF.",
        needs="trusted_documents:manage",
    )
    async def trusted_documents_add(
        self, info: Info, input: AddInput
    ) -> TrustedDocumentsAddPayload:
        schema: Any = info.schema
        plans = await _plans(schema.documents, input.documents)

        async def command(work: WriteWork) -> Added:
            return await add_documents(work, plans)

        added = (await info.context.write(command)).value
        _forget(info)
        shown = await asyncio.gather(
            *(fetch_below(info, "trusted_documents", "trusted_document", one) for one in added.ids)
        )
        return TrustedDocumentsAddPayload(trusted_documents=list(shown), added=len(added.new))

    @mutation(
        "Trust documents no longer. Within 2 seconds nothing begins by them; a subscription that "
        "runs already goes on.",
        needs="trusted_documents:manage",
    )
    async def trusted_documents_remove(
        self, info: Info, input: RemoveInput
    ) -> TrustedDocumentsRemovePayload:
        _check_number(input.document_ids, "documentIds")

        async def command(work: WriteWork) -> int:
            return await remove_documents(work, input.document_ids)

        removed = (await info.context.write(command)).value
        _forget(info)
        return TrustedDocumentsRemovePayload(removed=removed)

    @mutation(
        "Say what the list of trusted documents is for. Every process goes by it within 2 seconds.",
        needs="trusted_documents:manage",
    )
    async def trusted_document_policy_set(
        self, info: Info, input: PolicyInput
    ) -> TrustedDocumentPolicySetPayload:
        policy = DocumentPolicy(str(input.policy.value))

        async def command(work: WriteWork) -> None:
            await set_document_policy(work, policy, input.reason)

        await info.context.write(command)
        _forget(info)
        shown = await fetch_below(info, "brand", "brand", info.context.scope.brand_id)
        return TrustedDocumentPolicySetPayload(brand=shown)


async def _plans(documents: Documents, given: Sequence[TrustedDocumentInput]) -> list[DocumentPlan]:
    """The documents of an input. Each takes its time, so that others get a turn between them."""
    _check_number(given, "documents")
    plans = []
    for at, one in enumerate(given):
        where = ("input", "documents", str(at))
        try:
            plans.append(plan_of(documents, one.text))
        except DocumentInvalid as invalid:
            invalid.path = (*where, "text")
            raise
        if one.document_id not in (None, document_id_of(sha256_of(one.text))):
            message = "This is not the SHA-256 of the text; send the text exactly as it was hashed."
            raise Refused("DOCUMENT_ID_MISMATCH", message, path=(*where, "documentId"))
        await asyncio.sleep(0)
    return plans


def _check_number(given: Sequence[object], name: str) -> None:
    if not 1 <= len(given) <= DOCUMENTS_A_CALL:
        message = f"Send 1 to {DOCUMENTS_A_CALL} documents a call."
        raise Invalid("INVALID", message, path=("input", name))


def _forget(info: Info) -> None:
    services: DocumentServices = info.context.services
    services.trusted.forget(info.context.scope.brand_id)
