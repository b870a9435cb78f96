"""Sign in with e-mail and password. Known and unknown accounts cost and answer the same.

The attempt is counted in a work of its own before the password is judged (no transaction waits for
argon2), and taken back when it was right. Who may not come in (disabled, closed, unverified) hears
what a wrong password hears.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from domain.kernel.errors import Refused
from tenants.actors import ActorSource
from tenants.context import ActorKind, Scope
from tenants.denials import Denials
from tenants.passwords import Passwords, normalise_email
from tenants.refusals import Throttled
from tenants.sessions import Issued, find_whose, issue_session, refresh_session
from tenants.tables import credential
from tenants.throttle import Counted, count_attempt, counted_by, forgive_attempt
from tenants.work import Database, WriteWork

OPERATION = "session.create"


class CredentialsRefused(Refused):
    """E-mail and password do not open anything here."""

    def __init__(self) -> None:
        super().__init__("CREDENTIALS_INVALID", "E-mail or password is wrong.", path=("input",))


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody typed, and the kind of actor they say they are."""

    kind: ActorKind
    email: str
    password: str
    user_agent: str | None = None

    def __repr__(self) -> str:
        return f"Attempt({self.kind})"


@dataclass(frozen=True, slots=True)
class _Known:
    actor_id: UUID
    password_hash: str


class SignIn:
    """The door for passwords. One per process."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        sources: Mapping[ActorKind, ActorSource],
        denials: Denials,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._sources = sources
        self._denials = denials

    async def __call__(self, scope: Scope, attempt: Attempt) -> Issued:
        """A new session. `scope` is that of nobody in a brand.

        Refusals: CREDENTIALS_INVALID; THROTTLED; FORBIDDEN when no brand is named; UNAVAILABLE.
        """
        asking = scope.as_nobody()
        email = normalise_email(attempt.email)
        against = counted_by(OPERATION, f"{attempt.kind}|{email}", scope.ip)
        try:
            known = await self._begin(asking, attempt.kind, email, against)
        except Throttled:
            await self._denials.denied(scope, OPERATION)
            raise
        verdict = await self._passwords.verify(
            known.password_hash if known else None, attempt.password
        )
        issued = None
        if known is not None and verdict.right:
            renewed = await self._passwords.renew(attempt.password) if verdict.outdated else None
            issued = await self._finish(asking, attempt, known, against, renewed)
        if issued is None:
            await self._denials.denied(scope, OPERATION)
            raise CredentialsRefused()
        return issued

    async def refresh(self, scope: Scope, text: str) -> Issued:
        """The next tokens of a session; see `refresh_session`. Refusals: TOKEN_INVALID."""
        return await refresh_session(self._database, scope, text, self._sources)

    async def _begin(
        self, scope: Scope, kind: ActorKind, email: str, against: tuple[Counted, ...]
    ) -> _Known | None:
        async def count(work: WriteWork) -> _Known | None:
            await count_attempt(work, against)
            row = await work.maybe(
                select(credential.c.actor_id, credential.c.password_hash).where(
                    credential.c.brand_id == work.scope.brand_id,
                    credential.c.actor_kind == kind.value,
                    credential.c.email == email,
                )
            )
            return _Known(row.actor_id, row.password_hash) if row else None

        return (await self._database.write(scope, count)).value

    async def _finish(
        self,
        scope: Scope,
        attempt: Attempt,
        known: _Known,
        against: tuple[Counted, ...],
        renewed: str | None,
    ) -> Issued | None:
        """The session, unless the actor may not come in or the password changed meanwhile."""

        async def come_in(work: WriteWork) -> Issued | None:
            whose = await find_whose(work, self._sources, attempt.kind, known.actor_id)
            if whose is None or not await _still(work, attempt.kind, known, renewed):
                return None
            await forgive_attempt(work, against)
            return await issue_session(work, whose, user_agent=attempt.user_agent)

        return (await self._database.write(scope, come_in)).value


async def _still(work: WriteWork, kind: ActorKind, known: _Known, renewed: str | None) -> bool:
    """Whether the judged hash is still the stored one; a stronger hash takes its place."""
    row: dict[str, Any] = {"password_hash": renewed or known.password_hash}
    found = await work.rows(
        update(credential)
        .where(
            credential.c.brand_id == work.scope.brand_id,
            credential.c.actor_kind == kind.value,
            credential.c.actor_id == known.actor_id,
            credential.c.password_hash == known.password_hash,
        )
        .values(**row)
        .returning(credential.c.actor_id)
    )
    return bool(found)
