"""Forgotten passwords: ask with an e-mail, come back with what the mail contained.

Asking answers and costs the same for everybody: it appends an event, which names the actor or
nobody. Whoever writes the mail mints the token then (`tenants.single_use`), so that the log never
holds a secret. A new password is hashed only for whoever holds a living token.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from domain.kernel.errors import Refused
from tenants.actors import ActorSource
from tenants.context import ActorKind, Scope
from tenants.log import Change, Event
from tenants.passwords import Passwords, check_password, normalise_email, own_words
from tenants.sessions import Whose, find_whose, revoke_all
from tenants.single_use import find_live, redeem
from tenants.tables import credential
from tenants.throttle import count_attempt, counted_by, forgive_attempt
from tenants.values import TokenKind
from tenants.work import Database, WriteWork

REQUESTED = "password_reset_requested"
_NOBODY = UUID(int=0)


class ResetRefused(Refused):
    """Forged, used, replaced, expired or another brand's: one answer for all."""

    def __init__(self) -> None:
        message = "This link is not valid any more."
        super().__init__("TOKEN_INVALID", message, path=("input", "token"))


class PasswordReset:
    """Both halves of a reset. One per process."""

    def __init__(
        self, database: Database, passwords: Passwords, sources: Mapping[ActorKind, ActorSource]
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._sources = sources

    async def request(self, scope: Scope, kind: ActorKind, email: str) -> None:
        """Have a mail sent if the account exists; the caller can't tell.

        Refusals: THROTTLED; FORBIDDEN when no brand is named.
        """
        asking, address = scope.as_nobody(), normalise_email(email)
        against = counted_by("password.reset", f"{kind}|{address}", asking.ip)

        async def ask(work: WriteWork) -> None:
            await count_attempt(work, against)
            row = await work.maybe(
                select(credential.c.actor_id).where(
                    credential.c.brand_id == work.scope.brand_id,
                    credential.c.actor_kind == kind.value,
                    credential.c.email == address,
                )
            )
            # Asked for nobody as well, so that statements and rows tell nothing apart.
            whose = await find_whose(work, self._sources, kind, row.actor_id if row else _NOBODY)
            work.emit(_requested(kind, whose))
            work.audit(Change("password.reset_request", object_kind=kind.value.lower()))

        await self._database.write(asking, ask)

    async def complete(self, scope: Scope, text: str, password: str) -> None:
        """Set the new password, use the token up and end every session of its actor.

        Refusals: PASSWORD_WEAK; THROTTLED; TOKEN_INVALID; FORBIDDEN when no brand is named.
        """
        asking = scope.as_nobody()
        check_password(password)
        against = counted_by("password.set", text, asking.ip)

        async def look(work: WriteWork) -> tuple[str, ...] | None:
            await count_attempt(work, against)
            whose = await find_live(work, TokenKind.RESET, text)
            return await self._own_words(work, whose) if whose else None

        words = (await self._database.write(asking, look)).value
        if words is None:
            raise ResetRefused()
        check_password(password, words)
        password_hash = await self._passwords.hash(password)

        async def change(work: WriteWork) -> None:
            named = await redeem(work, TokenKind.RESET, text)
            whose = named and await find_whose(work, self._sources, named.kind, named.id)
            if not whose:
                raise ResetRefused()
            changed = await work.rows(
                update(credential)
                .where(
                    credential.c.brand_id == work.scope.brand_id,
                    credential.c.actor_kind == whose.kind.value,
                    credential.c.actor_id == whose.id,
                )
                .values(password_hash=password_hash, changed_at=work.now())
                .returning(credential.c.actor_id)
            )
            if not changed:
                raise ResetRefused()
            await revoke_all(work, whose.kind, whose.id)
            await forgive_attempt(work, against)
            work.audit(
                Change("password.reset", object_kind=whose.kind.value.lower(), object_id=whose.id)
            )

        await self._database.write(asking, change)

    async def _own_words(self, work: WriteWork, whose: Whose) -> tuple[str, ...]:
        """What the actor's password may not hold; nothing for one that is gone."""
        source = self._sources[whose.kind]
        row: Any = await work.maybe(
            select(source.name.label("name"), credential.c.email)
            .select_from(source.table)
            .join(
                credential,
                (credential.c.brand_id == source.table.c.brand_id)
                & (credential.c.actor_id == source.table.c.id),
            )
            .where(
                source.table.c.brand_id == work.scope.brand_id,
                source.table.c.id == whose.id,
                credential.c.actor_kind == whose.kind.value,
            )
        )
        return own_words(row.name, row.email) if row else ()


def _requested(kind: ActorKind, whose: Whose | None) -> Event:
    """The event of a request; for an unknown address one that only staff see, about nobody."""
    return Event(
        topic=kind.value,
        kind=REQUESTED,
        object_id=whose.id if whose else None,
        client_id=whose.id if whose and kind is ActorKind.CLIENT else None,
        ib_path=(whose.ib_path or "") if whose else "",
    )
