"""The documents a brand trusts its front ends with, and what its list of them is for.

A document is named by the SHA-256 of its text, so that an id can never come to mean another text.
Whether a text may run at all is judged above this room, which knows the schema, before it is added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from re import compile as pattern
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, delete, func, literal, select, update

from domain.kernel.errors import NotFound, Refused
from tenants.bulk import insert_new
from tenants.log import Change
from tenants.refusals import InvalidField
from tenants.tables import brand_state, trusted_document
from tenants.values import DocumentPolicy
from tenants.work import WriteWork

DOCUMENTS_MAX: Final = 10_000
"""Of one brand: every serving process keeps their hashes, some 130 bytes each."""
TEXT_BYTES_MAX: Final = 65_536
REASON_MAX: Final = 500
_PREFIX: Final = "sha256:"
_ID = pattern(r"sha256:([0-9a-f]{64})")


class DocumentsFull(Refused):
    """The list is as long as it may be."""

    def __init__(self) -> None:
        message = f"A brand trusts at most {DOCUMENTS_MAX} documents; remove those of old releases."
        super().__init__("DOCUMENTS_FULL", message, path=("input", "documents"))


class NoDocuments(Refused):
    """With an empty list under ENFORCE no client could do anything, nor staff sign in."""

    def __init__(self, field: str) -> None:
        message = "ENFORCE needs at least one trusted document; add those of your front ends first."
        super().__init__("DOCUMENTS_NONE", message, path=("input", field))


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """A document that was found fit to run: its text, its operations' names, its greatest cost."""

    text: str
    operations: tuple[str, ...]
    cost: int

    @property
    def sha256(self) -> str:
        return sha256_of(self.text)


@dataclass(frozen=True, slots=True)
class Added:
    """The documents that were asked for, in their order, and which of them are new."""

    ids: tuple[UUID, ...]
    new: frozenset[UUID]


def sha256_of(text: str) -> str:
    """The hash that names a document, in hex."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def document_id_of(hash_: str) -> str:
    """A document's id as callers write it (GraphQL over HTTP, appendix A)."""
    return _PREFIX + hash_


def hash_of_id(document_id: str) -> str | None:
    """The hash in a document's id; None for what is no such id."""
    found = _ID.fullmatch(document_id)
    return found[1] if found else None


async def add_documents(work: WriteWork, plans: Sequence[DocumentPlan]) -> Added:
    """Trust these documents; those that are trusted already stay as they are.

    Refusals: DOCUMENTS_FULL. Effects: audit, a line for each new document; serving processes run
    them within 2 s.
    """
    await _locked(work)
    actor = work.scope.actor
    rows: list[dict[str, Any]] = [
        {
            "brand_id": work.scope.brand_id,
            "id": work.new_id(),
            "sha256": hash_,
            "text": plan.text,
            "operations": " ".join(plan.operations),
            "cost": plan.cost,
            "added_by_kind": actor.kind.value,
            "added_by": actor.id,
            "added_at": work.now(),
        }
        for hash_, plan in {plan.sha256: plan for plan in plans}.items()
    ]
    new = await insert_new(work, trusted_document, rows)
    if new:
        if await _count(work) > DOCUMENTS_MAX:
            raise DocumentsFull()
        await _move(work)
    for row in rows:
        if row["id"] in new:
            after = {"sha256": row["sha256"], "operations": row["operations"]}
            work.audit(_change("add", row["id"], after=after))
    known = {row.sha256: row.id for row in await _named(work, [row["sha256"] for row in rows])}
    return Added(tuple(known[plan.sha256] for plan in plans), frozenset(new))


async def remove_documents(work: WriteWork, document_ids: Sequence[str]) -> int:
    """Trust these documents no longer, all of them or none; how many there were.

    Refusals: NOT_FOUND, DOCUMENTS_NONE for the last one under ENFORCE. Effects: audit; no process
    begins an operation of them after 2 s. What runs already, such as a subscription, goes on.
    """
    state = await _locked(work)
    asked = [hash_of_id(one) for one in document_ids]
    known = await _named(work, [one for one in asked if one is not None])
    hashes = {row.sha256 for row in known}
    for at, one in enumerate(asked):
        if one not in hashes:
            raise NotFound("No such document.", path=("input", "documentIds", str(at)))
    if not known:
        return 0
    await work.rows(
        delete(trusted_document).where(
            trusted_document.c.brand_id == work.scope.brand_id,
            trusted_document.c.sha256 == any_(literal(sorted(hashes), ARRAY(Text))),
        )
    )
    if state.document_policy == DocumentPolicy.ENFORCE and not await _count(work):
        raise NoDocuments("documentIds")
    for row in known:
        before = {"sha256": row.sha256, "operations": row.operations}
        work.audit(_change("remove", row.id, before=before))
    await _move(work)
    return len(known)


async def set_document_policy(work: WriteWork, policy: DocumentPolicy, reason: str) -> None:
    """Say what the list is for, with a reason of 1 to 500 characters.

    Refusals: INVALID, DOCUMENTS_NONE. Effects: audit, unless it is so already; every process goes
    by it within 2 s.
    """
    told = reason.strip()
    if not 1 <= len(told) <= REASON_MAX:
        raise InvalidField("reason", f"Say why in 1 to {REASON_MAX} characters.")
    state = await _locked(work)
    if policy is DocumentPolicy.ENFORCE and not await _count(work):
        raise NoDocuments("policy")
    if policy == state.document_policy:
        return
    await _move(work, document_policy=policy.value)
    work.audit(
        Change(
            "brand.set_document_policy",
            object_kind="brand",
            object_id=work.scope.brand_id,
            before={"policy": state.document_policy},
            after={"policy": policy.value},
            reason=told,
        )
    )


def _change(verb: str, document_id: UUID, **values: Any) -> Change:
    kind = "trusted_document"
    return Change(f"{kind}.{verb}", object_kind=kind, object_id=document_id, **values)


async def _locked(work: WriteWork) -> Any:
    """The brand's state. Changes of one list come one after the other."""
    return await work.one(
        select(brand_state.c.document_policy)
        .where(brand_state.c.brand_id == work.scope.brand_id)
        .with_for_update()
    )


async def _move(work: WriteWork, **changed: str) -> None:
    await work.rows(
        update(brand_state)
        .where(brand_state.c.brand_id == work.scope.brand_id)
        .values(documents_version=brand_state.c.documents_version + 1, **changed)
    )


async def _count(work: WriteWork) -> int:
    counted = select(func.count().label("documents")).where(
        trusted_document.c.brand_id == work.scope.brand_id
    )
    return int((await work.one(counted)).documents)


async def _named(work: WriteWork, hashes: Sequence[str]) -> Sequence[Any]:
    return await work.rows(
        select(
            trusted_document.c.id, trusted_document.c.sha256, trusted_document.c.operations
        ).where(
            trusted_document.c.brand_id == work.scope.brand_id,
            trusted_document.c.sha256 == any_(literal(list(hashes), ARRAY(Text))),
        )
    )
