"""Tokens that travel by e-mail and are used once: VERIFY and RESET.

A newer one of the same kind replaces the older ones of its actor. The text is minted where the
mail is written, never where it was asked for, so that no event or answer contains it.
"""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import insert, select, update

from tenants.context import ActorKind
from tenants.sessions import Whose
from tenants.tables import token
from tenants.tokens import Minted, TextKind, is_secret, mint, parse
from tenants.values import TokenKind
from tenants.work import WriteWork

Mailed = Literal[TokenKind.VERIFY, TokenKind.RESET]
LIVES: dict[TokenKind, timedelta] = {
    TokenKind.VERIFY: timedelta(days=3),
    TokenKind.RESET: timedelta(hours=1),
}


async def issue_single_use(work: WriteWork, kind: Mailed, whose: Whose) -> Minted:
    """A new token for an actor; earlier ones of the kind stop working."""
    now = work.database_now()
    await _revoke_others(work, kind, whose.kind, whose.id)
    minted = mint(TextKind[kind.name], work.scope.brand_id, work.new_id())
    await work.rows(
        insert(token).values(
            brand_id=work.scope.brand_id,
            id=minted.id,
            kind=kind,
            secret_hash=minted.secret_hash,
            created_at=now,
            expires_at=now + LIVES[kind],
            **whose.columns,
        )
    )
    return minted


async def find_live(work: WriteWork, kind: Mailed, text: str) -> Whose | None:
    """Whose token it is, locked and not used up; None for what is no live token of the kind here.

    The work must be one of the token's brand, of an actor that row-level security does not narrow.
    """
    parsed = parse(text)
    if parsed is None or parsed.kind is not TextKind[kind.name]:
        return None
    if parsed.brand_id != work.scope.brand_id:
        return None
    row = await work.maybe(
        select(token)
        .where(
            token.c.brand_id == work.scope.brand_id,
            token.c.id == parsed.id,
            token.c.kind == kind.value,
            token.c.used_at.is_(None),
            token.c.revoked_at.is_(None),
            token.c.expires_at > work.database_now(),
        )
        .with_for_update()
    )
    if row is None or not is_secret(parsed.secret, row.secret_hash):
        return None
    return Whose(ActorKind(row.actor_kind), row.actor_id, row.ib_path or None)


async def redeem(work: WriteWork, kind: Mailed, text: str) -> Whose | None:
    """Use a token up; whose it was. None as `find_live`."""
    whose = await find_live(work, kind, text)
    parsed = parse(text)
    if whose is None or parsed is None:
        return None
    await work.rows(
        update(token)
        .where(token.c.brand_id == work.scope.brand_id, token.c.id == parsed.id)
        .values(used_at=work.database_now())
    )
    return whose


async def _revoke_others(
    work: WriteWork, kind: TokenKind, actor_kind: ActorKind, actor_id: UUID
) -> None:
    await work.rows(
        update(token)
        .where(
            token.c.brand_id == work.scope.brand_id,
            token.c.actor_kind == actor_kind.value,
            token.c.actor_id == actor_id,
            token.c.kind == kind.value,
            token.c.used_at.is_(None),
            token.c.revoked_at.is_(None),
        )
        .values(revoked_at=work.database_now())
    )
