"""Who may read the schema from the server: any valid token, never the anonymous.

How deep introspection may nest is bounded twice: `DocumentLimits.introspection_depth` bounds the
fields below `__schema` and `__type`, and graphql-core's own `MaxIntrospectionDepthRule` (part of
its standard rules) refuses circular reads such as `fields { type { fields { type { fields`.
The committed SDL, `schema/schema.graphql`, is public; a live server only tells its own users.
"""

from graphql import GraphQLError

from schema.shared.cost import OperationCost
from tenants.context import Actor, ActorKind


def refuse_anonymous(operation: OperationCost, actor: Actor) -> None:
    """UNAUTHENTICATED when someone without a token asks for `__schema` or `__type`."""
    if operation.introspects and actor.kind is ActorKind.ANONYMOUS:
        raise GraphQLError("Introspection needs a token.", extensions={"code": "UNAUTHENTICATED"})
