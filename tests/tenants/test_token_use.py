"""When a token was last used: noted at each judging, written in rounds."""

import asyncio

from api.auth import make_identifier
from domain.kernel.errors import Unavailable
from tenants import tables
from tenants.brands import Directory
from tenants.identify import Asking
from tenants.rounds import every
from tenants.token_use import TokenUse


async def test_use_is_written_at_the_end_at_the_latest(database, make, brand, brand_b):
    use = TokenUse(database)
    identifier = make_identifier(database, Directory(database), use)
    used = [make.api_token(one, scopes=["session:read"]) for one in (brand, brand_b)]
    idle = make.api_token(brand, scopes=["session:read"])
    session = make.staff_token(brand, "sales")
    async with use.running():
        for token in (*used, used[0], session):
            await identifier.identify(Asking(authorization=f"Bearer {token.text}"))
        assert make.rows(tables.token, brand_b)[0].used_at is None
    seen = {row.id: row.used_at for one in (brand, brand_b) for row in make.rows(tables.token, one)}
    assert [seen[token.id] is not None for token in used] == [True, True]
    assert (seen[idle.id], seen[session.id]) == (None, None)
    assert await use.flush() == 0


async def test_a_round_that_fails_is_not_the_last():
    rounds, thrice = [], asyncio.Event()

    async def work():
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise Unavailable()
        if len(rounds) == 3:
            thrice.set()

    async with every(0.01, work, name="test"):
        await thrice.wait()
    done = len(rounds)
    await asyncio.sleep(0.05)
    assert len(rounds) == done
