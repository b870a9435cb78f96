"""Tokens made for whoever runs the installation: operators, and the demo's API token.

Staff and ibs make theirs through the API; an operator's first token has nobody to ask.
"""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import insert, select

from tenants.log import Change
from tenants.sessions import Whose
from tenants.tables import operator_token, token
from tenants.tokens import NO_BRAND, TextKind, is_secret, mint, parse
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
    """A token of an operator; its text exists only here."""
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
    return minted.text


async def issue_api_token(
    work: WriteWork, whose: Whose, scopes: Iterable[str], *, name: str, lifetime: timedelta
) -> str:
    """An API token with some scopes of its actor's role; its text exists only here."""
    minted = mint(TextKind.API, work.scope.brand_id, work.new_id())
    await work.rows(
        insert(token).values(
            brand_id=work.scope.brand_id,
            id=minted.id,
            kind=TokenKind.API,
            name=name,
            scopes=sorted(scopes),
            secret_hash=minted.secret_hash,
            created_at=work.database_now(),
            expires_at=work.database_now() + lifetime,
            **whose.columns,
        )
    )
    work.audit(Change("token.create", object_kind="token", object_id=minted.id))
    return minted.text
