"""API tokens: made by whoever may manage them, never wider than their maker or their role.

A service's token acts for the brand; an ib's is limited to a subtree of its ib. Scopes are what
was granted; what a token may do now is its scopes within what the role may do now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from domain.kernel.errors import Invalid, NotFound, Refused
from tenants.access import Access, permissions
from tenants.actors import ActorSource
from tenants.context import ActorKind
from tenants.holders import rights_of
from tenants.log import Change
from tenants.tables import token
from tenants.tokens import Minted, TextKind, mint
from tenants.values import Role, TokenKind
from tenants.work import WriteWork

NAME_LENGTH_MAX = 100
DAYS_MAX = 730
_ADDRESSES_MAX = 50


class ScopeNotHeld(Refused):
    """A scope that its maker lacks, or that the token's role could never use."""

    def __init__(self) -> None:
        message = "Grant only permissions that you hold and that the token's role can use."
        super().__init__("SCOPE_NOT_HELD", message, path=("input", "scopes"))


@dataclass(frozen=True, slots=True)
class ApiTokenPlan:
    """A token to be. `root_ib_id` makes it an ib's token, limited to that ib's subtree."""

    name: str
    scopes: Sequence[str]
    days: int
    root_ib_id: UUID | None = None
    addresses: Sequence[str] = ()


class ApiTokens:
    """Makes tokens. One per process."""

    def __init__(
        self, sources: Mapping[ActorKind, ActorSource], *, access: Access | None = None
    ) -> None:
        self._sources = sources
        self._access = access or Access()

    async def create(self, work: WriteWork, plan: ApiTokenPlan) -> Minted:
        """A new token; its text is in this answer only.

        A maker who is an ib, or an ib's token, makes tokens of its own subtree only: row-level
        security hides all others. Refusals: INVALID, SCOPE_NOT_HELD, NOT_FOUND for an unknown ib.
        """
        role = Role.SERVICE if plan.root_ib_id is None else Role.IB
        grantable = await rights_of(work, self._access, role)
        return await _create(work, plan, grantable=grantable, sources=self._sources)


async def _create(
    work: WriteWork,
    plan: ApiTokenPlan,
    *,
    grantable: frozenset[str],
    sources: Mapping[ActorKind, ActorSource],
) -> Minted:
    name, addresses = _checked(plan)
    held = work.scope.permissions & grantable
    if not plan.scopes or not set(plan.scopes) <= held:
        raise ScopeNotHeld()
    now, token_id = work.database_now(), work.new_id()
    minted = mint(TextKind.API, work.scope.brand_id, token_id)
    owner = await _owner(work, plan, token_id, sources)
    await work.rows(
        insert(token).values(
            brand_id=work.scope.brand_id,
            id=token_id,
            kind=TokenKind.API,
            name=name,
            scopes=sorted(set(plan.scopes)),
            addresses=list(addresses),
            secret_hash=minted.secret_hash,
            created_at=now,
            expires_at=now + timedelta(days=plan.days),
            **owner,
        )
    )
    after = {"name": name, "scopes": sorted(set(plan.scopes)), "ib_path": owner["ib_path"]}
    work.audit(Change("api_token.create", object_kind="api_token", object_id=token_id, after=after))
    return minted


async def revoke_api_token(work: WriteWork, token_id: UUID) -> None:
    """End a token; ending it twice changes nothing more. Refusals: NOT_FOUND."""
    found = await work.maybe(
        select(token.c.revoked_at)
        .where(
            token.c.brand_id == work.scope.brand_id,
            token.c.id == token_id,
            token.c.kind == TokenKind.API.value,
        )
        .with_for_update()
    )
    if found is None:
        raise NotFound("No such token.", path=("input", "apiTokenId"))
    if found.revoked_at is None:
        await work.rows(
            update(token)
            .where(token.c.brand_id == work.scope.brand_id, token.c.id == token_id)
            .values(revoked_at=work.database_now())
        )
        work.audit(Change("api_token.revoke", object_kind="api_token", object_id=token_id))


def _checked(plan: ApiTokenPlan) -> tuple[str, tuple[str, ...]]:
    name = " ".join(plan.name.split())
    if not 1 <= len(name) <= NAME_LENGTH_MAX:
        raise _invalid("name", f"A name has 1 to {NAME_LENGTH_MAX} characters.")
    if not 1 <= plan.days <= DAYS_MAX:
        raise _invalid("days", f"A token lives 1 to {DAYS_MAX} days.")
    if not set(plan.scopes) <= permissions().keys():
        raise _invalid("scopes", "Scopes are names of permissions.")
    if len(plan.addresses) > _ADDRESSES_MAX:
        raise _invalid("addresses", f"List at most {_ADDRESSES_MAX} addresses.")
    try:
        addresses = tuple(str(ip_network(one, strict=False)) for one in plan.addresses)
    except ValueError:
        raise _invalid("addresses", "Write IP addresses or networks such as 10.0.0.0/8.") from None
    return name, addresses


async def _owner(
    work: WriteWork,
    plan: ApiTokenPlan,
    token_id: UUID,
    sources: Mapping[ActorKind, ActorSource],
) -> dict[str, Any]:
    """How the token's row names its actor: an ib, or the service that the token itself is."""
    if plan.root_ib_id is None:
        if work.scope.ib_path is not None:
            raise _invalid("rootIbId", "Name the ib whose subtree the token is limited to.")
        return {"actor_kind": ActorKind.TOKEN, "actor_id": token_id, "ib_path": ""}
    source = sources[ActorKind.IB]
    assert source.ib_path is not None, "ibs have a path"
    row = await work.maybe(
        select(source.ib_path.label("path")).where(
            source.table.c.brand_id == work.scope.brand_id,
            source.table.c.id == plan.root_ib_id,
            source.welcome,
        )
    )
    if row is None:
        raise NotFound("No such ib.", path=("input", "rootIbId"))
    return {"actor_kind": ActorKind.IB, "actor_id": plan.root_ib_id, "ib_path": row.path}


def _invalid(field: str, message: str) -> Invalid:
    return Invalid("INVALID", message, path=("input", field))
