"""What the driver's callers do, one act at a time."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

from tenants.values import Role
from tests.chaos.bare import MOVE
from tests.chaos.cast import CURRENCIES, House
from tests.chaos.driver import Driver, Wish
from tests.chaos.subscriber import EVENTS

Act = Callable[[Driver, random.Random], Awaitable[None]]
AMOUNTS = (1, 7, 50, 3_000, 60_000)


def acts(houses: list[House]) -> list[Act]:
    """Everything that callers do, as often as it stands here."""

    async def move(driver: Driver, dice: random.Random) -> None:
        """Between two clients of a brand, in whichever direction."""
        house = dice.choice(houses)
        one, other = dice.sample(house.clients, 2)
        amount, currency = dice.choice(AMOUNTS), dice.choice(CURRENCIES)
        given = {
            "brand": house.brand_id.hex,
            "from": one.id.hex,
            "to": other.id.hex,
            "currency": currency,
            "amount": amount,
        }
        altered = {"amount": amount + 1}
        await driver.want(Wish(one.token, MOVE, given, given, altered), dice)

    return [move]


def warming(houses: list[House]) -> list[tuple[str, str, dict[str, Any]]]:
    """One request of each kind: read or refused, so that the journal need not know it."""
    house = houses[0]
    one, other = house.clients[:2]
    given = {
        "idempotencyKey": "warming",
        "brand": house.brand_id.hex,
        "from": one.id.hex,
        "to": other.id.hex,
        "currency": CURRENCIES[0],
        "amount": 10**12,
    }
    return [
        (MOVE.path, one.token, {"variables": {"input": given}}),
        ("/graphql", house.tokens[Role.BRAND_ADMIN], {"query": EVENTS}),
    ]
