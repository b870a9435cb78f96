"""`node` and `nodes`: any object by its global id, null for whatever the viewer may not see.

Malformed, unknown, foreign and forbidden ids are null alike and without an error, so that no
answer tells which of them it was.
"""

from asyncio import gather
from typing import Annotated, Any, Final

import strawberry
from graphql import GraphQLError

from domain.kernel.ids import decode_id
from schema.shared.bind import Info, Node, field
from schema.shared.follow import may_see
from schema.shared.selection import Finds, Types, selection_of

MAX_IDS: Final = 100

_Id = Annotated[strawberry.ID, strawberry.argument(description="A global id.")]
_Ids = Annotated[list[strawberry.ID], strawberry.argument(description="Global ids, at most 100.")]


def is_node(types: Types, entity: str) -> bool:
    """Whether every type of an entity can be found by a global id."""
    variants = types.by_entity[entity].types.values()
    return all(any(i.name == "Node" for i in each.interfaces) for each in variants)


async def find_node(info: Info, global_id: str) -> Any:
    """The record of a global id, if it is bound to a type whose permission the viewer has."""
    decoded = decode_id(global_id)
    context, types = info.context, info.context.reading.types
    if decoded is None or decoded[0] not in types.by_entity:
        return None
    entity, key = decoded
    raw = info._raw_info
    if not is_node(types, entity) or not may_see(info, entity):
        return None
    want = selection_of(raw, types, entity, raw.field_nodes)
    return await context.load(entity, key, want)


@strawberry.type
class NodeQueries:
    """Root fields for objects of any type."""

    @field(
        "An object by its global id; null when there is none for you.",
        needs="public",
        shows=Finds.NODE,
    )
    async def node(self, info: Info, id: _Id) -> Node | None:
        found: Node | None = await find_node(info, id)
        return found

    @field(
        "Objects by their global ids, in order, null where there is none.",
        needs="public",
        shows=Finds.NODES,
    )
    async def nodes(self, info: Info, ids: _Ids) -> list[Node | None]:
        if len(ids) > MAX_IDS:
            raise GraphQLError(
                f"Ask for at most {MAX_IDS} ids.", extensions={"code": "BAD_USER_INPUT"}
            )
        found: list[Node | None] = await gather(*(find_node(info, each) for each in ids))
        return found
