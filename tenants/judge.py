"""Whether the rights a request came with still hold, judged in the first statement of a write.

Reads trust what was found within the last two seconds; a write asks again, in its own
transaction: the brand serves, the token lives, its actor may come in and stands where it stood,
and the policy is the one its permissions were compiled from. Disabling somebody, closing a client,
moving or suspending an ib and suspending a brand thus need no sweep over tokens.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, func, literal, select, text, true

from tenants.actors import ActorSource
from tenants.context import NO_BRAND, ActorKind, Scope
from tenants.refusals import BrandSuspended, RightsChanged, Unauthenticated
from tenants.tables import brand, brand_state, operator_token, token
from tenants.values import BrandStatus

# The system also writes where no brand is, and founds brands that have no state yet.
_OF_THE_SYSTEM = text(
    "select now() as now, coalesce(max(policy_version), 0) as policy_version,"
    " coalesce(max(clock_offset_ms), 0) as clock_offset_ms, true as stands, true as serves"
    " from brand_state where brand_id = :brand_id"
)


def question(scope: Scope, actors: Mapping[ActorKind, ActorSource]) -> Any:
    """The work's instant, the policy's version, whether the actor stands and the brand serves."""
    if scope.brand_id == NO_BRAND or scope.actor.kind is ActorKind.SYSTEM:
        return _OF_THE_SYSTEM.bindparams(brand_id=scope.brand_id)
    source: Any = brand_state.outerjoin(brand, brand.c.id == brand_state.c.brand_id)
    stands: Any = true()
    if scope.actor.kind is ActorKind.OPERATOR:
        if scope.token_id is not None:
            source = source.outerjoin(operator_token, operator_token.c.id == scope.token_id)
            stands = _lives(operator_token)
    elif scope.token_id is not None:
        mine = and_(token.c.brand_id == scope.brand_id, token.c.id == scope.token_id)
        source, stands = _of_actor(scope, actors, source.outerjoin(token, mine))
    return (
        select(
            func.now().label("now"),
            brand_state.c.policy_version,
            brand_state.c.clock_offset_ms,
            func.coalesce(stands, False).label("stands"),
            func.coalesce(brand.c.status != BrandStatus.SUSPENDED, True).label("serves"),
        )
        .select_from(source)
        .where(brand_state.c.brand_id == scope.brand_id)
    )


def check(scope: Scope, row: Any) -> None:
    """Judge what `question` found.

    Refusals: UNAUTHENTICATED; FORBIDDEN for a suspended brand, except to operators; CONFLICT.
    """
    if not row.stands:
        raise Unauthenticated()
    if not row.serves and scope.actor.kind is not ActorKind.OPERATOR:
        raise BrandSuspended()
    if scope.policy_version not in (0, row.policy_version):
        raise RightsChanged()


def _of_actor(
    scope: Scope, actors: Mapping[ActorKind, ActorSource], source: Any
) -> tuple[Any, Any]:
    """The actor's own row beside its token's; an API token is an ib's when it has a subtree."""
    kind = scope.actor.kind
    if kind is ActorKind.TOKEN and scope.ib_path is not None:
        kind = ActorKind.IB
    one = actors.get(kind)
    if one is None:
        return source, _lives(token)
    row = and_(one.table.c.brand_id == scope.brand_id, one.table.c.id == token.c.actor_id)
    stands = and_(_lives(token), token.c.actor_kind == kind.value, one.welcome)
    if one.ib_path is not None:
        stands = and_(stands, one.ib_path == literal(scope.ib_path))
    return source.outerjoin(one.table, row), stands


def _lives(table: Any) -> Any:
    return and_(table.c.revoked_at.is_(None), table.c.expires_at > func.now())
