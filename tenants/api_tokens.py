"""API tokens: made by whoever may manage them, never wider than their maker or their role.

A service's token acts for the brand; an ib's is limited to a subtree of its ib. Scopes are what
was granted; what a token may do now is its scopes within what the role may do now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from uuid import UUID

from sqlalchemy import select, update

from domain.kernel.errors import NotFound, Refused
from tenants.access import Access, permissions
from tenants.actors import ActorSource
from tenants.context import ActorKind
from tenants.holders import rights_of
from tenants.issuing import Grant, issue_api_token
from tenants.log import Change
from tenants.refusals import InvalidField
from tenants.sessions import Whose
from tenants.tables import token
from tenants.tokens import Minted
from tenants.values import Role, TokenKind
from tenants.work import ReadWork, WriteWork

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
    grant = Grant(name, plan.scopes, timedelta(days=plan.days), addresses)
    return await issue_api_token(work, await _owner(work, plan, sources), grant)


async def find_issuer(work: ReadWork | WriteWork, token_id: UUID) -> UUID | None:
    """The person who made an API token; None for those that the installation made."""
    rows = await work.rows(
        select(token.c.issued_by).where(
            token.c.brand_id == work.scope.brand_id, token.c.id == token_id
        )
    )
    return rows[0].issued_by if rows else None


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
        raise InvalidField("name", f"A name has 1 to {NAME_LENGTH_MAX} characters.")
    if not 1 <= plan.days <= DAYS_MAX:
        raise InvalidField("days", f"A token lives 1 to {DAYS_MAX} days.")
    if not set(plan.scopes) <= permissions().keys():
        raise InvalidField("scopes", "Scopes are names of permissions.")
    if len(plan.addresses) > _ADDRESSES_MAX:
        raise InvalidField("addresses", f"List at most {_ADDRESSES_MAX} addresses.")
    try:
        addresses = tuple(str(ip_network(one, strict=False)) for one in plan.addresses)
    except ValueError:
        raise InvalidField(
            "addresses", "Write IP addresses or networks such as 10.0.0.0/8."
        ) from None
    return name, addresses


async def _owner(
    work: WriteWork, plan: ApiTokenPlan, sources: Mapping[ActorKind, ActorSource]
) -> Whose | None:
    """The ib whose token it will be; None for a service."""
    if plan.root_ib_id is None:
        if work.scope.ib_path is not None:
            raise InvalidField("rootIbId", "Name the ib whose subtree the token is limited to.")
        return None
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
    return Whose(ActorKind.IB, plan.root_ib_id, row.path)
