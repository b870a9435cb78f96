"""Budgets and buckets: what is refused, what is given back, what it says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.graphql.errors import EdgeRefusal
from api.graphql.limits import BucketSize, EdgeLimits, Throttle
from tenants.context import Actor, ActorKind

SIZES = {"token": BucketSize(100, 10), "brand": BucketSize(1_000, 100)}
KEYS = ("token:b1:t1", "brand:b1:all")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_empty_bucket_says_how_long_to_wait() -> None:
    clock = Clock()
    throttle = Throttle(SIZES, 100, clock)
    throttle.take(KEYS, 100)
    with pytest.raises(EdgeRefusal) as caught:
        throttle.take(KEYS, 25)
    assert (caught.value.code, caught.value.status) == ("THROTTLED", 429)
    assert caught.value.retry_after == pytest.approx(2.5)
    assert caught.value.headers["Retry-After"] == "3"
    clock.now = 2.5
    throttle.take(KEYS, 25)


def test_a_refusal_takes_from_no_bucket() -> None:
    throttle = Throttle({**SIZES, "brand": BucketSize(10, 1)}, 100, Clock())
    throttle.take(KEYS, 5)
    throttle.take(KEYS, 5)
    with pytest.raises(EdgeRefusal):
        throttle.take(KEYS, 5)
    status = throttle.refund(KEYS, 0)
    assert status is not None
    assert status.left == 90


def test_brands_and_tokens_have_buckets_of_their_own() -> None:
    throttle = Throttle(SIZES, 100, Clock())
    throttle.take(KEYS, 100)
    throttle.take(("token:b2:t1", "brand:b2:all"), 100)
    throttle.take(("token:b1:t2", "brand:b1:all"), 100)
    with pytest.raises(EdgeRefusal):
        throttle.take(KEYS, 100)


def test_a_cost_above_the_bucket_waits_for_a_full_one() -> None:
    clock = Clock()
    throttle = Throttle(SIZES, 100, clock)
    throttle.take(KEYS, 500)
    with pytest.raises(EdgeRefusal):
        throttle.take(KEYS, 500)
    clock.now = 50.0
    throttle.take(KEYS, 500)


def test_memory_is_bounded() -> None:
    throttle = Throttle(SIZES, 50, Clock())
    for number in range(1_000):
        throttle.take((f"token:b1:t{number}",), 1)
    assert len(throttle) == 50


def test_full_buckets_are_forgotten_first() -> None:
    clock = Clock()
    throttle = Throttle(SIZES, 50, clock)
    throttle.take(("token:b1:old",), 10)
    clock.now = 5.0
    throttle.take(("token:b1:new",), 10)
    assert len(throttle) == 1


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 120)), max_size=60))
def test_no_more_passes_than_bucket_and_time_allow(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    throttle = Throttle(SIZES, 100, clock)
    passed = 0.0
    for wait, cost in steps:
        clock.now += wait
        try:
            throttle.take(("token:b1:t1",), min(cost, 100))
        except EdgeRefusal:
            continue
        passed += min(cost, 100)
        assert passed <= 100 + clock.now * 10 + 1e-6


@pytest.mark.parametrize("kind", list(ActorKind))
def test_budgets_by_actor(kind: ActorKind) -> None:
    trusted = {ActorKind.STAFF, ActorKind.OPERATOR, ActorKind.SYSTEM}
    assert EdgeLimits().budget_of(Actor(kind)) == (10_000 if kind in trusted else 2_000)


async def test_cost_is_told_as_shopify_tells_it(toy: Any) -> None:
    answer = await toy.post("{ clients(first: 50) { nodes { id } } }")
    cost = answer.json()["extensions"]["cost"]
    assert cost["requestedQueryCost"] == 2 + 50
    assert cost["actualQueryCost"] == 2 + 3
    assert cost["throttleStatus"] == {
        "maximumAvailable": 20_000,
        "currentlyAvailable": pytest.approx(19_995, abs=5),
        "restoreRate": 1_000,
    }
    assert answer.headers["x-ratelimit-limit"] == "20000"
    assert int(answer.headers["x-ratelimit-remaining"]) >= 19_990


async def test_an_operation_over_its_budget_is_refused_unrun(toy: Any) -> None:
    query = "{ clients(first: 100) { nodes { accounts(first: 50) { nodes { id } } } } }"
    refused = await toy.post(query)
    assert refused.status_code == 200
    assert refused.json()["errors"][0]["extensions"]["code"] == "COST_TOO_HIGH"
    assert "data" not in refused.json()
    staff = await toy.post(query, headers={"Authorization": f"Bearer {toy.staff}"})
    assert staff.json()["data"]["clients"]["nodes"]


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_an_exhausted_caller_gets_429(make_toy: Any, accept: str) -> None:
    sizes = {"token": BucketSize(60, 1), "brand": BucketSize(10_000, 100)}
    toy = await make_toy(EdgeLimits(buckets=sizes))
    query = "{ clients(first: 40) { nodes { id accounts(first: 0) { nodes { id } } } } }"
    first = await toy.post("{ clients(first: 50) { nodes { id } } }")
    assert first.status_code == 200
    while (answer := await toy.post(query, headers={"Accept": accept})).status_code == 200:
        pass
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "x-ratelimit-limit" in answer.headers
    assert answer.json()["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert toy.book.opened == toy.book.closed


async def test_refused_documents_cost_too(make_toy: Any) -> None:
    sizes = {"token": BucketSize(35, 0.001), "brand": BucketSize(10_000, 100)}
    toy = await make_toy(EdgeLimits(buckets=sizes))
    statuses = [(await toy.post("{ nope }")).status_code for _ in range(6)]
    assert statuses == [200, 200, 200, 200, 429, 429]


async def test_introspection_is_for_token_holders(toy: Any) -> None:
    query = "{ __schema { queryType { name } } }"
    hidden = "{ ...F } fragment F on Query " + query
    fine = await toy.post(query)
    assert fine.json()["data"]["__schema"]["queryType"]["name"] == "Query"
    for asked in (query, '{ __type(name: "Query") { name } }', hidden):
        refused = await toy.post(asked, anonymous=True)
        assert refused.status_code == 401
        assert refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert "www-authenticate" in refused.headers
