"""The whole of a registration, around its transaction: throttle, hash, write."""

from domain.clients.commands.register_client import register_client
from domain.clients.ports import FindIntroducer
from domain.clients.rights import nobody
from domain.clients.rules import read_form
from domain.clients.values import RegistrationForm
from tenants.context import Scope
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
    hashed and answered alike. A session that the request may carry counts for nothing.
    Refusals: FORBIDDEN without a brand, INVALID, PASSWORD_WEAK, THROTTLED, and those of
    `register_client`.
    """
    asking = nobody(scope)
    registration = read_form(form)
    against = counted_by("register", registration.email, asking.ip)
    await database.write(asking, lambda work: count_attempt(work, against))
    password_hash = await passwords.hash(form.password)

    async def command(work: WriteWork) -> None:
        await register_client(
            work, registration, password_hash=password_hash, find_introducer=find_introducer
        )

    await database.write(asking, command)
