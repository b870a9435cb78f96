"""The published contract is what is served, both ways. Every answer that the other tests of this
folder get over `Driver` is checked against it too."""

import re

import orjson
import pytest
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from simulator import bodies
from tests.simulator import contract
from tests.simulator.driver import Driver

BODIES = {
    "AccountRequest": bodies.AccountBody,
    "Passwords": bodies.PasswordsBody,
    "AccountChange": bodies.AccountChangeBody,
    "PasswordCheck": bodies.PasswordCheckBody,
    "BalanceOperation": bodies.TransferBody,
    "OrderRequest": bodies.OrderBody,
    "OrderChangeRequest": bodies.OrderChangeBody,
    "PositionChangeRequest": bodies.PositionChangeBody,
    "CloseRequest": bodies.CloseBody,
    "CloseAllRequest": bodies.CloseAllBody,
    "StatesRequest": bodies.StatesBody,
    "GroupsRequest": bodies.GroupsBody,
    "Group": bodies.GroupBody,
    "Fault": bodies.FaultBody,
    "MarketStep": bodies.StepBody,
    "MarketSpeed": bodies.SpeedBody,
    "MarketQuote": bodies.QuoteBody,
    "Past": bodies.PastBody,
    "PastAccount": bodies.PastAccountBody,
    "PastTransfer": bodies.PastTransferBody,
    "PastTrade": bodies.PastTradeBody,
    "Rollover": bodies.DayBody,
}


def test_every_route_is_published_and_every_published_route_is_served(app: Starlette) -> None:
    served = set()
    for route in app.routes:
        if isinstance(route, WebSocketRoute):
            served.add(("GET", route.path))
        elif isinstance(route, Route):
            path = re.sub(r":\w+\}", "}", route.path)
            served |= {(method, path) for method in route.methods or () if method != "HEAD"}
    assert served == contract.operations()


@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_published_as_they_are_checked(name: str) -> None:
    checked, published = BODIES[name].model_json_schema(), contract.schema(name)
    assert set(published["properties"]) == set(checked["properties"])
    assert set(published.get("required", ())) == set(checked.get("required", ()))


def test_every_body_of_a_call_is_compared() -> None:
    used = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
        for methods in contract.document()["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    }
    assert used <= BODIES.keys()


async def test_every_message_of_the_stream_is_published(app: Starlette, driver: Driver) -> None:
    listener = app.state.hub.join()
    await driver.open_account(1001)
    await driver.deposit(1001, "4000.00")
    await driver.quote("EURUSD", "1.08490", "1.08500")
    await driver.order(1001)
    await driver.order(1001, type="LIMIT", price="1.00000", lots="0.01")
    await driver.quote("EURUSD", "1.07690", "1.07700")
    await driver.quote("EURUSD", "1.05000", "1.05010")
    messages = []
    while not listener.queue.empty():
        messages.append(orjson.loads(listener.queue.get_nowait().text))
    for message in [*messages, *app.state.engine.snapshot()]:
        contract.check_message(message)
    heard = {message["type"] for message in messages}
    mapping = contract.schema("StreamMessage")["discriminator"]["mapping"]
    assert heard == set(mapping) - {"hello", "heartbeat"}


def test_a_slow_reader_is_cut_off(app: Starlette) -> None:
    listener = app.state.hub.join()
    for number in range(10_001):
        app.state.hub.publish({"type": "heartbeat", "at": str(number)})
    assert listener.reason == "slow reader"
    assert listener.queue.get_nowait() is None
    assert listener.queue.empty()
