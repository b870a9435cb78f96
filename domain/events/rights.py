"""Whether those who follow a brand still may: one read per brand and second for all its sockets."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.events.subscription import Subscription
from domain.events.values import Audience
from domain.kernel.errors import Forbidden
from tenants.context import ActorKind, Scope
from tenants.tables import brand_state, operator_token, token
from tenants.work import Database

Reauthorise = Callable[[Scope], Awaitable[Scope | None]]
"""The scope compiled again at the brand's present policy; None when nothing is left of it."""

Ended = Callable[[UUID], Awaitable[object]]


class RightsWatch:
    """Ends subscriptions whose token died, and those that a new policy no longer allows.

    Without `reauthorise` a change of policy ends every subscription of the brand made under the
    old one: readers come back with their cursor and are judged anew. `ended` is told of each dead
    token, so that whoever holds its sockets can close them.
    """

    def __init__(
        self,
        database: Database,
        audience: Audience,
        *,
        reauthorise: Reauthorise | None = None,
        ended: Ended | None = None,
    ) -> None:
        self._database = database
        self._audience = audience
        self._reauthorise = reauthorise
        self._ended = ended

    async def check(self, scope: Scope, members: Iterable[Subscription]) -> None:
        """Judge the members of one brand; `scope` is the system's for it."""
        judged = [member for member in members if not member.revoked]
        async with self._database.read(scope) as work:
            version = (
                await work.rows(
                    select(brand_state.c.policy_version).where(
                        brand_state.c.brand_id == scope.brand_id
                    )
                )
            )[0].policy_version
            alive = await work.rows(_living(scope, judged))
        living = {row.id for row in alive}
        dead = {
            member.scope.token_id for member in judged if member.scope.token_id is not None
        } - living
        for member in judged:
            held = member.scope
            if held.token_id in dead:
                member.revoke()
            elif held.policy_version not in (0, version):
                await self._judge_again(member)
        if self._ended is not None:
            for token_id in dead:
                await self._ended(token_id)

    async def _judge_again(self, member: Subscription) -> None:
        scope = await self._reauthorise(member.scope) if self._reauthorise else None
        try:
            if scope is None:
                member.revoke()
            else:
                self._audience.require(scope, member.feed)
                member.scope = scope
        except Forbidden:
            member.revoke()


def _living(scope: Scope, members: list[Subscription]) -> Any:
    """The tokens among those of the members that are neither revoked nor expired."""
    own: set[UUID] = set()
    operators: set[UUID] = set()
    for member in members:
        if member.scope.token_id is not None:
            by_operator = member.scope.actor.kind is ActorKind.OPERATOR
            (operators if by_operator else own).add(member.scope.token_id)
    of_brand = _alive(token, "own", own).where(token.c.brand_id == scope.brand_id)
    return of_brand.union_all(_alive(operator_token, "operators", operators))


def _alive(table: Table, name: str, ids: set[UUID]) -> Select[Any]:
    those = bindparam(name, list(ids), type_=ARRAY(PgUUID(as_uuid=True)))
    return select(table.c.id).where(
        table.c.id == func.any(those),
        table.c.revoked_at.is_(None),
        table.c.expires_at > func.now(),
    )
