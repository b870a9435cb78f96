"""Signing in with a password: what gets in, and that nobody learns why others do not."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, update

from domain.clients.actors import CLIENTS
from domain.ibs.actors import IBS
from domain.kernel.errors import DomainError
from tenants import tables
from tenants.actors import sources
from tenants.context import ActorKind
from tenants.denials import Denials
from tenants.password_reset import REQUESTED, PasswordReset, ResetRefused
from tenants.passwords import (
    NO_PASSWORD,
    Passwords,
    PasswordWeak,
    check_password,
    normalise_email,
    own_words,
)
from tenants.refusals import BrandNotNamed, Throttled
from tenants.sessions import Whose
from tenants.sign_in import OPERATION, Attempt, CredentialsRefused, SignIn
from tenants.single_use import issue_single_use
from tenants.throttle import (
    ACCOUNT,
    ADDRESS,
    count_attempt,
    counted_by,
    forgive_attempt,
    network_of,
    sweep,
)
from tenants.tokens import NO_BRAND
from tenants.values import Role, TokenKind

ACTORS = sources(CLIENTS, IBS)
PASSWORD = "correct horse battery"
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="module")
def passwords():
    return Passwords(FAST)


@pytest.fixture
def sign_in(database, passwords):
    return SignIn(database, passwords, ACTORS, Denials(database))


@pytest.fixture
def reset(database, passwords):
    return PasswordReset(database, passwords, ACTORS)


@pytest.fixture
def credential(make):
    def run(brand, kind, actor_id, email, password=PASSWORD):
        make.insert(
            tables.credential, brand, actor_kind=kind, actor_id=actor_id, email=email,
            password_hash=FAST.hash(password), changed_at=func.now(),
        )  # fmt: skip

    return run


@pytest.fixture
def client(make, brand, credential):
    made = make.client(brand)
    credential(brand, ActorKind.CLIENT, made.id, made.email)
    return made


def attempt(email, password=PASSWORD, kind=ActorKind.CLIENT):
    return Attempt(kind, email, password, "tests")


async def refused(sign_in, scope, *what, **more):
    with pytest.raises(DomainError) as caught:
        await sign_in(scope, attempt(*what, **more))
    return type(caught.value), str(caught.value), caught.value.path


async def test_each_kind_of_actor_signs_in(sign_in, make, brand, credential, client, scope_for):
    ib = make.ib(brand)
    credential(brand, ActorKind.IB, ib.id, "ib@example.com")
    credential(brand, ActorKind.STAFF, brand.staff[Role.SALES], "sales@example.com")
    for kind, email in (
        (ActorKind.CLIENT, f"  {client.email.upper()} "),
        (ActorKind.IB, "ib@example.com"),
        (ActorKind.STAFF, "sales@example.com"),
    ):
        issued = await sign_in(scope_for(brand), attempt(email, kind=kind))
        row = next(r for r in make.rows(tables.session, brand) if r.id == issued.session_id)
        assert (row.actor_kind, row.user_agent) == (kind, "tests")
    assert row.ib_path == ""


async def test_everybody_who_may_not_come_in_hears_the_same(
    sign_in, make, brand, brand_b, credential, client, scope_for
):
    scope = scope_for(brand)
    closed = make.client(brand, status="CLOSED")
    unverified = make.client(brand, status="REGISTERED")
    foreign = make.client(brand_b)
    for owner, one in ((brand, closed), (brand, unverified), (brand_b, foreign)):
        credential(owner, ActorKind.CLIENT, one.id, one.email)
    expected = await refused(sign_in, scope, "nobody@example.com")
    assert expected == (
        CredentialsRefused, "CREDENTIALS_INVALID: E-mail or password is wrong.", ("input",)
    )  # fmt: skip
    for what in (
        (client.email, "wrong password"),
        (closed.email, PASSWORD),
        (unverified.email, PASSWORD),
        (foreign.email, PASSWORD),
        (client.email, ""),
        (client.email, "x" * 100_000),
        ("", PASSWORD),
    ):
        assert await refused(sign_in, scope, *what) == expected
    assert await refused(sign_in, scope, client.email, kind=ActorKind.STAFF) == expected
    assert make.rows(tables.session, brand) == []


async def test_without_a_brand_there_is_nobody_to_be(sign_in, brand, scope_for):
    with pytest.raises(BrandNotNamed):
        await sign_in(replace(scope_for(brand), brand_id=NO_BRAND), attempt("a@example.com"))


@pytest.mark.parametrize("known", [True, False])
async def test_known_and_unknown_accounts_are_throttled_alike(
    sign_in, make, brand, client, scope_for, known
):
    email = client.email if known else "nobody@example.com"
    outcomes = []
    for _ in range(ACCOUNT.free + 3):
        with pytest.raises(DomainError) as caught:
            await sign_in(scope_for(brand), attempt(email, "wrong password"))
        outcomes.append(type(caught.value))
    assert outcomes == [CredentialsRefused] * (ACCOUNT.free + 1) + [Throttled] * 2
    with pytest.raises(Throttled) as blocked:
        await sign_in(scope_for(brand), attempt(email, PASSWORD))
    assert 0 < blocked.value.retry_after_s <= ACCOUNT.first_s
    row = next(r for r in make.rows(tables.throttle, brand) if ":account:" in r.key)
    assert row.failures == ACCOUNT.free + 1


async def test_attempts_at_once_are_all_counted(sign_in, make, brand, client, scope_for):
    results = await asyncio.gather(
        *(sign_in(scope_for(brand), attempt(client.email, "wrong password")) for _ in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, CredentialsRefused) for one in results) == ACCOUNT.free + 1
    assert sum(isinstance(one, Throttled) for one in results) == 20 - ACCOUNT.free - 1


async def test_a_right_password_takes_the_count_back(sign_in, make, brand, client, scope_for):
    scope = replace(scope_for(brand), ip="192.0.2.1")
    for _ in range(ACCOUNT.free):
        await refused(sign_in, scope, client.email, "wrong password")
    await sign_in(scope, attempt(client.email))
    left = {row.key.split(":")[1]: row for row in make.rows(tables.throttle, brand)}
    assert left["account"].failures == 0
    assert left["address"].failures == left["brand"].failures == ACCOUNT.free
    assert left["address"].key.endswith(":192.0.2.1")
    assert all(row.blocked_until is None for row in left.values())


async def test_an_address_is_throttled_over_all_accounts(sign_in, brand, scope_for):
    scope = replace(scope_for(brand), ip="2001:db8::1")
    for number in range(ADDRESS.free + 1):
        await refused(sign_in, scope, f"{number}@example.com")
    neighbour = replace(scope, ip="2001:db8::ffff")
    kind, _, _ = await refused(sign_in, neighbour, "another@example.com")
    assert kind is Throttled
    elsewhere = replace(scope, ip="2001:db8:0:1::1")
    assert (await refused(sign_in, elsewhere, "another@example.com"))[0] is CredentialsRefused


async def test_throttling_is_not_shared_between_brands(
    sign_in, brand, brand_b, client, make, credential, scope_for
):
    twin = make.client(brand_b, email=client.email)
    credential(brand_b, ActorKind.CLIENT, twin.id, client.email)
    for _ in range(ACCOUNT.free + 2):
        await refused(sign_in, scope_for(brand), client.email, "wrong password")
    assert (await refused(sign_in, scope_for(brand), client.email))[0] is Throttled
    assert (await sign_in(scope_for(brand_b), attempt(client.email))).access


async def test_waits_end_and_failures_leak_away(sign_in, make, brand, client, scope_for):
    for _ in range(ACCOUNT.free + 2):
        await refused(sign_in, scope_for(brand), client.email, "wrong password")
    age = tables.throttle.c.updated_at - timedelta(seconds=ACCOUNT.forget_s * 2)
    past = tables.throttle.c.blocked_until - timedelta(seconds=ACCOUNT.forget_s * 2)
    make.run(brand, update(tables.throttle).values(updated_at=age, blocked_until=past))
    await refused(sign_in, scope_for(brand), client.email, "wrong password")
    row = next(r for r in make.rows(tables.throttle, brand) if ":account:" in r.key)
    assert (row.failures, row.blocked_until) == (ACCOUNT.free, None)


async def test_quiet_rows_are_swept(sign_in, make, brand, client, scope_for, database):
    await refused(sign_in, scope_for(brand), client.email, "wrong password")
    assert (await database.write(scope_for(brand), sweep)).value == 0
    age = tables.throttle.c.updated_at - timedelta(days=2)
    make.run(brand, update(tables.throttle).values(updated_at=age))
    assert (await database.write(scope_for(brand), sweep)).value == 2
    assert make.rows(tables.throttle, brand) == []


def test_waits_double_up_to_a_limit():
    waits = [ACCOUNT.wait_s(failures) for failures in range(17)]
    assert waits[: ACCOUNT.free + 1] == [0.0] * (ACCOUNT.free + 1)
    assert waits[ACCOUNT.free + 1 :] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert ACCOUNT.wait_s(10**9) == 900


def test_failures_leak_away_however_often_one_asks():
    began = datetime(2026, 11, 30, tzinfo=UTC)
    assert ADDRESS.left(3, began, began + timedelta(days=9)) == (0, began + timedelta(days=9))
    assert ADDRESS.left(3, began, began - timedelta(seconds=1)) == (3, began), "a clock set back"
    failures, since = 0, began
    for number in range(1_000):  # one every 50 s, and one is forgotten a minute
        now = began + timedelta(seconds=50 * number)
        failures, since = ADDRESS.left(failures, since, now)
        failures += 1
        assert failures <= number * 10 / 60 + 2
    assert failures > ADDRESS.free
    steady, since = ADDRESS.free, began
    for number in range(1, 1_000):  # one a minute, and one is forgotten a minute
        steady, since = ADDRESS.left(steady, since, began + timedelta(seconds=60 * number))
        steady += 1
        assert steady == ADDRESS.free


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("2001:db8::5", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "unknown"),
    ],
)
def test_what_one_caller_owns(ip, network):
    assert network_of(ip) == network
    assert len(counted_by("x", "account", ip)) == 3
    assert len(counted_by("x", "account", None)) == 2


async def test_a_password_changed_meanwhile_opens_nothing(
    make, brand, client, scope_for, database, passwords
):
    class Slow(Passwords):
        async def verify(self, password_hash, password):
            verdict = await super().verify(password_hash, password)
            make.run(brand, update(tables.credential).values(password_hash=FAST.hash("another")))
            return verdict

    slow = SignIn(database, Slow(FAST), ACTORS, Denials(database))
    with pytest.raises(CredentialsRefused):
        await slow(scope_for(brand), attempt(client.email))
    assert make.rows(tables.session, brand) == []


async def test_a_weak_hash_is_renewed(make, brand, client, scope_for, database):
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    door = SignIn(database, stronger, ACTORS, Denials(database))
    (before,) = make.rows(tables.credential, brand)
    await door(scope_for(brand), attempt(client.email))
    (after,) = make.rows(tables.credential, brand)
    assert "t=2" in after.password_hash
    assert before.password_hash != after.password_hash
    await door(scope_for(brand), attempt(client.email))
    assert make.rows(tables.credential, brand) == [after]


async def test_failures_are_on_record_and_passwords_nowhere(
    sign_in, make, brand, client, scope_for
):
    await refused(sign_in, scope_for(brand), client.email, "my secret typo")
    await sign_in(scope_for(brand), attempt(client.email))
    assert [(row.action, row.outcome) for row in make.rows(tables.audit, brand)] == [
        ("session.create", "DENIED"),
        ("session.create", "DONE"),
    ]
    assert "typo" not in repr(attempt("a", "my secret typo"))


async def test_passwords(passwords):
    hashed = await passwords.hash("Pässwörter sind lang")
    assert hashed.startswith("$argon2id$")
    assert (await passwords.verify(hashed, "Pa\u0308sswo\u0308rter sind lang")).right
    assert not (await passwords.verify(hashed, "pässwörter sind lang")).right
    assert not (await passwords.verify("no hash", "x")).right
    assert not (await passwords.verify(None, "nobody's password")).right
    await passwords.warm_up()
    assert (await passwords.verify(await passwords.renew("x"), "x")).right
    assert not (await passwords.verify(NO_PASSWORD, "")).right
    assert normalise_email(" Ａnn@EXAMPLE.com") == "ann@example.com"


@pytest.mark.parametrize(
    "password",
    ["", "123456789", "x" * 129, "Password123", "ＰＡＳＳＷＯＲＤ123", "ababababab", "my-annabel-7",
     "LEELEE-annABEL"],
)  # fmt: skip
async def test_one_rule_for_new_passwords(passwords, password):
    with pytest.raises(PasswordWeak) as caught:
        check_password(password, own_words("Jo Lee", "annabel@example.com"))
    assert (caught.value.code, caught.value.path) == ("PASSWORD_WEAK", ("input", "password"))
    if "annabel" not in password.lower():
        with pytest.raises(PasswordWeak):
            await passwords.hash(password)


def test_a_short_name_does_not_spoil_a_password():
    check_password("sleeping dogs lie", ("ann", "Lee"))


async def test_a_right_password_ends_no_wait_that_others_earned(
    sign_in, make, brand, client, scope_for, database
):
    scope = replace(scope_for(brand), ip="192.0.2.1")
    against = counted_by(OPERATION, "CLIENT|mine@example.com", scope.ip)
    await refused(sign_in, scope, client.email, "wrong password")
    make.run(brand, update(tables.throttle).values(failures=ADDRESS.free + 3))
    await database.write(scope, lambda work: count_attempt(work, against))
    await database.write(scope, lambda work: forgive_attempt(work, against))
    left = {row.key.split(":")[1]: row for row in make.rows(tables.throttle, brand)}
    assert left["address"].failures == ADDRESS.free + 3
    assert left["address"].blocked_until is not None
    with pytest.raises(Throttled):
        await database.write(scope, lambda work: count_attempt(work, against))


async def test_a_wait_of_ones_own_right_attempt_is_taken_back(
    sign_in, make, brand, client, scope_for
):
    scope = replace(scope_for(brand), ip="192.0.2.1")
    await sign_in(scope, attempt(client.email))
    make.run(brand, update(tables.throttle).values(failures=ADDRESS.free))
    account = tables.throttle.c.key.like("%account%")
    make.run(brand, update(tables.throttle).where(account).values(failures=0))
    sessions = {(await sign_in(scope, attempt(client.email))).session_id for _ in range(3)}
    assert len(sessions) == 3


async def test_a_token_that_is_none_costs_no_hash(database, brand, scope_for):
    class Counting(Passwords):
        async def hash(self, password):
            raise AssertionError("hashed")

    guarded = PasswordReset(database, Counting(FAST), ACTORS)
    scope = replace(scope_for(brand), ip="192.0.2.1")
    seen = []
    for number in range(ADDRESS.free + 2):
        text = f"bk_reset_{brand.id.hex}_{number:032x}_{'x' * 43}"
        with pytest.raises(DomainError) as caught:
            await guarded.complete(scope, text, "another good password")
        seen.append(type(caught.value))
    assert seen == [ResetRefused] * (ADDRESS.free + 1) + [Throttled]


async def test_a_reset_is_asked_for_without_a_trace_of_who_exists(
    reset, make, brand, client, scope_for, count_statements
):
    sent = []
    for email in (client.email, "nobody@example.com"):
        with count_statements() as counted:
            assert await reset.request(scope_for(brand), ActorKind.CLIENT, email) is None
        sent.append(counted.total)
    assert sent[0] == sent[1]
    event, other = make.rows(tables.event, brand)
    assert (event.topic, event.kind, event.object_id) == ("CLIENT", REQUESTED, client.id)
    assert (other.topic, other.kind, other.object_id, other.client_id) == (
        "CLIENT", REQUESTED, None, None,
    )  # fmt: skip
    assert event.payload == other.payload == {}
    one, two = make.rows(tables.audit, brand)
    assert (one.action, one.object_id) == (two.action, two.object_id)
    assert make.rows(tables.token, brand) == []


async def test_a_reset_changes_the_password_and_ends_every_session(
    reset, sign_in, make, brand, brand_b, client, scope_for, database
):
    old = await sign_in(scope_for(brand), attempt(client.email))
    whose = Whose(ActorKind.CLIENT, client.id)
    minted = (
        await database.write(
            scope_for(brand, "system"), lambda w: issue_single_use(w, TokenKind.RESET, whose)
        )
    ).value
    with pytest.raises(PasswordWeak):
        await reset.complete(scope_for(brand), minted.text, "short")
    with pytest.raises(PasswordWeak):
        await reset.complete(scope_for(brand), minted.text, f"{client.email} is me")
    with pytest.raises(ResetRefused):
        await reset.complete(scope_for(brand_b), minted.text, "another good password")
    await reset.complete(scope_for(brand), minted.text, "another good password")
    with pytest.raises(ResetRefused):
        await reset.complete(scope_for(brand), minted.text, "a third good password")
    await refused(sign_in, scope_for(brand), client.email)
    await sign_in(scope_for(brand), attempt(client.email, "another good password"))
    ended = next(r for r in make.rows(tables.session, brand) if r.id == old.session_id)
    assert ended.status == "REVOKED"
