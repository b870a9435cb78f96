"""From what a request shows to who is asking, for which brand and with which rights.

At most two statements, and none while a token was judged within the last two seconds; writes judge
it again in their own transaction (`tenants.work`). What does not depend on the database (do host,
header, key and token name one brand) is checked before it is asked, so that a token of another
brand and an invented one get the same answer on a claimed host.
"""

import hashlib
import hmac
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from domain.kernel.ids import decode_id_of
from tenants.access import Access
from tenants.actors import ActorSource
from tenants.brands import BrandFacts, Directory
from tenants.context import ANONYMOUS, Actor, ActorKind, Scope
from tenants.holders import Holder, Holders, find_key, find_operator
from tenants.refusals import (
    AddressRefused,
    BrandMismatch,
    BrandSuspended,
    KeyUnknown,
    OriginRefused,
    Unauthenticated,
)
from tenants.tokens import NO_BRAND, TextKind, TokenText, parse
from tenants.values import BrandStatus
from tenants.work import Database

T = TypeVar("T")

TRUSTED_S = 2.0
_CACHED_MAX = 20_000
_BEARERS = frozenset({TextKind.ACCESS, TextKind.API, TextKind.OPERATOR})


@dataclass(frozen=True, slots=True)
class Asking:
    """What a request shows. Texts are as received; `brand` is a slug or an id, for operators."""

    authorization: str | None = None
    publishable_key: str | None = None
    host: str | None = None
    brand: str | None = None
    origin: str | None = None
    ip: str | None = None
    request_id: str = ""


class Identifier:
    """The one way to a `Scope` from outside. One per process.

    `on_use` is told the brand and id of each API token whenever it was judged anew.
    """

    def __init__(
        self,
        database: Database,
        directory: Directory,
        sources: Mapping[ActorKind, ActorSource],
        *,
        access: Access | None = None,
        on_use: Callable[[UUID, UUID], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_use = on_use
        self._database = database
        self._directory = directory
        self._access = access or Access()
        self._holders = Holders(database, self._access, sources)
        self._known: _Recent[Holder] = _Recent(monotonic)
        self._keys: _Recent[tuple[str, ...]] = _Recent(monotonic)
        self._bearers: OrderedDict[bytes, TokenText] = OrderedDict()

    async def identify(self, asking: Asking) -> Scope:
        """Who is asking. Without token and brand: nobody, of no brand, with no rights.

        Refusals: UNAUTHENTICATED; FORBIDDEN when host, key, header and token disagree, for a
        suspended brand, a wrong origin or address; UNAVAILABLE.
        """
        shown = self._bearer(asking.authorization)
        text = shown.text if shown else None
        key = _key(asking.publishable_key)
        claimed = (await self._directory.current()).claimed_by(asking.host)
        if shown is not None and shown.text.kind is TextKind.OPERATOR:
            return await self._operator(asking, shown, claimed)
        brand_id = await self._one_brand(asking, text, key, claimed)
        if shown is not None:
            return await self._holder(asking, shown)
        if key is not None:
            await self._check_key(asking, key)
        if brand_id is not None:
            await self._check_active(brand_id)
        return Scope(
            brand_id=brand_id or NO_BRAND,
            actor=ANONYMOUS,
            request_id=asking.request_id,
            ip=asking.ip,
        )

    def forget(self, scope: Scope) -> None:
        """Judge a token anew at its next request: what was found about it has changed."""
        self._directory.forget()
        if scope.token_id is not None:
            self._known.drop((scope.brand_id, scope.token_id))

    def _bearer(self, authorization: str | None) -> "_Shown | None":
        """The token of an Authorization header. One that was found good is not taken apart again;
        it is remembered without its secret, by its digest."""
        if authorization is None:
            return None
        digest = hashlib.sha256(authorization.encode("utf-8", "surrogatepass")).digest()
        text = self._bearers.get(digest) or _bearer(authorization)
        return _Shown(text, digest) if text else None

    def _found(self, brand_id: UUID, shown: "_Shown", holder: Holder, asked_at: float) -> None:
        self._known.put((brand_id, shown.text.id), shown.digest, holder, asked_at)
        self._bearers[shown.digest] = replace(shown.text, secret="")
        while len(self._bearers) > _CACHED_MAX:
            self._bearers.popitem(last=False)

    async def _one_brand(
        self,
        asking: Asking,
        text: TokenText | None,
        key: TokenText | None,
        claimed: BrandFacts | None,
    ) -> UUID | None:
        """The brand that host, key, header and token agree on; None when none names one."""
        named = await self._named(asking.brand)
        said = {
            text.brand_id if text else None,
            key.brand_id if key else None,
            claimed.id if claimed else None,
        } - {None}
        if asking.brand is not None and (named is None or not said):
            raise BrandMismatch()
        if len(said | ({named.id} if named else set())) > 1:
            raise BrandMismatch()
        return next(iter(said), None)

    async def _named(self, brand: str | None) -> BrandFacts | None:
        """The brand of a slug or a shown id."""
        if brand is None:
            return None
        snapshot = await self._directory.current()
        brand_id = decode_id_of("brand", brand)
        return snapshot.by_id.get(brand_id) if brand_id else snapshot.by_slug.get(brand)

    async def _check_active(self, brand_id: UUID) -> None:
        facts = await self._directory.find(brand_id)
        if facts is None:
            raise Unauthenticated()
        if facts.status is not BrandStatus.ACTIVE:
            raise BrandSuspended()

    async def _check_key(self, asking: Asking, key: TokenText) -> None:
        """The key must live, and a browser must be on one of its origins, when it has any."""
        place, digest = (key.brand_id, key.id), hashlib.sha256(key.render().encode()).digest()
        origins = self._keys.get(place, digest)
        if origins is None:
            asked_at = self._keys.moment()
            origins = await find_key(self._database, key)
            if origins is None:
                raise KeyUnknown()
            self._keys.put(place, digest, origins, asked_at)
        if asking.origin is not None and origins and asking.origin not in origins:
            raise OriginRefused()

    async def _holder(self, asking: Asking, shown: "_Shown") -> Scope:
        text = shown.text
        holder = self._known.get((text.brand_id, text.id), shown.digest)
        if holder is None or not _is_current(holder):
            asked_at = self._known.moment()
            holder = await self._holders.find(_with_secret(asking))
            if holder is None:
                raise Unauthenticated()
            self._found(text.brand_id, shown, holder, asked_at)
            if self._on_use is not None and text.kind is TextKind.API:
                self._on_use(text.brand_id, text.id)
        await self._check_active(text.brand_id)
        if holder.addresses and not _is_listed(asking.ip, holder.addresses):
            raise AddressRefused()
        return _scope(asking, text.brand_id, text.id, holder)

    async def _operator(self, asking: Asking, shown: "_Shown", claimed: BrandFacts | None) -> Scope:
        """An operator, in the brand the header or the host names, else in none.

        Who the operator is comes before which brand: an invented token learns no slugs.
        """
        text = shown.text
        if text.brand_id != NO_BRAND:
            raise Unauthenticated()
        named = await self._named(asking.brand)
        brand_id = named.id if named else claimed.id if claimed else NO_BRAND
        holder = self._known.get((brand_id, text.id), shown.digest)
        if holder is None or not _is_current(holder):
            asked_at = self._known.moment()
            whole = _with_secret(asking)
            holder = await find_operator(self._database, self._access, whole, brand_id)
            if holder is None:
                raise Unauthenticated()
            self._found(brand_id, shown, holder, asked_at)
        if asking.brand is not None and named is None:
            raise BrandMismatch()
        if named is not None and claimed is not None and named.id != claimed.id:
            raise BrandMismatch()
        return _scope(asking, brand_id, text.id, holder)


def _scope(asking: Asking, brand_id: UUID, token_id: UUID, holder: Holder) -> Scope:
    return Scope(
        brand_id=brand_id,
        actor=Actor(holder.kind, holder.actor_id, holder.name),
        permissions=holder.permissions,
        client_id=holder.client_id,
        ib_path=holder.ib_path,
        token_id=token_id,
        request_id=asking.request_id,
        ip=asking.ip,
        policy_version=holder.policy_version,
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """A token, perhaps without its secret, and a digest of all that was shown."""

    text: TokenText
    digest: bytes


class _Recent(Generic[T]):
    """The last answers per brand and token, trusted for two seconds since they were asked for.

    Kept with a digest of all that was shown: a wrong secret finds nothing and displaces nothing.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._kept: OrderedDict[tuple[UUID, UUID], tuple[float, bytes, T]] = OrderedDict()

    def moment(self) -> float:
        return self._monotonic()

    def get(self, key: tuple[UUID, UUID], digest: bytes) -> T | None:
        kept = self._kept.get(key)
        if kept is None or self._monotonic() - kept[0] >= TRUSTED_S:
            return None
        return kept[2] if hmac.compare_digest(kept[1], digest) else None

    def put(self, key: tuple[UUID, UUID], digest: bytes, value: T, asked_at: float) -> None:
        self._kept[key] = (asked_at, digest, value)
        self._kept.move_to_end(key)
        while len(self._kept) > _CACHED_MAX:
            self._kept.popitem(last=False)

    def drop(self, key: tuple[UUID, UUID]) -> None:
        self._kept.pop(key, None)


def _bearer(authorization: str | None) -> TokenText | None:
    """The token of an Authorization header; None without one.

    Refusals: UNAUTHENTICATED for other schemes and for what is no token for requests.
    """
    if authorization is None or not authorization.strip():
        return None
    scheme, _, value = authorization.strip().partition(" ")
    text = parse(value.strip()) if scheme.lower() == "bearer" else None
    if text is None or text.kind not in _BEARERS:
        raise Unauthenticated()
    return text


def _with_secret(asking: Asking) -> TokenText:
    """The token as it came, for whoever has to prove it."""
    text = _bearer(asking.authorization)
    assert text is not None, "it was read before"
    return text


def _key(publishable_key: str | None) -> TokenText | None:
    if publishable_key is None or not publishable_key.strip():
        return None
    key = parse(publishable_key.strip())
    if key is None or key.kind is not TextKind.PUBLISHABLE:
        raise KeyUnknown()
    return key


def _is_current(holder: Holder) -> bool:
    return holder.expires_at > datetime.now(UTC)


def _is_listed(ip: str | None, addresses: tuple[str, ...]) -> bool:
    """Whether an address is in a list of addresses and networks. A broken entry admits nobody."""
    try:
        address = ipaddress.ip_address((ip or "").partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        networks = [ipaddress.ip_network(one, strict=False) for one in addresses]
    except ValueError:
        return False
    return any((mapped or address) in network for network in networks)
