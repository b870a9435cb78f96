"""The whole of a registration and of its verification, around their transactions.

Throttle, hash, write: no transaction waits for a hash, and a flood costs none.
"""

from collections.abc import Sequence
from functools import partial

from domain.clients.commands.register_client import register_client
from domain.clients.commands.verify_email import verify_email
from domain.clients.errors import TokenRefused
from domain.clients.ports import FindIntroducer
from domain.clients.queries import find_addressee
from domain.clients.rules import read_form
from domain.clients.values import RegistrationForm, Verification
from tenants.context import Scope
from tenants.passwords import Passwords, check_password, own_words
from tenants.sessions import Issued, issue_session
from tenants.single_use import find_live
from tenants.throttle import Counted, count_attempt, counted_by, forgive_attempt
from tenants.values import TokenKind
from tenants.work import Database, WriteWork


async def register(
    database: Database,
    passwords: Passwords,
    scope: Scope,
    *,
    form: RegistrationForm,
    find_introducer: FindIntroducer,
) -> None:
    """Register whoever filled the form with the scope's brand.

    The password is hashed before the transaction opens, since that takes some 50 ms, and after
    the attempt was counted, so that a flood costs no hashes. Known and new addresses are counted,
    hashed and answered alike. A session that the request may carry counts for nothing.
    Refusals: FORBIDDEN without a brand, INVALID, PASSWORD_WEAK, THROTTLED, and those of
    `register_client`.
    """
    asking = scope.as_nobody()
    registration = read_form(form)
    against = counted_by("register", registration.email, asking.ip)
    await database.write(asking, lambda work: count_attempt(work, against))
    password_hash = await passwords.hash(form.password)

    async def command(work: WriteWork) -> None:
        await register_client(
            work, registration, password_hash=password_hash, find_introducer=find_introducer
        )

    await database.write(asking, command)


async def verify(
    database: Database, passwords: Passwords, scope: Scope, *, typed: Verification
) -> Issued:
    """Prove an address with the token from its mail; the client's first session.

    A password is hashed only for whoever holds a living token.
    Refusals: FORBIDDEN without a brand, TOKEN_INVALID, PASSWORD_REQUIRED, PASSWORD_WEAK, THROTTLED.
    """
    asking = scope.as_nobody()
    against = counted_by("email.verify", typed.token, asking.ip)
    password_hash = None
    if typed.password is not None:
        check_password(typed.password)
        words = (await database.write(asking, partial(_look, against, typed.token))).value
        if words is None:
            raise TokenRefused()
        check_password(typed.password, words)
        password_hash = await passwords.hash(typed.password)

    async def command(work: WriteWork) -> Issued:
        whose = await verify_email(work, typed.token, password_hash=password_hash)
        if password_hash is not None:
            await forgive_attempt(work, against)
        return await issue_session(work, whose, user_agent=typed.device)

    return (await database.write(asking, command)).value


async def _look(against: Sequence[Counted], token: str, work: WriteWork) -> tuple[str, ...] | None:
    """Count the attempt; what the password of the token's client may not hold, None without one."""
    await count_attempt(work, against)
    whose = await find_live(work, TokenKind.VERIFY, token)
    to = await find_addressee(work, whose.id) if whose else None
    return own_words(to.name, to.email) if to else None
