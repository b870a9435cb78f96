"""Rows of operators' and API tokens, written here and nowhere else.

Who may have an API token is judged by `tenants.api_tokens`; whoever runs the installation may have
any, and an operator's first token has nobody to ask.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from tenants.context import ActorKind
from tenants.log import Change
from tenants.sessions import Whose
from tenants.tables import operator_token, token
from tenants.tokens import NO_BRAND, Minted, TextKind, is_secret, mint, parse
from tenants.values import TokenKind
from tenants.work import WriteWork


async def is_living(work: WriteWork, text: str, margin: timedelta) -> bool:
    """Whether a token of the work's brand (or an operator's) is good for `margin` more."""
    parsed = parse(text)
    if parsed is None or parsed.brand_id != work.scope.brand_id:
        return False
    table = operator_token if parsed.kind is TextKind.OPERATOR else token
    conditions = [table.c.id == parsed.id]
    if table is token:
        conditions.append(token.c.brand_id == work.scope.brand_id)
    row = await work.maybe(
        select(table.c.secret_hash, table.c.expires_at, table.c.revoked_at).where(*conditions)
    )
    if row is None or row.revoked_at is not None or row.expires_at <= work.database_now() + margin:
        return False
    return is_secret(parsed.secret, row.secret_hash)


async def issue_operator_token(work: WriteWork, operator_id: UUID, lifetime: timedelta) -> str:
    """A token of an operator; its text exists only here.

    Effects: audit, in a work that has a brand; the installation itself has no trail.
    """
    minted = mint(TextKind.OPERATOR, NO_BRAND, work.new_id())
    await work.rows(
        insert(operator_token).values(
            id=minted.id,
            operator_id=operator_id,
            secret_hash=minted.secret_hash,
            created_at=work.database_now(),
            expires_at=work.database_now() + lifetime,
        )
    )
    if work.scope.brand_id != NO_BRAND:
        after = {"operator_id": str(operator_id)}
        work.audit(
            Change(
                "operator_token.create",
                object_kind="operator_token",
                object_id=minted.id,
                after=after,
            )
        )
    return minted.text


@dataclass(frozen=True, slots=True)
class Grant:
    """What an API token may do, from where and for how long."""

    name: str
    scopes: Iterable[str]
    lifetime: timedelta
    addresses: Sequence[str] = ()


async def issue_api_token(work: WriteWork, whose: Whose | None, grant: Grant) -> Minted:
    """A token of an ib, limited to its subtree, or of a service, which is the token itself.

    Whoever asks is kept as its issuer, or for a token the person behind that one. Effects: audit.
    """
    minted = mint(TextKind.API, work.scope.brand_id, work.new_id())
    owner, now = whose or Whose(ActorKind.TOKEN, minted.id), work.database_now()
    scopes = sorted(set(grant.scopes))
    await work.rows(
        insert(token).values(
            brand_id=work.scope.brand_id,
            id=minted.id,
            kind=TokenKind.API,
            name=grant.name,
            scopes=scopes,
            addresses=list(grant.addresses),
            issued_by=_person(work),
            secret_hash=minted.secret_hash,
            created_at=now,
            expires_at=now + grant.lifetime,
            **owner.columns,
        )
    )
    after = {"name": grant.name, "scopes": scopes, "ib_path": owner.ib_path or ""}
    work.audit(
        Change("api_token.create", object_kind="api_token", object_id=minted.id, after=after)
    )
    return minted


def _person(work: WriteWork) -> Any:
    """Who makes a token: the actor, or whoever issued the token that acts."""
    actor = work.scope.actor
    if actor.kind is not ActorKind.TOKEN:
        return actor.id
    made = token.alias("made")
    return (
        select(made.c.issued_by)
        .where(made.c.brand_id == work.scope.brand_id, made.c.id == actor.id)
        .scalar_subquery()
    )
