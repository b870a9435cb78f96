"""The whole of a registration, around its transaction: throttle, hash, write."""

from domain.clients.commands.register_client import register_client
from domain.clients.ports import FindIntroducer
from domain.clients.rules import read_form
from domain.clients.values import RegistrationForm
from tenants.context import ActorKind, Scope
from tenants.passwords import Passwords
from tenants.throttle import count_attempt, counted_by
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
    hashed and answered alike. The scope must see the whole brand and be nobody's session.
    Refusals: INVALID, PASSWORD_WEAK, THROTTLED, and those of `register_client`.
    """
    assert scope.actor.kind is ActorKind.ANONYMOUS, "nobody registers from within a session"
    registration = read_form(form)
    against = counted_by("register", registration.email, scope.ip)
    await database.write(scope, lambda work: count_attempt(work, against))
    password_hash = await passwords.hash(form.password)

    async def command(work: WriteWork) -> None:
        await register_client(
            work, registration, password_hash=password_hash, find_introducer=find_introducer
        )

    await database.write(scope, command)
