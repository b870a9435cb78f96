"""What each brand trusts, as a serving process knows it: at most two seconds old.

One small statement for a brand in two seconds, none in between; the hashes are read again only
when something about them has changed. Texts are read when they are first asked for.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, bindparam, case, func, null, select, type_coerce

from tenants.brands import FRESH_S
from tenants.context import NO_BRAND, system_scope
from tenants.tables import brand_state, trusted_document
from tenants.values import DocumentPolicy
from tenants.work import Database


@dataclass(frozen=True, slots=True)
class TrustedList:
    """A brand's policy and the hashes it trusts; none are kept while the policy is OFF."""

    policy: DocumentPolicy = DocumentPolicy.OFF
    version: int = -1
    hashes: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Kept:
    found: TrustedList = TrustedList()
    asked_at: float = float("-inf")
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)


_NOTHING: Final = TrustedList()
_hashes = (
    select(func.coalesce(func.array_agg(trusted_document.c.sha256), type_coerce([], ARRAY(Text))))
    .where(trusted_document.c.brand_id == brand_state.c.brand_id)
    .correlate(brand_state)
    .scalar_subquery()
)
_is_known = (brand_state.c.document_policy == DocumentPolicy.OFF.value) | (
    brand_state.c.documents_version == bindparam("known", type_=Integer)
)
_STATE = select(
    brand_state.c.document_policy,
    brand_state.c.documents_version,
    case((_is_known, null()), else_=_hashes).label("hashes"),
).where(brand_state.c.brand_id == bindparam("brand_id"))
_TEXT = select(trusted_document.c.text).where(
    trusted_document.c.brand_id == bindparam("brand_id"),
    trusted_document.c.sha256 == bindparam("hash"),
)


class TrustedLists:
    """The lists of every brand that was asked about. One per process."""

    def __init__(
        self, database: Database, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._kept: dict[UUID, _Kept] = {}

    async def of(self, brand_id: UUID) -> TrustedList:
        """What a brand trusts; nothing where none is named. Refusals: UNAVAILABLE."""
        if brand_id == NO_BRAND:
            return _NOTHING
        kept = self._kept.setdefault(brand_id, _Kept())
        if not self._is_fresh(kept):
            async with kept.loading:
                if not self._is_fresh(kept):
                    asked_at = self._monotonic()
                    kept.found = await self._load(brand_id, kept.found)
                    kept.asked_at = asked_at
        return kept.found

    async def text(self, brand_id: UUID, hash_: str) -> str | None:
        """The text of a document that the brand trusts. Refusals: UNAVAILABLE."""
        given = {"brand_id": brand_id, "hash": hash_}
        async with self._database.read(system_scope(brand_id)) as work:
            rows = await work.rows(_TEXT, given)
        return rows[0].text if rows else None

    def forget(self, brand_id: UUID) -> None:
        """Read again at the next question: this process has just changed what a brand trusts."""
        self._kept.pop(brand_id, None)

    async def _load(self, brand_id: UUID, known: TrustedList) -> TrustedList:
        given = {"brand_id": brand_id, "known": known.version}
        async with self._database.read(system_scope(brand_id)) as work:
            rows = await work.rows(_STATE, given)
        if not rows:
            return _NOTHING
        (row,) = rows
        policy = DocumentPolicy(row.document_policy)
        if policy is DocumentPolicy.OFF:
            return _NOTHING
        hashes = known.hashes if row.hashes is None else frozenset(row.hashes)
        return TrustedList(policy, row.documents_version, hashes)

    def _is_fresh(self, kept: _Kept) -> bool:
        return self._monotonic() - kept.asked_at < FRESH_S
