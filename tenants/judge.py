"""Whether the rights a request came with still hold, judged in the first statement of a write.

Reads trust what was found within the last two seconds; a write asks again, in its own
transaction: the brand serves, the token lives, its actor may come in and stands where it stood,
and the policy is the one its permissions were compiled from. Disabling somebody, closing a client,
moving or suspending an ib and suspending a brand thus need no sweep over tokens.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Text, and_, bindparam, func, literal_column, select, text, true
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from tenants.actors import ActorSource
from tenants.context import NO_BRAND, ActorKind, Scope
from tenants.fixed import Fixed
from tenants.refusals import BrandSuspended, RightsChanged, Unauthenticated
from tenants.tables import brand, brand_state, operator_token, token
from tenants.values import BrandStatus

# The system also writes where no brand is, and founds brands that have no state yet.
_OF_THE_SYSTEM = Fixed(
    text(
        "select now() as now, coalesce(max(policy_version), 0) as policy_version,"
        " coalesce(max(clock_offset_ms), 0) as clock_offset_ms, true as stands, true as serves"
        " from brand_state where brand_id = :brand_id"
    )
)
_BRAND, _TOKEN, _PATH = (
    bindparam("brand_id", type_=PgUUID),
    bindparam("token_id", type_=PgUUID),
    bindparam("ib_path", type_=Text),
)
_Shape = tuple[ActorKind, bool, ActorSource | None]


def question(scope: Scope, actors: Mapping[ActorKind, ActorSource]) -> Fixed:
    """The work's instant, the policy's version, whether the actor stands and the brand serves."""
    if scope.brand_id == NO_BRAND or scope.actor.kind is ActorKind.SYSTEM:
        return _OF_THE_SYSTEM.of(brand_id=scope.brand_id)
    kind = scope.actor.kind
    if kind is ActorKind.TOKEN and scope.ib_path is not None:
        kind = ActorKind.IB  # an API token is an ib's when it has a subtree
    asked = _asked(kind, scope.token_id is not None, actors.get(kind))
    return asked.of(brand_id=scope.brand_id, token_id=scope.token_id, ib_path=scope.ib_path)


@cache
def _asked(kind: ActorKind, has_token: bool, actor: ActorSource | None) -> Fixed:
    source: Any = brand_state.outerjoin(brand, brand.c.id == brand_state.c.brand_id)
    stands: Any = true()
    if has_token and kind is ActorKind.OPERATOR:
        source = source.outerjoin(operator_token, operator_token.c.id == _TOKEN)
        stands = _lives(operator_token)
    elif has_token:
        mine = and_(token.c.brand_id == _BRAND, token.c.id == _TOKEN)
        source, stands = source.outerjoin(token, mine), _lives(token)
        if actor is not None:
            row = and_(actor.table.c.brand_id == _BRAND, actor.table.c.id == token.c.actor_id)
            source = source.outerjoin(actor.table, row)
            stands = and_(stands, token.c.actor_kind == kind.value, actor.welcome)
            if actor.ib_path is not None:
                stands = and_(stands, actor.ib_path == _PATH)
    return Fixed(
        select(
            func.now().label("now"),
            brand_state.c.policy_version,
            brand_state.c.clock_offset_ms,
            func.coalesce(stands, literal_column("false")).label("stands"),
            func.coalesce(brand.c.status != BrandStatus.SUSPENDED, True).label("serves"),
        )
        .select_from(source)
        .where(brand_state.c.brand_id == _BRAND)
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


def _lives(table: Any) -> Any:
    return and_(table.c.revoked_at.is_(None), table.c.expires_at > func.now())
