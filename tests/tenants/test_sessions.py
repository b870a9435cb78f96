"""Sessions: rotation, reuse, revocation; and that a write sees a revocation at once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from domain.clients.actors import CLIENTS
from domain.ibs.actors import IBS
from domain.kernel.errors import NotFound
from domain.kernel.ids import new_uuid
from tenants import sessions, tables, tokens
from tenants.actors import sources
from tenants.brands import Directory
from tenants.context import ActorKind
from tenants.identify import Asking, Identifier
from tenants.refusals import RightsChanged, Unauthenticated
from tenants.sessions import (
    Lifetimes,
    RefreshRefused,
    Whose,
    issue_session,
    refresh_session,
    revoke_all,
    revoke_session,
)
from tenants.single_use import issue_single_use, redeem
from tenants.tokens import NO_BRAND
from tenants.values import Role, TokenKind

ACTORS = sources(CLIENTS, IBS)


@pytest.fixture
def identify(database):
    async def run(minted, **more):
        fresh = Identifier(database, Directory(database), ACTORS)
        return await fresh.identify(Asking(authorization=f"Bearer {minted.text}", **more))

    return run


@pytest.fixture
def issue(database, scope_for):
    async def run(brand, whose, **more):
        async def begin(work):
            return await issue_session(work, whose, **more)

        return (await database.write(scope_for(brand), begin)).value

    return run


async def test_a_session_of_each_kind_opens_what_its_actor_may(
    make, brand, issue, identify, scope_for
):
    ib = make.ib(brand)
    client = make.client(brand, ib)
    staff = brand.staff[Role.SALES]
    for whose, narrowed in (
        (Whose(ActorKind.STAFF, staff), (None, None)),
        (Whose(ActorKind.CLIENT, client.id), (client.id, None)),
        (Whose(ActorKind.IB, ib.id, ib.path), (None, ib.path)),
    ):
        issued = await issue(brand, whose, user_agent="x" * 1000)
        scope = await identify(issued.access)
        assert (scope.actor.kind, scope.actor.id) == (whose.kind, whose.id)
        assert (scope.client_id, scope.ib_path) == narrowed
        with pytest.raises(Unauthenticated):
            await identify(issued.refresh)


async def test_tokens_live_as_long_as_promised(make, brand, issue):
    whose = Whose(ActorKind.STAFF, brand.staff[Role.SALES])
    issued = await issue(brand, whose)
    rows = {row.id: row for row in make.rows(tables.token, brand)}
    access, refresh = rows[issued.access.id], rows[issued.refresh.id]
    assert access.expires_at - access.created_at == timedelta(minutes=15)
    assert refresh.expires_at - refresh.created_at == timedelta(days=30)
    long = await issue(brand, whose, lifetimes=Lifetimes(access=timedelta(days=30)))
    rows = {row.id: row for row in make.rows(tables.token, brand)}
    assert rows[long.access.id].expires_at == long.access_expires_at
    assert issued.access.text.encode() not in bytes(access.secret_hash)


async def test_a_sandbox_that_moves_its_clock_moves_no_sign_in(make, brand, issue, identify):
    month = 30 * 24 * 3600 * 1000
    make.run(brand, update(tables.brand_state).values(clock_offset_ms=month))
    issued = await issue(brand, Whose(ActorKind.STAFF, brand.staff[Role.SALES]))
    make.run(brand, update(tables.brand_state).values(clock_offset_ms=2 * month))
    await identify(issued.access)
    row = next(r for r in make.rows(tables.token, brand) if r.id == issued.access.id)
    assert row.expires_at - row.created_at == timedelta(minutes=15)


async def test_refresh_rotates(make, brand, issue, identify, database, scope_for):
    issued = await issue(brand, Whose(ActorKind.STAFF, brand.staff[Role.SALES]))
    second = await refresh_session(database, scope_for(brand), issued.refresh.text, ACTORS)
    assert second.session_id == issued.session_id
    assert second.refresh.text != issued.refresh.text
    await identify(second.access)
    neutral = replace(scope_for(brand), brand_id=NO_BRAND)
    third = await refresh_session(database, neutral, second.refresh.text, ACTORS)
    await identify(third.access)


async def test_a_session_revoked_during_a_refresh_stays_revoked(
    make, brand, issue, database, scope_for, monkeypatch
):
    """The refresh found the session active; before it prolonged it, another work revoked it."""
    issued = await issue(brand, Whose(ActorKind.STAFF, brand.staff[Role.SALES]))
    whole = sessions.find_whose

    async def revoke_meanwhile(*given):
        table = tables.session
        make.run(brand, update(table).values(status="REVOKED", revoked_at=table.c.created_at))
        return await whole(*given)

    (before,) = make.rows(tables.session, brand)
    monkeypatch.setattr(sessions, "find_whose", revoke_meanwhile)
    with pytest.raises(RefreshRefused):
        await refresh_session(database, scope_for(brand), issued.refresh.text, ACTORS)
    (after,) = make.rows(tables.session, brand)
    assert (after.status, after.expires_at) == ("REVOKED", before.expires_at)
    assert len(make.rows(tables.token, brand)) == 2


async def test_reuse_ends_the_whole_session_for_good(
    make, brand, issue, identify, database, scope_for
):
    issued = await issue(brand, Whose(ActorKind.STAFF, brand.staff[Role.SALES]))
    other = await issue(brand, Whose(ActorKind.STAFF, brand.staff[Role.SALES]))
    second = await refresh_session(database, scope_for(brand), issued.refresh.text, ACTORS)
    for text in (issued.refresh.text, second.refresh.text, issued.refresh.text):
        with pytest.raises(RefreshRefused):
            await refresh_session(database, scope_for(brand), text, ACTORS)
    for minted in (issued.access, second.access):
        with pytest.raises(Unauthenticated):
            await identify(minted)
    await identify(other.access)
    reasons = [row.reason for row in make.rows(tables.audit, brand) if row.reason]
    assert reasons == ["A refresh token was used twice."]


async def test_racing_refreshes_end_with_one_winner_at_most(
    make, brand, issue, database, scope_for
):
    issued = await issue(brand, Whose(ActorKind.STAFF, brand.staff[Role.SALES]))
    results = await asyncio.gather(
        *(
            refresh_session(database, scope_for(brand), issued.refresh.text, ACTORS)
            for _ in range(5)
        ),
        return_exceptions=True,
    )
    won = [one for one in results if not isinstance(one, BaseException)]
    assert len(won) == 1
    assert all(isinstance(one, RefreshRefused) for one in results if one not in won)
    (row,) = make.rows(tables.session, brand)
    assert row.status == "REVOKED"


async def test_every_refresh_that_fails_says_the_same(
    make, brand, brand_b, issue, database, scope_for
):
    closed = make.client(brand)
    whose = Whose(ActorKind.CLIENT, closed.id)
    good, expired, of_closed = (
        await issue(brand, Whose(ActorKind.STAFF, brand.staff[Role.SALES])),
        await issue(
            brand,
            Whose(ActorKind.STAFF, brand.staff[Role.SALES]),
            lifetimes=Lifetimes(refresh=timedelta(seconds=-1)),
        ),
        await issue(brand, whose),
    )
    make.run(brand, update(CLIENTS.table).values(status="CLOSED"))
    read = tokens.parse(good.refresh.text)
    texts = [
        expired.refresh.text,
        of_closed.refresh.text,
        good.access.text,
        good.refresh.text[:-1] + ("A" if good.refresh.text[-1] != "A" else "B"),
        tokens.TokenText(read.kind, brand_b.id, read.id, read.secret).render(),
        tokens.mint(tokens.TextKind.REFRESH, brand.id, new_uuid()).text,
        "nothing",
    ]
    for scope in (scope_for(brand), replace(scope_for(brand), brand_id=NO_BRAND)):
        for text in texts:
            with pytest.raises(RefreshRefused):
                await refresh_session(database, scope, text, ACTORS)
    with pytest.raises(RefreshRefused):
        await refresh_session(database, scope_for(brand_b), good.refresh.text, ACTORS)
    await refresh_session(database, scope_for(brand), good.refresh.text, ACTORS)


async def test_revocation_is_seen_by_the_next_write_at_once(
    make, brand, issue, identify, database, scope_for
):
    client = make.client(brand)
    whose = Whose(ActorKind.CLIENT, client.id)
    issued = await issue(brand, whose)
    scope = await identify(issued.access)

    async def nothing(work):
        return "done"

    assert (await database.write(scope, nothing)).value == "done"
    await database.write(scope, lambda work: revoke_session(work, issued.session_id))
    with pytest.raises(Unauthenticated):
        await database.write(scope, nothing)


async def test_a_new_policy_is_seen_by_the_next_write_at_once(
    make, brand, issue, identify, database
):
    issued = await issue(brand, Whose(ActorKind.STAFF, brand.staff[Role.SALES]))
    scope = await identify(issued.access)
    make.run(brand, update(tables.brand_state).values(policy_version=2))
    with pytest.raises(RightsChanged):
        await database.write(scope, lambda work: revoke_session(work, issued.session_id))
    assert make.rows(tables.session, brand)[0].status == "ACTIVE"


async def test_ones_own_sessions_only(make, brand, brand_b, issue, identify, database):
    one, two = make.client(brand), make.client(brand)
    mine = await issue(brand, Whose(ActorKind.CLIENT, one.id))
    theirs = await issue(brand, Whose(ActorKind.CLIENT, two.id))
    staffs = await issue(brand, Whose(ActorKind.STAFF, brand.staff[Role.BRAND_ADMIN]))
    foreign = await issue(brand_b, Whose(ActorKind.STAFF, brand_b.staff[Role.SALES]))
    me, admin = await identify(mine.access), await identify(staffs.access)
    for scope in (me, admin):
        for session_id in (theirs.session_id, foreign.session_id, new_uuid()):
            with pytest.raises(NotFound):
                await database.write(scope, lambda work, key=session_id: revoke_session(work, key))
    for other in (theirs, foreign):
        await identify(other.access)


async def test_revoke_all_but_one(make, brand, issue, identify, database, scope_for):
    client, other = make.client(brand), make.client(brand)
    whose = Whose(ActorKind.CLIENT, client.id)
    several = [await issue(brand, whose) for _ in range(3)]
    spared = await issue(brand, Whose(ActorKind.CLIENT, other.id))

    async def end(work):
        return await revoke_all(work, whose.kind, whose.id, keep=several[1].session_id)

    assert (await database.write(scope_for(brand, client=client), end)).value == 2
    for issued, lives in zip(several, (False, True, False), strict=True):
        if lives:
            await identify(issued.access)
        else:
            with pytest.raises(Unauthenticated):
                await identify(issued.access)
    await identify(spared.access)


async def test_single_use_tokens(make, brand, brand_b, database, scope_for):
    client = make.client(brand)
    whose = Whose(ActorKind.CLIENT, client.id)
    scope, foreign = scope_for(brand, "system"), scope_for(brand_b, "system")

    async def mint(kind):
        return (await database.write(scope, lambda w: issue_single_use(w, kind, whose))).value.text

    async def use(text, kind, by=scope):
        return (await database.write(by, lambda w: redeem(w, kind, text))).value

    first = await mint(TokenKind.RESET)
    newer = await mint(TokenKind.RESET)
    verify = await mint(TokenKind.VERIFY)
    assert await use(first, TokenKind.RESET) is None
    assert await use(newer, TokenKind.VERIFY) is None
    assert await use(newer, TokenKind.RESET, foreign) is None
    assert await use(newer[:-1] + "~", TokenKind.RESET) is None
    assert await use(newer, TokenKind.RESET) == whose
    assert await use(newer, TokenKind.RESET) is None
    assert await use(verify, TokenKind.VERIFY) == whose
    expired = await mint(TokenKind.RESET)
    make.run(brand, update(tables.token).values(expires_at=tables.token.c.created_at))
    assert await use(expired, TokenKind.RESET) is None
