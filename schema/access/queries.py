"""Root fields about who is asking, brands, tokens and the audit trail."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from domain.reads import Page
from schema.access.actors import Actor, find_actor
from schema.access.audit import AuditEntry, AuditFilter, AuditOrder
from schema.access.enums import BrandStatus
from schema.access.tokens import ApiToken, Session
from schema.access.types import Brand
from schema.clients.enums import ActorType
from schema.shared.bind import Info, connection, fetch, field
from schema.shared.follow import wanted
from schema.shared.page import (
    BooleanFilter,
    Choice,
    Connection,
    TextFilter,
    condition,
    order_input,
)
from schema.shared.permission import public
from tenants.context import ActorKind
from tenants.sessions import find_session_id
from tenants.tokens import NO_BRAND

if TYPE_CHECKING:
    from schema.clients.types import Client
    from schema.ibs.types import Ib

ClientRef = Annotated["Client", strawberry.lazy("schema.clients.types")]
IbRef = Annotated["Ib", strawberry.lazy("schema.ibs.types")]

BrandOrder = order_input("Brand", {"SLUG": "By slug.", "CREATED_AT": "When it was made."})
ApiTokenOrder = order_input("ApiToken", {"CREATED_AT": "When it was made."})


@strawberry.input(description="Which brands to list; all conditions hold.")
class BrandFilter:
    slug: TextFilter | None = condition("Short name.")
    status: Choice[BrandStatus] | None = condition("Whether it serves.")
    sandbox: BooleanFilter | None = condition("Whether it is a sandbox.")


@strawberry.type(description="Who is asking, with which rights.", directives=public())
class Viewer:
    @field("What kind of actor is asking; works for every one of them in one document.")
    def actor_type(self, info: Info) -> ActorType:
        return ActorType(info.context.scope.actor.kind)

    @field("What the actor is called.")
    def name(self, info: Info) -> str:
        name: str = info.context.scope.actor.name
        return name

    @field(
        "Whoever acts: the session's or token's actor. Ask only for types that you may see: "
        "a client can't ask `... on Staff`."
    )
    async def actor(self, info: Info) -> Actor | None:
        one = info.context.scope.actor
        found: Actor | None = await find_actor(info, one.kind, one.id)
        return found

    @field("The client, when a client is asking.", needs="clients:read")
    async def client(self, info: Info) -> ClientRef | None:
        client_id = info.context.scope.client_id
        return None if client_id is None else await fetch(info, "client", client_id)

    @field("The introducing broker, when one is asking itself.", needs="ibs:read")
    async def ib(self, info: Info) -> IbRef | None:
        actor = info.context.scope.actor
        return await fetch(info, "ib", actor.id) if actor.kind is ActorKind.IB else None

    @field("Everything the viewer may do, sorted.")
    def permissions(self, info: Info) -> list[str]:
        return sorted(info.context.scope.permissions)

    @field("The session that is asking; null for API tokens and operators.", needs="session:read")
    async def session(self, info: Info) -> Session | None:
        session_id = await find_session_id(info.context.work)
        if session_id is None:
            return None
        found: Session | None = await fetch(info, "session", session_id)
        return found

    @field(
        "The viewer's living sessions, newest first, at most 100.", needs="session:read", cost=10
    )
    async def sessions(self, info: Info) -> list[Session]:
        page = await info.context.reader.connection(
            "session", Page(first=100), wanted(info, "session")
        )
        found: list[Any] = page.records
        return found


@strawberry.type
class AccessQueries:
    @field("Who is asking; null without a session or token.", needs="public")
    def viewer(self, info: Info) -> Viewer | None:
        return None if info.context.is_anonymous else Viewer()

    @field(
        "The brand that token, publishable key or host name; null when none of them does.",
        needs="public",
    )
    async def brand(self, info: Info) -> Brand | None:
        brand_id = info.context.scope.brand_id
        if brand_id == NO_BRAND:
            return None
        found: Brand | None = await fetch(info, "brand", brand_id)
        return found

    brands: Connection[Brand] = connection(
        "brand",
        "All brands of this installation, by slug. For operators.",
        needs="brands:list",
        filter=BrandFilter,
        order=BrandOrder,
    )
    api_tokens: Connection[ApiToken] = connection(
        "api_token", "API tokens, newest first.", needs="tokens:read", order=ApiTokenOrder
    )
    audit_entries: Connection[AuditEntry] = connection(
        "audit_entry",
        "The brand's audit trail, newest first.",
        needs="audit:read",
        filter=AuditFilter,
        order=AuditOrder,
    )
