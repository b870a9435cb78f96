"""Rounds over brands: one brand's failure is its own, a database that is away is everybody's."""

import asyncio
from collections import Counter
from types import SimpleNamespace
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from api.commissions import register_commissions
from api.rounds import each_brand
from api.settings import Settings
from api.worker import Worker
from domain.events.state_socket import StateServer
from domain.kernel.errors import Unavailable
from schema.sandbox.mutations import SandboxMoveInput


async def test_a_failing_brand_stops_no_other(database, brand, brand_b):
    done: list[UUID] = []

    async def run(brand_id: UUID) -> None:
        if brand_id == brand.id:
            raise RuntimeError("only this one")
        done.append(brand_id)

    labels = {"round": "a test's"}
    for times in (1, 2):
        done.clear()
        await each_brand("a test's", database, run)
        assert brand_b.id in done
        assert brand.id not in done
        assert REGISTRY.get_sample_value("backdesk_round_failures_total", labels) == times


async def test_without_a_database_the_round_ends_at_once(database, brand, brand_b):
    asked: list[UUID] = []

    async def run(brand_id: UUID) -> None:
        asked.append(brand_id)
        raise Unavailable()

    with pytest.raises(Unavailable):
        await each_brand("away", database, run)
    assert len(asked) == 1


async def test_no_brand_is_always_the_last(database, brand, brand_b):
    first: Counter[UUID] = Counter()
    for _ in range(200):
        order: list[UUID] = []

        async def run(brand_id: UUID, order: list[UUID] = order) -> None:
            if brand_id in (brand.id, brand_b.id):
                order.append(brand_id)

        await each_brand("order", database, run)
        first[order[0]] += 1
    assert min(first[brand.id], first[brand_b.id]) > 50


async def test_commissions_follow_a_moved_clock_as_soon_as_the_api_says(tmp_path, monkeypatch):
    """`sandboxAdvance`: what a hold kept within seconds, a month's statements within a minute."""
    made = Settings(backdesk_home=tmp_path / "home")
    made.home.create()
    worker = Worker(made, "", None, StateServer(made.states_socket))  # type: ignore[arg-type] # asked for nothing
    every: dict[str, float] = {}
    monkeypatch.setattr(
        Worker, "every", lambda _, seconds, name, run: every.update({name: seconds})
    )
    register_commissions(worker)
    assert every["commissions payable"] <= 5
    assert every["commission statements"] <= 60
    told = " ".join(
        SandboxMoveInput.__strawberry_definition__.get_field("clock_seconds").description.split()
    )
    assert "payable within seconds" in told
    assert "statements are there within a minute" in told


async def test_a_failed_call_comes_again_soon_and_then_as_often_as_said(tmp_path, monkeypatch):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 8:
            raise asyncio.CancelledError

    # Of the worker's module alone: other tasks of the tests' loop sleep, too.
    monkeypatch.setattr("api.worker.asyncio", SimpleNamespace(sleep=sleep))
    made = Settings(backdesk_home=tmp_path / "home")
    made.home.create()
    worker = Worker(made, "", None, StateServer(made.states_socket))  # type: ignore[arg-type] # asked for nothing
    failures = iter([True, True, True, True, True, False, True, False])

    async def run() -> None:
        if next(failures):
            raise RuntimeError("once more")

    worker.every(60.0, "a test's", run)
    with pytest.raises(asyncio.CancelledError):
        await worker.loops[0][1]()
    assert slept == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 5.0, 60.0]
