"""Which document an operation means, and whether the brand trusts it.

A trusted document is asked for by its id, or by its very text. It is read and prepared once for
this process and kept beside the others, so that no stranger's texts can push it out. Where the
brand enforces its list, whoever is no staff runs nothing else; that is said before a text is read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from graphql import GraphQLError

from api.graphql.errors import EdgeRefusal
from api.graphql.parameters import Parameters
from domain.kernel.errors import Unavailable
from schema.shared.documents import DocumentRefused, Documents, Kept, Prepared
from tenants.context import ActorKind, Scope
from tenants.trusted_documents import hash_of_id, sha256_of
from tenants.trusted_lists import TrustedList
from tenants.values import DocumentPolicy

_RICH = frozenset({ActorKind.STAFF, ActorKind.OPERATOR, ActorKind.SYSTEM})
"""Whoever has the budget of trusted documents anyway."""
_HELD = frozenset({ActorKind.CLIENT, ActorKind.IB, ActorKind.ANONYMOUS})
"""Whoever runs trusted documents only, where the brand enforces its list."""


class Lists(Protocol):
    """What the edge asks about a brand's list; see `tenants.trusted_lists`."""

    async def of(self, brand_id: UUID, /) -> TrustedList: ...

    async def text(self, brand_id: UUID, hash_: str, /) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """The document of an operation. `trusted`: it has the budget of those the brand trusts."""

    prepared: Prepared
    trusted: bool


class Trusted:
    """Chooses the documents of operations. Without `lists` no brand trusts any.

    `own` are the texts that this installation's own pages send before anybody has signed in. They
    run wherever a list is enforced, else nobody could sign in there to change it.
    """

    def __init__(
        self, documents: Documents, lists: Lists | None = None, *, own: Iterable[str] = ()
    ) -> None:
        self._documents = documents
        self._lists = lists
        self._own = frozenset(sha256_of(text) for text in own)
        self._kept = Kept()

    async def choose(self, parameters: Parameters, scope: Scope) -> Chosen:
        """The prepared document that is asked for.

        Raises `DocumentRefused`: DOCUMENT_NOT_FOUND for an id that is not in the brand's list
        (whatever the reason), and for a text where only listed ones run.
        """
        if parameters.document_id is not None:
            return Chosen(await self._by_id(parameters.document_id, scope.brand_id), True)
        text, kind = parameters.query or "", scope.actor.kind
        if kind in _RICH:
            return Chosen(self._documents.prepare(text), False)
        held = await self._list(scope.brand_id)
        if held.policy is not DocumentPolicy.OFF:
            hash_ = sha256_of(text)
            if hash_ in held.hashes:
                return Chosen(self._prepared(hash_, text), True)
            enforced = held.policy is DocumentPolicy.ENFORCE and kind in _HELD
            if enforced and hash_ not in self._own:
                raise _not_found("Only trusted documents run here; send the documentId of one.")
        return Chosen(self._documents.prepare(text), False)

    async def _by_id(self, document_id: str, brand_id: UUID) -> Prepared:
        held, hash_ = await self._list(brand_id), hash_of_id(document_id)
        if hash_ is None or hash_ not in held.hashes:
            raise _not_found("No trusted document has this id.")
        known = self._kept.get(hash_)
        if known is not None:
            return known
        text = await self._text(brand_id, hash_)
        if text is None:
            raise _not_found("No trusted document has this id.")
        return self._prepared(hash_, text)

    def _prepared(self, hash_: str, text: str) -> Prepared:
        """The same for every brand that trusts it: the hash names the text."""
        prepared = self._kept.get(hash_)
        if prepared is None:
            prepared = self._documents.make(text)
            self._kept.put(hash_, prepared)
        return prepared

    async def _list(self, brand_id: UUID) -> TrustedList:
        if self._lists is None:
            return TrustedList()
        try:
            return await self._lists.of(brand_id)
        except Unavailable as refusal:
            raise _unavailable(refusal) from refusal

    async def _text(self, brand_id: UUID, hash_: str) -> str | None:
        assert self._lists is not None, "it says that it holds the document"
        try:
            return await self._lists.text(brand_id, hash_)
        except Unavailable as refusal:
            raise _unavailable(refusal) from refusal


def _not_found(message: str) -> DocumentRefused:
    return DocumentRefused([GraphQLError(message, extensions={"code": "DOCUMENT_NOT_FOUND"})])


def _unavailable(refusal: Unavailable) -> EdgeRefusal:
    return EdgeRefusal(refusal.code, 503, refusal.message, retry_after=1.0)
