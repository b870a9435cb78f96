"""The ledger beside a model of it: any story of movements, the same answer and balances each step.

A few stories in each run; `LEDGER_STEPS=1000000` tells as many steps as that.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from api.embedded import Endpoints
from tests.domain.payments.ledger.machine import Differs, Ledger
from tests.domain.payments.ledger.model import Model
from tests.domain.payments.ledger.wrong_models import WRONG
from tests.factories import Factory

STEPS = int(os.environ.get("LEDGER_STEPS", "0"))
STORY = 40
# What a run must have met to say anything: each movement done, and each refusal.
DONE = {(what, "OK") for what in ("POST", "HOLD", "TAKE", "VOID", "EXPIRE", "BATCH")}
REFUSED = {
    "INSUFFICIENT_FUNDS", "TRANSFER_KEY_REUSED", "HOLD_RESOLVED", "HOLD_EXPIRED", "BUG",
}  # fmt: skip


@pytest.fixture
def told(endpoints: Endpoints, make: Factory) -> type[Ledger]:
    """A ledger that has met nothing yet."""

    class Told(Ledger):
        pass

    Told.endpoints, Told.make, Told.reached = endpoints, make, set()
    return Told


def tell(machine: type[Ledger], stories: int, *phases: Phase) -> None:
    """Tell that many stories, or up to the first that goes wrong."""
    chosen = settings(
        max_examples=stories, stateful_step_count=STORY, deadline=None, derandomize=not STEPS,
        database=None, suppress_health_check=list(HealthCheck), print_blob=False,
        report_multiple_bugs=False, phases=phases,
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.timeout(0 if STEPS else 60)
def test_any_story_ends_as_the_model_says(told: type[Ledger]) -> None:
    tell(told, max(10, STEPS // STORY), Phase.generate, Phase.shrink)
    assert DONE - told.reached == set()
    assert REFUSED - {code for _, code in told.reached} == set()
    assert {what for what, code in told.reached if code != "OK"} >= {"HOLD", "TAKE", "BATCH"}


@pytest.mark.parametrize("model", WRONG, ids=lambda model: model.__name__)
def test_a_ledger_that_differs_is_found(told: type[Ledger], model: type[Model]) -> None:
    told.model_type = model
    with pytest.raises(Differs):
        tell(told, 40, Phase.generate)
