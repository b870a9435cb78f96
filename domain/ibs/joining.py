"""The whole of accepting an invitation, around its transactions: throttle, hash, write."""

from collections.abc import Sequence
from functools import partial

from domain.ibs.commands.accept_invitation import Joining, accept_invitation
from domain.ibs.errors import InvitationRefused
from domain.ibs.queries import find_invitation
from tenants.context import Scope
from tenants.passwords import Passwords, check_password, own_words
from tenants.sessions import Issued, issue_session
from tenants.single_use import find_live
from tenants.throttle import Counted, count_attempt, counted_by, forgive_attempt
from tenants.values import TokenKind
from tenants.work import Database, WriteWork


async def join(
    database: Database,
    passwords: Passwords,
    scope: Scope,
    *,
    typed: Joining,
    password: str,
    device: str | None = None,
) -> Issued:
    """Join the tree with the token from an invitation's mail; the new ib's first session.

    A password is hashed only for whoever holds a living token.
    Refusals: FORBIDDEN without a brand, PASSWORD_WEAK, THROTTLED, and those of
    `accept_invitation`.
    """
    asking = scope.as_nobody()
    check_password(password)
    against = counted_by("ib.join", typed.token, asking.ip)
    words = (await database.write(asking, partial(_look, against, typed.token))).value
    if words is None:
        raise InvitationRefused()
    check_password(password, words)
    password_hash = await passwords.hash(password)

    async def command(work: WriteWork) -> Issued:
        whose = await accept_invitation(work, typed, password_hash)
        await forgive_attempt(work, against)
        return await issue_session(work, whose, user_agent=device)

    return (await database.write(asking, command)).value


async def _look(against: Sequence[Counted], token: str, work: WriteWork) -> tuple[str, ...] | None:
    """Count the attempt; what the password of the invited may not hold, None without a token."""
    await count_attempt(work, against)
    named = await find_live(work, TokenKind.VERIFY, token)
    found = await find_invitation(work, named.id) if named else None
    return own_words(found.name, found.email) if found else None
