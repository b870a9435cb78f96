"""Both paths give one answer: the executor is the oracle, for every actor and drawn document.

`BACKDESK_EQUALITY` says how many documents; some hundreds where it is not set.
"""

import os
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.schema.plans.both import Both, without_brand, written

EXAMPLES = int(os.environ.get("BACKDESK_EQUALITY", "200"))


@settings(
    max_examples=EXAMPLES,
    # A document can't be shrunk by its seed; the message has the whole of it.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.timeout(600 + 2 * EXAMPLES)
@given(seed=st.integers(0, 2**63))
async def test_both_paths_give_one_answer(both: Both, seed: int) -> None:
    actor, asked = written(both, Random(seed))
    difference = await both.difference(asked, both.crowd.actors[actor])
    assert difference is None, f"{actor}: {asked.text} {asked.variables}\n{difference}"


@pytest.mark.timeout(600)
async def test_most_documents_have_a_plan_that_names_every_brand(both: Both) -> None:
    """Otherwise nothing was compared above. Row security must never be the only lock."""
    both.told.clear()
    for seed in range(100):
        actor, asked = written(both, Random(seed))
        await both.difference(asked, both.crowd.actors[actor])
    assert both.told["planned"] > 1.5 * both.told["left"], both.told
    assert both.plans.left["broken"] == 0
    texts = both.plans.statements()
    assert len(texts) > 30
    assert [without_brand(text) for text in texts if without_brand(text)] == []
