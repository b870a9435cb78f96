"""Who did something: the union of all kinds of actor, resolved by kind and id."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from schema.access.tokens import ApiToken
from schema.access.types import Operator, Staff, SystemActor
from schema.shared.bind import Info
from schema.shared.follow import may_see, wanted
from tenants.context import ActorKind
from tenants.reads import ACTOR_ENTITIES

if TYPE_CHECKING:
    from schema.clients.types import Client
    from schema.ibs.types import Ib

Actor = Annotated[
    Operator
    | Staff
    | Annotated["Client", strawberry.lazy("schema.clients.types")]
    | Annotated["Ib", strawberry.lazy("schema.ibs.types")]
    | ApiToken
    | SystemActor,
    strawberry.union("Actor", description="Whoever acts. Expect types you don't know."),
]


async def find_actor(info: Info, kind: str, actor_id: UUID | None) -> Any:
    """The actor's object with what is asked of it.

    None for the anonymous, and for actors whose type the viewer may not see.
    """
    if kind == ActorKind.SYSTEM:
        return SystemActor(name="system")
    entity = ACTOR_ENTITIES.get(kind)
    if entity is None or actor_id is None:
        return None
    if not may_see(info, entity):
        return None
    return await info.context.load(entity, actor_id, wanted(info, entity))
