"""What the driver's callers do, one act at a time, over the API as clients and staff do it."""

import random
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from tenants.values import Role
from tests.chaos.asking import Broken, Unknown, Verb
from tests.chaos.bare import MOVE
from tests.chaos.cast import CURRENCIES, House, Person
from tests.chaos.driver import Driver, Wish
from tests.chaos.nursery import Warming
from tests.chaos.subscriber import EVENTS

Act = Callable[[Driver, random.Random], Awaitable[None]]
MINORS = (1, 7, 50, 3_000, 60_000)
# Above 500 units somebody must look at a withdrawal.
WITHDRAWN = (1, 50, 3_000, 60_000)
_CENT = Decimal("0.01")


def _verb(name: str, shown: str, fields: str = "id status") -> Verb:
    kind = f"{name[0].upper()}{name[1:]}Input"
    document = (
        f"mutation($input: {kind}!) {{ {name}(input: $input) {{"
        f" {shown} {{ {fields} }} replayed errors {{ code message path }} }} }}"
    )
    return Verb(name, document, shown)


DEPOSIT = _verb("depositCreate", "deposit")
TRANSFER = _verb("transferCreate", "transfer")
QUOTE = _verb("conversionQuoteCreate", "quote", "id")
WITHDRAWAL = _verb("withdrawalCreate", "withdrawal", "id status version")
CANCEL = _verb("withdrawalCancel", "withdrawal")
_APPROVE = """mutation($input: WithdrawalApproveInput!) {
  withdrawalApprove(input: $input) { withdrawal { id } errors { code } } }"""


def acts(houses: list[House], *, only: str | None = None) -> list[Act]:
    """Everything that callers do, as often as it stands here; or all of them the same."""
    cashier = Cashier(houses)
    if only is not None:
        return [getattr(cashier, only)]
    return [
        cashier.deposit,
        cashier.move,
        cashier.onto_account,
        cashier.withdraw,
        cashier.move,
        cashier.convert,
        cashier.deposit,
        cashier.off_account,
    ]


class Cashier:
    """Picks a client with the caller's dice, and asks for something in its name."""

    def __init__(self, houses: list[House]) -> None:
        self._houses = houses

    async def move(self, driver: Driver, dice: random.Random) -> None:
        """Between two clients of a brand, in whichever direction."""
        house = dice.choice(self._houses)
        one, other = dice.sample(house.clients, 2)
        amount = dice.choice(MINORS)
        given = {
            "brand": house.brand_id.hex,
            "from": one.id.hex,
            "to": other.id.hex,
            "currency": dice.choice(CURRENCIES),
            "amount": amount,
        }
        await driver.want(Wish(one.token, MOVE, given, given, {"amount": amount + 1}), dice)

    async def deposit(self, driver: Driver, dice: random.Random) -> None:
        """Pay in; the PSP pays by itself."""
        house, person = self._anybody(dice)
        currency, minor = dice.choice(CURRENCIES), dice.choice(MINORS)
        given = {
            "walletId": person.wallets[currency],
            "methodId": house.method_id,
            "returnUrl": f"https://{house.host}/paid",
        }
        await driver.want(_wish(person, DEPOSIT, given, minor, currency), dice)

    async def onto_account(self, driver: Driver, dice: random.Random) -> None:
        """From the wallet onto the trading account."""
        _, person = self._anybody(dice)
        given = {
            "from": {"walletId": person.wallets["USD"]},
            "to": {"accountId": person.account_id},
        }
        await driver.want(_wish(person, TRANSFER, given, dice.choice(MINORS), "USD"), dice)

    async def off_account(self, driver: Driver, dice: random.Random) -> None:
        """From the trading account into the wallet."""
        _, person = self._anybody(dice)
        given = {
            "from": {"accountId": person.account_id},
            "to": {"walletId": person.wallets["USD"]},
        }
        await driver.want(_wish(person, TRANSFER, given, dice.choice(MINORS), "USD"), dice)

    async def convert(self, driver: Driver, dice: random.Random) -> None:
        """Quote and convert, in whichever direction."""
        _, person = self._anybody(dice)
        source, target = dice.sample(CURRENCIES, 2)
        minor = dice.choice(MINORS[2:])
        asked = {"fromWalletId": person.wallets[source], "toCurrency": target}
        quote = await driver.want(_wish(person, QUOTE, asked, minor, source), dice)
        if quote.value is None:
            return
        given = {
            "from": {"walletId": person.wallets[source]},
            "to": {"walletId": person.wallets[target]},
            "quoteId": quote.value["id"],
        }
        await driver.want(_wish(person, TRANSFER, given, minor, source), dice)

    async def withdraw(self, driver: Driver, dice: random.Random) -> None:
        """Pay out; what somebody must look at is approved, called off, or left waiting."""
        house, person = self._anybody(dice)
        currency, minor = dice.choice(CURRENCIES), dice.choice(WITHDRAWN)
        given = {"walletId": person.wallets[currency], "destinationId": person.destination_id}
        done = await driver.want(_wish(person, WITHDRAWAL, given, minor, currency), dice)
        if done.value is None:
            return
        luck, withdrawal_id = dice.random(), done.value["id"]
        if luck < 0.25:
            given = {"withdrawalId": withdrawal_id}
            other = {"withdrawalId": withdrawal_id[:-1] + "0"}
            await driver.want(Wish(person.token, CANCEL, given, given, other), dice)
        elif luck < 0.75 and done.value["status"] == "REQUESTED":
            await self._approve(driver, house, done.value)

    async def _approve(self, driver: Driver, house: House, withdrawal: dict[str, Any]) -> None:
        """One try: nothing hangs on it but whether it is paid."""
        given = {
            "idempotencyKey": f"approve-{withdrawal['id']}",
            "withdrawalId": withdrawal["id"],
            "expectedVersion": withdrawal["version"],
            "reason": "As expected.",
        }
        try:
            await driver.caller.data(house.tokens[Role.BRAND_ADMIN], _APPROVE, input=given)
        except Unknown:
            return
        except Broken as broken:
            driver.journal.find(f"withdrawalApprove: {broken}")

    def _anybody(self, dice: random.Random) -> tuple[House, Person]:
        house = dice.choice(self._houses)
        return house, dice.choice(house.clients)


def _wish(person: Person, verb: Verb, given: dict[str, Any], minor: int, currency: str) -> Wish:
    facts = {"client": person.id.hex, "amount": minor, "currency": currency}
    return Wish(
        person.token,
        verb,
        {**given, "amount": _money(minor, currency)},
        facts,
        {"amount": _money(minor + 1, currency)},
    )


def _money(minor: int, currency: str) -> dict[str, str]:
    return {"amount": str(minor * _CENT), "currencyCode": currency}


def warming(houses: list[House]) -> Warming:
    """One request of each kind, which really does something: see `checker.begin`."""
    house = houses[0]
    one, other = house.clients[:2]
    move = {
        "idempotencyKey": "warming",
        "brand": house.brand_id.hex,
        "from": one.id.hex,
        "to": other.id.hex,
        "currency": CURRENCIES[0],
        "amount": 1,
    }
    common = {"idempotencyKey": "warming", "amount": _money(100, "USD")}
    wallet, account = one.wallets["USD"], one.account_id
    asked: list[tuple[Verb, dict[str, Any]]] = [
        (DEPOSIT, {"walletId": wallet, "methodId": house.method_id,
                   "returnUrl": f"https://{house.host}/"}),
        (TRANSFER, {"from": {"walletId": wallet}, "to": {"accountId": account}}),
        (QUOTE, {"fromWalletId": wallet, "toCurrency": "EUR"}),
        (WITHDRAWAL, {"walletId": wallet, "destinationId": one.destination_id}),
    ]  # fmt: skip
    return [
        (MOVE.path, one.token, {"variables": {"input": move}}),
        ("/graphql", house.tokens[Role.BRAND_ADMIN], {"query": EVENTS}),
        *(
            ("/graphql", one.token, {"query": verb.document, "variables": {"input": common | more}})
            for verb, more in asked
        ),
    ]
