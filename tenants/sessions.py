"""Sessions: an access token for 15 minutes, a refresh token for 30 days, rotated at each use.

A refresh token works once. Used again, by whoever copied it or by whoever it was copied from, it
ends the whole session: both must sign in anew. Every token of a session is revoked with it, and
writes look at the token's row in their own transaction, so that revocation counts at once.
Credentials run by the database's clock; a sandbox that moves its time moves no sign-in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from domain.kernel.errors import NotFound, Refused
from tenants.actors import ActorSource
from tenants.context import ActorKind, Scope
from tenants.log import Change
from tenants.tables import session, token
from tenants.tokens import NO_BRAND, Minted, TextKind, is_secret, mint, parse
from tenants.values import SessionStatus, TokenKind
from tenants.work import Database, ReadWork, WriteWork

ACCESS_FOR = timedelta(minutes=15)
REFRESH_FOR = timedelta(days=30)
_AGENT_LENGTH_MAX = 300


class RefreshRefused(Refused):
    """Unknown, foreign, used, revoked, expired: one answer for all."""

    def __init__(self) -> None:
        message = "This refresh token is not valid any more; sign in again."
        super().__init__("TOKEN_INVALID", message, path=("input", "refreshToken"))


@dataclass(frozen=True, slots=True)
class Whose:
    """A verified identity. `ib_path` is the own path of an ib, else None."""

    kind: ActorKind
    id: UUID
    ib_path: str | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """How a session or token names its actor and lets row-level security find it."""
        return {
            "actor_kind": self.kind,
            "actor_id": self.id,
            "client_id": self.id if self.kind is ActorKind.CLIENT else None,
            "ib_path": self.ib_path or "",
        }


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a session's tokens live."""

    access: timedelta = ACCESS_FOR
    refresh: timedelta = REFRESH_FOR


@dataclass(frozen=True, slots=True)
class Issued:
    """A session's tokens as their holder gets them, once."""

    session_id: UUID
    access: Minted
    access_expires_at: datetime
    refresh: Minted
    refresh_expires_at: datetime


async def issue_session(
    work: WriteWork,
    whose: Whose,
    *,
    user_agent: str | None = None,
    lifetimes: Lifetimes | None = None,
) -> Issued:
    """Begin a session for an identity that somebody else has verified."""
    lives = lifetimes or Lifetimes()
    now, session_id = work.database_now(), work.new_id()
    await work.rows(
        insert(session).values(
            brand_id=work.scope.brand_id,
            id=session_id,
            status=SessionStatus.ACTIVE,
            user_agent=user_agent[:_AGENT_LENGTH_MAX] if user_agent else None,
            ip=work.scope.ip,
            created_at=now,
            expires_at=now + lives.refresh,
            **whose.columns,
        )
    )
    work.audit(
        Change(
            "session.create",
            object_kind="session",
            object_id=session_id,
            after={"actor_kind": whose.kind, "actor_id": whose.id.hex},
        )
    )
    return await _issue_tokens(work, whose, session_id, lives)


async def refresh_session(
    database: Database, scope: Scope, text: str, sources: Mapping[ActorKind, ActorSource]
) -> Issued:
    """The next pair of tokens. Reuse ends the session, committed before the refusal is raised.

    `scope` may name no brand; then the token's own does. Refusals: TOKEN_INVALID.
    """
    parsed = parse(text)
    if parsed is None or parsed.kind is not TextKind.REFRESH:
        raise RefreshRefused()
    if scope.brand_id not in (NO_BRAND, parsed.brand_id):
        raise RefreshRefused()

    async def rotate(work: WriteWork) -> Issued | None:
        row = await _lock_refresh(work, parsed.id)
        if row is None or not is_secret(parsed.secret, row.secret_hash):
            raise RefreshRefused()
        if row.used_at is not None:
            await _end_reused(work, row.session_id)
            return None
        whose = await _still(work, row, sources)
        if whose is None:
            raise RefreshRefused()
        if not await _mark_used(work, row):
            raise RefreshRefused()
        return await _issue_tokens(work, whose, row.session_id, Lifetimes())

    anonymous = replace(scope, brand_id=parsed.brand_id, token_id=None, policy_version=0)
    issued = (await database.write(anonymous.as_system(), rotate)).value
    if issued is None:
        raise RefreshRefused()
    return issued


async def find_session_id(work: ReadWork) -> UUID | None:
    """The session of the token that is asking; None for tokens without one."""
    rows = await work.rows(
        select(token.c.session_id).where(
            token.c.brand_id == work.scope.brand_id, token.c.id == work.scope.token_id
        )
    )
    return rows[0].session_id if rows else None


async def revoke_session(work: WriteWork, session_id: UUID) -> int:
    """End one of the actor's own sessions; how many ended: ending it twice changes nothing more.

    Refusals: NOT_FOUND for unknown, foreign and other people's sessions.
    """
    actor = work.scope.actor
    found = await work.maybe(
        select(session.c.status)
        .where(
            session.c.brand_id == work.scope.brand_id,
            session.c.id == session_id,
            session.c.actor_kind == actor.kind.value,
            session.c.actor_id == actor.id,
        )
        .with_for_update()
    )
    if found is None:
        raise NotFound("No such session.", path=("input", "sessionId"))
    if found.status != SessionStatus.ACTIVE:
        return 0
    await _end(work, session_id)
    work.audit(Change("session.revoke", object_kind="session", object_id=session_id))
    return 1


async def revoke_all(
    work: WriteWork, kind: ActorKind, actor_id: UUID, *, keep: UUID | None = None
) -> int:
    """End every session of an actor but `keep`; how many that were."""
    rows = await work.rows(
        select(session.c.id)
        .where(
            session.c.brand_id == work.scope.brand_id,
            session.c.actor_kind == kind.value,
            session.c.actor_id == actor_id,
            session.c.status == SessionStatus.ACTIVE.value,
        )
        .order_by(session.c.id)
        .with_for_update()
    )
    ended = [row.id for row in rows if row.id != keep]
    for session_id in ended:
        await _end(work, session_id)
        work.audit(Change("session.revoke", object_kind="session", object_id=session_id))
    return len(ended)


async def _issue_tokens(
    work: WriteWork, whose: Whose, session_id: UUID, lives: Lifetimes
) -> Issued:
    now, brand_id = work.database_now(), work.scope.brand_id
    access = mint(TextKind.ACCESS, brand_id, work.new_id())
    refresh = mint(TextKind.REFRESH, brand_id, work.new_id())
    issued = Issued(session_id, access, now + lives.access, refresh, now + lives.refresh)
    rows = [
        {
            "brand_id": brand_id,
            "id": minted.id,
            "kind": kind,
            "session_id": session_id,
            "secret_hash": minted.secret_hash,
            "created_at": now,
            "expires_at": expires_at,
            **whose.columns,
        }
        for kind, minted, expires_at in (
            (TokenKind.ACCESS, access, issued.access_expires_at),
            (TokenKind.REFRESH, refresh, issued.refresh_expires_at),
        )
    ]
    await work.rows(insert(token).values(rows))
    return issued


async def _lock_refresh(work: WriteWork, token_id: UUID) -> Any:
    return await work.maybe(
        select(token)
        .where(
            token.c.brand_id == work.scope.brand_id,
            token.c.id == token_id,
            token.c.kind == TokenKind.REFRESH.value,
        )
        .with_for_update()
    )


async def _still(
    work: WriteWork, row: Any, sources: Mapping[ActorKind, ActorSource]
) -> Whose | None:
    """Whose token it is, while token, session and actor all stand; else None."""
    if row.revoked_at is not None or row.expires_at <= work.database_now():
        return None
    live = await work.maybe(
        select(session.c.id).where(
            session.c.brand_id == work.scope.brand_id,
            session.c.id == row.session_id,
            session.c.status == SessionStatus.ACTIVE.value,
        )
    )
    return await find_whose(work, sources, row.actor_kind, row.actor_id) if live else None


async def find_whose(
    work: WriteWork, sources: Mapping[ActorKind, ActorSource], kind: str, actor_id: UUID
) -> Whose | None:
    """An actor that may come in, with its place in the tree as of now; else None."""
    source = sources[ActorKind(kind)]
    path = source.ib_path
    statement = select(
        source.welcome.label("welcome"), *(() if path is None else (path.label("path"),))
    ).where(source.table.c.brand_id == work.scope.brand_id, source.table.c.id == actor_id)
    row = await work.maybe(statement)
    if row is None or not row.welcome:
        return None
    return Whose(source.kind, actor_id, None if path is None else row.path)


async def _mark_used(work: WriteWork, row: Any) -> bool:
    """Use the token up and prolong its session; False when that was revoked meanwhile."""
    now = work.database_now()
    await work.rows(
        update(token)
        .where(token.c.brand_id == work.scope.brand_id, token.c.id == row.id)
        .values(used_at=now)
    )
    prolonged = await work.rows(
        update(session)
        .where(
            session.c.brand_id == work.scope.brand_id,
            session.c.id == row.session_id,
            session.c.status == SessionStatus.ACTIVE.value,
        )
        .values(expires_at=now + REFRESH_FOR)
        .returning(session.c.id)
    )
    return bool(prolonged)


async def _end_reused(work: WriteWork, session_id: UUID) -> None:
    if await _end(work, session_id):
        reason = "A refresh token was used twice."
        work.audit(
            Change("session.revoke", object_kind="session", object_id=session_id, reason=reason)
        )


async def _end(work: WriteWork, session_id: UUID) -> bool:
    """Revoke a session with all its tokens; whether it was active."""
    now, brand_id = work.database_now(), work.scope.brand_id
    ended = await work.rows(
        update(session)
        .where(
            session.c.brand_id == brand_id,
            session.c.id == session_id,
            session.c.status == SessionStatus.ACTIVE.value,
        )
        .values(status=SessionStatus.REVOKED, revoked_at=now)
        .returning(session.c.id)
    )
    await work.rows(
        update(token)
        .where(
            token.c.brand_id == brand_id,
            token.c.session_id == session_id,
            token.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    return bool(ended)
