"""Explanations: each audience is told what it may know, and the digest is anybody's to check."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from domain.kernel.explanation import INSIDE, Audience, Explanation, Fact, Source, Step

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WHOLE = Explanation(
    "5.00 USD",
    "REBATE_PER_LOT",
    "3",
    (
        Fact("lots", "0.5", Source("deal", UUID(int=7)), AT),
        Fact("book", "B", audiences=INSIDE),
        Fact("alert", "mirrored", audiences=frozenset({Audience.COMPLIANCE})),
    ),
    (Step("0.5 lots x 10 = 5.00 USD"), Step("Held by the B book.", INSIDE)),
)


@pytest.mark.parametrize(
    ("audience", "inputs", "steps"),
    [
        (Audience.CLIENT, ["lots"], 1),
        (Audience.IB, ["lots"], 1),
        (Audience.STAFF, ["lots", "book"], 2),
        (Audience.COMPLIANCE, ["lots", "book", "alert"], 2),
    ],
)
def test_an_audience_is_told_what_it_may_know(
    audience: Audience, inputs: list[str], steps: int
) -> None:
    told = WHOLE.told_to(audience)
    assert ([one.name for one in told.inputs], len(told.steps)) == (inputs, steps)
    assert (told.summary, told.rule, told.rule_version) == ("5.00 USD", "REBATE_PER_LOT", "3")


def test_the_digest_is_of_what_is_told_and_can_be_worked_out_by_hand() -> None:
    text = (
        '{"inputs":[{"at":"2026-03-02T09:30:00+00:00","name":"lots",'
        '"source":"deal_00000000000000000000000000000007","value":"0.5"}],'
        '"rule":"REBATE_PER_LOT","rule_version":"3"}'
    )
    assert WHOLE.told_to(Audience.IB).replay_digest == hashlib.sha256(text.encode()).hexdigest()
    assert WHOLE.told_to(Audience.IB).replay_digest == WHOLE.told_to(Audience.CLIENT).replay_digest
    assert WHOLE.told_to(Audience.IB).replay_digest != WHOLE.replay_digest


def test_words_and_zones_do_not_change_the_digest_but_inputs_and_versions_do() -> None:
    digest = WHOLE.replay_digest
    later = Fact("lots", "0.5", Source("deal", UUID(int=7)), AT.astimezone(
        timezone(timedelta(hours=2))
    ))  # fmt: skip
    assert replace(WHOLE, summary="", steps=()).replay_digest == digest
    assert replace(WHOLE, inputs=(later, *WHOLE.inputs[1:])).replay_digest == digest
    assert replace(WHOLE, rule_version="4").replay_digest != digest
    assert replace(WHOLE, inputs=WHOLE.inputs[::-1]).replay_digest != digest
