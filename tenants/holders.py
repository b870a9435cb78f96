"""Who holds a token: one statement that judges token, session, actor and policy version together.

Everything a token can fail by (unknown id, wrong secret, other kind, revoked, expired, session
gone, actor disabled, closed or moved) comes out as the same None. A second statement is needed
only for a policy version whose rules are not compiled yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, func, literal, select

from tenants.access import Access, Compiled
from tenants.actors import ActorSource
from tenants.context import ActorKind, system_scope
from tenants.fixed import Fixed
from tenants.tables import (
    brand_state,
    casbin_rule,
    operator,
    operator_token,
    publishable_key,
    session,
    staff_role,
    token,
)
from tenants.tokens import NO_BRAND, TextKind, TokenText, is_secret
from tenants.values import Role, SessionStatus, TokenKind
from tenants.work import Database, ReadWork, WriteWork

_ROLES = {
    ActorKind.CLIENT: (Role.CLIENT.value,),
    ActorKind.IB: (Role.IB.value,),
    ActorKind.TOKEN: (Role.SERVICE.value,),
}


@dataclass(frozen=True, slots=True)
class Holder:
    """A valid token's actor with its rights, before anything else of the request is looked at."""

    kind: ActorKind
    actor_id: UUID
    name: str
    permissions: frozenset[str]
    expires_at: datetime
    policy_version: int
    client_id: UUID | None = None
    ib_path: str | None = None
    addresses: tuple[str, ...] = ()


class Holders:
    """Who holds the access and API tokens of brands. The statement that finds one is made once."""

    def __init__(
        self, database: Database, access: Access, sources: Mapping[ActorKind, ActorSource]
    ) -> None:
        self._database = database
        self._access = access
        self._sources = sources
        self._statement = Fixed(_token_statement(sources))

    async def find(self, text: TokenText) -> Holder | None:
        """The holder of a brand's access or API token; None whatever it fails by."""
        assert text.kind.stored is not None, text.kind
        asked = {"brand": text.brand_id, "token": text.id, "kind": text.kind.stored.value}
        async with self._database.read(system_scope(text.brand_id)) as work:
            found = await work.rows(self._statement, asked)
            if not found or not is_secret(text.secret, found[0].secret_hash):
                return None
            row = found[0]
            kind = ActorKind(row.actor_kind)
            if not _may_come_in(row, kind, self._sources):
                return None
            rules = await _learn(work, self._access, row.policy_version)
        rights = await self._access.of(rules, _ROLES.get(kind, row.roles))
        return _api_holder(row, rights) if text.kind is TextKind.API else _holder(row, kind, rights)


async def find_operator(
    database: Database, access: Access, text: TokenText, brand_id: UUID
) -> Holder | None:
    """The holder of an operator's token, with the rights of the role in the brand, if any."""
    if text.kind is not TextKind.OPERATOR:
        return None
    statement = (
        select(
            operator_token.c.secret_hash,
            operator_token.c.expires_at,
            operator.c.id,
            operator.c.name,
        )
        .join(operator, operator.c.id == operator_token.c.operator_id)
        .where(
            operator_token.c.id == text.id,
            operator_token.c.revoked_at.is_(None),
            operator_token.c.expires_at > func.now(),
        )
    )
    version = select(brand_state.c.policy_version).where(brand_state.c.brand_id == brand_id)
    async with database.read(system_scope(brand_id)) as work:
        found = await work.rows(statement)
        if not found or not is_secret(text.secret, found[0].secret_hash):
            return None
        state = await work.rows(version) if brand_id != NO_BRAND else ()
    row, policy_version = found[0], state[0].policy_version if state else 0
    return Holder(
        kind=ActorKind.OPERATOR,
        actor_id=row.id,
        name=row.name,
        permissions=await access.of_template(Role.OPERATOR),
        expires_at=row.expires_at,
        policy_version=policy_version,
    )


async def find_key(database: Database, key: TokenText) -> tuple[str, ...] | None:
    """The origins a publishable key is bound to; None when the key is unknown or revoked."""
    statement = select(publishable_key.c.origins).where(
        publishable_key.c.brand_id == key.brand_id,
        publishable_key.c.id == key.id,
        publishable_key.c.revoked_at.is_(None),
    )
    async with database.read(system_scope(key.brand_id)) as work:
        found = await work.rows(statement)
    return tuple(found[0].origins) if found else None


async def find_origins(database: Database, brand_id: UUID) -> frozenset[str]:
    """Every origin that a live publishable key of a brand is bound to."""
    statement = select(publishable_key.c.origins).where(
        publishable_key.c.brand_id == brand_id, publishable_key.c.revoked_at.is_(None)
    )
    async with database.read(system_scope(brand_id)) as work:
        return frozenset(one for row in await work.rows(statement) for one in row.origins)


def _token_statement(sources: Mapping[ActorKind, ActorSource]) -> Select[Any]:
    """The live token `:token` of `:kind` in `:brand`, with its session, its actor and the policy
    version."""
    roles = select(staff_role.c.role).where(
        staff_role.c.brand_id == token.c.brand_id,
        staff_role.c.staff_id == token.c.actor_id,
        token.c.actor_kind == ActorKind.STAFF.value,
    )
    source: Any = token.join(brand_state, brand_state.c.brand_id == token.c.brand_id).outerjoin(
        session,
        and_(session.c.brand_id == token.c.brand_id, session.c.id == token.c.session_id),
    )
    columns: list[Any] = []
    for kind, one in sources.items():
        source = source.outerjoin(
            one.table,
            and_(
                token.c.actor_kind == kind.value,
                one.table.c.brand_id == token.c.brand_id,
                one.table.c.id == token.c.actor_id,
            ),
        )
        columns += [
            one.name.label(f"{kind}_name"),
            one.welcome.label(f"{kind}_welcome"),
            (literal("") if one.ib_path is None else one.ib_path).label(f"{kind}_path"),
        ]
    return (
        select(
            token,
            session.c.status.label("session_status"),
            brand_state.c.policy_version,
            func.array(roles.scalar_subquery()).label("roles"),
            *columns,
        )
        .select_from(source)
        .where(
            token.c.brand_id == bindparam("brand"),
            token.c.id == bindparam("token"),
            token.c.kind == bindparam("kind"),
            token.c.revoked_at.is_(None),
            token.c.expires_at > func.now(),
        )
    )


def _may_come_in(row: Any, kind: ActorKind, sources: Mapping[ActorKind, ActorSource]) -> bool:
    """Whether session and actor still stand, and the token's subtree is still the ib's own."""
    if row.session_id is not None and row.session_status != SessionStatus.ACTIVE:
        return False
    if kind is ActorKind.TOKEN:
        return bool(row.kind == TokenKind.API)
    if kind not in sources or not getattr(row, f"{kind}_welcome"):
        return False
    if kind is ActorKind.IB and row.kind == TokenKind.API:
        path = getattr(row, f"{kind}_path")
        return bool(path) and row.ib_path.startswith(path)
    return True


async def rights_of(work: WriteWork, access: Access, *roles: Role) -> frozenset[str]:
    """What the roles may do in the work's brand, by the rules as of now."""
    state = await work.one(
        select(brand_state.c.policy_version).where(brand_state.c.brand_id == work.scope.brand_id)
    )
    rules = await _learn(work, access, state.policy_version)
    return await access.of(rules, roles)


async def _learn(work: ReadWork | WriteWork, access: Access, version: int) -> Compiled:
    """The brand's own rules of this version, read unless they are known."""
    brand_id = work.scope.brand_id
    known = access.known(brand_id, version)
    if known is not None:
        return known
    rules = select(
        casbin_rule.c.ptype, *(casbin_rule.c[f"v{number}"] for number in range(6))
    ).where(casbin_rule.c.brand_id == brand_id)
    return access.learn(brand_id, version, await work.rows(rules))


def _holder(row: Any, kind: ActorKind, rights: frozenset[str]) -> Holder:
    """The holder of a session's access token."""
    return Holder(
        kind=kind,
        actor_id=row.actor_id,
        name=getattr(row, f"{kind}_name"),
        permissions=rights,
        expires_at=row.expires_at,
        policy_version=row.policy_version,
        client_id=row.actor_id if kind is ActorKind.CLIENT else None,
        ib_path=getattr(row, f"{kind}_path") if kind is ActorKind.IB else None,
        addresses=tuple(row.addresses),
    )


def _api_holder(row: Any, rights: frozenset[str]) -> Holder:
    """The holder of an API token: its scopes, within what its role may do now."""
    return Holder(
        kind=ActorKind.TOKEN,
        actor_id=row.id,
        name=row.name,
        permissions=rights & frozenset(row.scopes),
        expires_at=row.expires_at,
        policy_version=row.policy_version,
        ib_path=row.ib_path or None,
        addresses=tuple(row.addresses),
    )
