"""Forgotten passwords: ask with an e-mail, come back with what the mail contained.

Asking answers the same for everybody. For a known actor it appends an event; whoever writes the
mail mints the token then (`tenants.single_use`), so that the log never holds a secret.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import select, update

from domain.kernel.errors import Refused
from tenants.actors import ActorSource
from tenants.context import ActorKind, Scope
from tenants.log import Change, Event
from tenants.passwords import Passwords, normalise_email
from tenants.refusals import BrandNotNamed
from tenants.sessions import find_whose, revoke_all
from tenants.single_use import redeem
from tenants.tables import credential
from tenants.throttle import count_attempt, counted_by
from tenants.tokens import NO_BRAND
from tenants.values import TokenKind
from tenants.work import Database, WriteWork

REQUESTED = "password_reset_requested"


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
        address = normalise_email(email)
        against = counted_by("password.reset", f"{kind}|{address}", scope.ip)

        async def ask(work: WriteWork) -> None:
            await count_attempt(work, against)
            row = await work.maybe(
                select(credential.c.actor_id).where(
                    credential.c.brand_id == work.scope.brand_id,
                    credential.c.actor_kind == kind.value,
                    credential.c.email == address,
                )
            )
            whose = await find_whose(work, self._sources, kind, row.actor_id) if row else None
            if whose is not None:
                work.emit(
                    Event(
                        topic=kind.value,
                        kind=REQUESTED,
                        object_id=whose.id,
                        client_id=whose.id if kind is ActorKind.CLIENT else None,
                        ib_path=whose.ib_path or "",
                    )
                )
            work.audit(Change("password.reset_request", object_kind=kind.value.lower()))

        await self._database.write(_nobody(scope), ask)

    async def complete(self, scope: Scope, text: str, password: str) -> None:
        """Set the new password, use the token up and end every session of its actor.

        Refusals: TOKEN_INVALID; PASSWORD_WEAK; FORBIDDEN when no brand is named.
        """
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
            work.audit(
                Change("password.reset", object_kind=whose.kind.value.lower(), object_id=whose.id)
            )

        await self._database.write(_nobody(scope), change)


def _nobody(scope: Scope) -> Scope:
    """The scope for rows that no client or ib session may touch. Refusals: FORBIDDEN."""
    if scope.brand_id == NO_BRAND:
        raise BrandNotNamed()
    return replace(scope, client_id=None, ib_path=None, token_id=None, policy_version=0)
