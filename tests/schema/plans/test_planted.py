"""What is wrong with a plan on purpose is found by the comparison: the test of the test."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from domain.reads import pieces, statements, weave, weave_page
from domain.reads.declare import Viewer
from domain.reads.weave import Weaver
from domain.reads.whole import Statement
from schema.shared import plans
from tenants.context import NO_BRAND
from tests.schema.plans.both import Both, without_brand, written

DOCUMENTS = 400
pytestmark = pytest.mark.timeout(600)
_VIEWER = frozenset(Viewer(NO_BRAND).binds())
Plant = Callable[[pytest.MonkeyPatch], None]


async def first_difference(both: Both) -> str | None:
    for seed in range(DOCUMENTS):
        actor, asked = written(both, Random(seed))
        found = await both.difference(asked, both.crowd.actors[actor])
        if found is not None:
            return found
    return None


def a_mask_forgotten(patch: pytest.MonkeyPatch) -> None:
    shown = Weaver._shown

    def bare(self: Weaver, value: Any, rows: Any) -> Any:
        seeing = Weaver(self.registry, Viewer(self._viewer.brand_id, _Everything()), self.slots)
        return shown(seeing, value, rows)

    patch.setattr(Weaver, "_shown", bare)


class _Everything(frozenset[str]):
    def __contains__(self, _name: object) -> bool:
        return True


def a_page_too_long(patch: pytest.MonkeyPatch) -> None:
    call_of = plans.call_of

    def longer(*given: Any, at: int, **named: Any) -> Any:
        call = call_of(*given, at=at, **named)
        size = f"s{at}_size"
        more = {size: call.binds[size] + 1} if size in call.binds else {}
        return replace(call, binds={**call.binds, **more})

    patch.setattr(plans, "call_of", longer)


def a_page_from_its_end_turned_round(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(weave_page, "listed", lambda piece, _order=None: pieces.listed(piece))


def a_row_scope_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(weave, "scopes_of", lambda _one, _viewer: ())


def cursors_of_another_list(patch: pytest.MonkeyPatch) -> None:
    call_of = plans.call_of

    def forged(*given: Any, at: int, **named: Any) -> Any:
        call = call_of(*given, at=at, **named)
        tag = {f"s{at}_tag": b"another"} if f"s{at}_tag" in call.binds else {}
        return replace(call, binds={**call.binds, **tag})

    patch.setattr(plans, "call_of", forged)


def objects_worth_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(weave, "plus", lambda *_weights: 0)


def the_viewer_of_another_call(patch: pytest.MonkeyPatch) -> None:
    holes = Statement.holes
    patch.setattr(Statement, "holes", lambda one, names: holes(one, names - _VIEWER))


def the_object_of_another_call(patch: pytest.MonkeyPatch) -> None:
    holes = Statement.holes
    patch.setattr(Statement, "holes", lambda one, names: holes(one, names & _VIEWER))


@pytest.mark.parametrize(
    "plant",
    [
        a_mask_forgotten,
        a_page_too_long,
        a_page_from_its_end_turned_round,
        a_row_scope_lost,
        cursors_of_another_list,
        objects_worth_nothing,
        the_viewer_of_another_call,
        the_object_of_another_call,
    ],
)
async def test_a_planted_difference_is_found(
    both: Both, no_plan_left: None, monkeypatch: pytest.MonkeyPatch, plant: Plant
) -> None:
    plant(monkeypatch)
    assert await first_difference(both) is not None


async def test_a_brand_left_out_is_found_and_shows_nothing(
    both: Both, no_plan_left: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row security alone still keeps other brands away; the text tells that it stood alone."""
    allowed = weave.allowed

    def careless(one: Any, narrowing: Any) -> Any:
        return allowed(one, narrowing)[0 if one.brand is None else 1 :]

    monkeypatch.setattr(weave, "allowed", careless)
    monkeypatch.setattr(statements, "allowed", careless)
    for seed in range(60):
        actor, asked = written(both, Random(seed))
        assert await both.difference(asked, both.crowd.actors[actor]) is None
    assert any(without_brand(text) for text in both.plans.statements())
