"""States of cases, tiers of clients, and what a tier allows."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.clients.values import ClientKind
from domain.compliance.identity.rules import (
    cap_leverage,
    decide_confirmation,
    decide_deposit,
    decide_live,
    decide_review,
    decide_submission,
    decide_withdrawal,
    derive,
    lapses_at,
    met_by,
    poll_pause,
    room_for,
    stand,
    tiers_of,
)
from domain.compliance.identity.terms import read_policy
from domain.compliance.identity.values import (
    CaseFacts,
    CaseStatus,
    Decision,
    DecisionSource,
    KycStatus,
)
from domain.compliance.risk.values import Flag, RiskLevel
from domain.kernel.errors import DomainError, Invalid
from domain.kernel.money import Money
from tests.domain.compliance.kyc import POLICY, RULES

S, SOURCE = CaseStatus, DecisionSource
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TIERS = tiers_of(POLICY, ClientKind.INDIVIDUAL)


def said(outcome: CaseStatus, minute: int, source=SOURCE.VENDOR, **more: Any) -> Decision:
    return Decision(outcome, NOON + timedelta(minutes=minute), source, **more)


def case(
    requirement: str, status: CaseStatus, *, day: int = 0, lapses: int | None = None
) -> CaseFacts:
    at = NOON + timedelta(days=day)
    decided = status in (S.APPROVED, S.REJECTED_RETRY, S.REJECTED_FINAL, S.EXPIRED)
    return CaseFacts(
        uuid4(),
        requirement,
        status,
        at if decided else None,
        None if lapses is None else NOON + timedelta(days=lapses),
        at,
    )


def standing(*cases: CaseFacts, risk: RiskLevel = RiskLevel.LOW, kind=ClientKind.INDIVIDUAL):
    return stand(POLICY, kind, cases, risk=risk, at=NOON)


# States ---------------------------------------------------------------------------------------


def test_a_case_of_which_nothing_was_said_is_a_draft():
    assert derive([]).status is S.DRAFT


def test_the_vendors_clock_orders_and_not_the_arrival():
    steps = [said(S.AWAITING_DOCS, 0), said(S.PENDING, 1), said(S.APPROVED, 2)]
    steps.append(said(S.REJECTED_FINAL, 3))
    states = {derive(each).status for each in permutations(steps)}
    assert states == {S.REJECTED_FINAL}


def test_within_one_instant_the_vendors_version_orders():
    one, other = said(S.APPROVED, 0, version=2), said(S.PENDING, 0, version=1)
    assert derive([one, other]).status is derive([other, one]).status is S.APPROVED


def test_a_later_green_takes_a_red_back_and_the_other_way_round():
    assert derive([said(S.REJECTED_FINAL, 0), said(S.APPROVED, 1)]).status is S.APPROVED
    state = derive([said(S.APPROVED, 0), said(S.REJECTED_RETRY, 1)])
    assert (state.status, state.decided_at) == (S.REJECTED_RETRY, NOON + timedelta(minutes=1))


def test_what_is_approved_with_a_flag_waits_for_people():
    state = derive([said(S.APPROVED, 0, flags=frozenset({Flag.PEP}))])
    assert (state.status, state.decided_at, state.flags) == (S.ON_HOLD, None, {Flag.PEP})


def test_what_people_accepted_stays_accepted_and_new_flags_do_not():
    pep = said(S.APPROVED, 0, flags=frozenset({Flag.PEP}))
    people = said(S.APPROVED, 1, SOURCE.STAFF)
    again = replace(pep, at=NOON + timedelta(minutes=2))
    more = replace(again, flags=frozenset({Flag.PEP, Flag.SANCTIONS}))
    assert derive([pep, people, again]).status is S.APPROVED
    assert derive([pep, people, more]).status is S.ON_HOLD


def test_what_people_reject_accepts_nothing():
    pep = said(S.APPROVED, 0, flags=frozenset({Flag.PEP}))
    state = derive([pep, said(S.REJECTED_RETRY, 1, SOURCE.STAFF)])
    assert (state.status, state.cleared) == (S.REJECTED_RETRY, frozenset())


def test_a_vendor_that_spoke_before_people_decided_changes_nothing_however_late_it_comes():
    late = said(S.REJECTED_FINAL, 0)
    assert derive([said(S.APPROVED, 5, SOURCE.STAFF), late]).status is S.APPROVED


def test_an_end_of_time_is_a_decision_too():
    state = derive([said(S.APPROVED, 0), said(S.EXPIRED, 9, SOURCE.SYSTEM)])
    assert state.status is S.EXPIRED


@given(some.permutations([said(S.PENDING, 0), said(S.APPROVED, 1, flags=frozenset({Flag.PEP})),
                          said(S.APPROVED, 2, SOURCE.STAFF), said(S.REJECTED_RETRY, 3),
                          said(S.APPROVED, 4, flags=frozenset({Flag.PEP}))]))  # fmt: skip
def test_any_order_of_arrival_gives_the_same_state(decisions):
    assert derive(decisions).status is S.APPROVED


# Submissions ----------------------------------------------------------------------------------


def refusal(call) -> str:
    with pytest.raises(DomainError) as raised:
        call()
    return raised.value.code


@pytest.mark.parametrize("status", [S.DRAFT, S.AWAITING_DOCS, S.PENDING, S.ON_HOLD])
def test_an_open_case_is_gone_on_with(status: CaseStatus):
    begun = case("IDENTITY", status)
    assert decide_submission(begun, at=NOON) is begun


def test_a_new_case_begins_without_one_or_after_a_mistake_or_a_lapse():
    assert decide_submission(None, at=NOON) is None
    assert decide_submission(case("IDENTITY", S.REJECTED_RETRY), at=NOON) is None
    assert decide_submission(case("IDENTITY", S.EXPIRED), at=NOON) is None


def test_what_is_proven_is_proven_anew_within_two_months_of_its_end():
    early = case("IDENTITY", S.APPROVED, lapses=61)
    assert refusal(lambda: decide_submission(early, at=NOON)) == "KYC_ALREADY_APPROVED"
    assert decide_submission(case("IDENTITY", S.APPROVED, lapses=60), at=NOON) is None
    for_ever = case("IDENTITY", S.APPROVED)
    assert refusal(lambda: decide_submission(for_ever, at=NOON)) == "KYC_ALREADY_APPROVED"


def test_who_is_rejected_for_good_does_not_begin_again():
    final = case("IDENTITY", S.REJECTED_FINAL)
    assert refusal(lambda: decide_submission(final, at=NOON)) == "KYC_REJECTED_FINAL"


# Reviews --------------------------------------------------------------------------------------

ME, OTHER = uuid4(), uuid4()


@pytest.mark.parametrize(
    ("status", "outcome", "second"),
    [
        (S.ON_HOLD, S.APPROVED, True),
        (S.ON_HOLD, S.REJECTED_FINAL, True),
        (S.ON_HOLD, S.REJECTED_RETRY, False),
        (S.APPROVED, S.REJECTED_RETRY, False),
        (S.APPROVED, S.REJECTED_FINAL, True),
        (S.REJECTED_RETRY, S.APPROVED, True),
        (S.REJECTED_FINAL, S.APPROVED, True),
        (S.REJECTED_FINAL, S.REJECTED_RETRY, True),
    ],
)
def test_whatever_weighs_takes_two(status, outcome, second):
    assert decide_review(status, outcome, who=ME, makers=()) is second


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(S.PENDING, S.APPROVED), (S.APPROVED, S.APPROVED), (S.EXPIRED, S.APPROVED),
     (S.ON_HOLD, S.PENDING)],
)  # fmt: skip
def test_other_decisions_do_not_exist(status, outcome):
    call = lambda: decide_review(status, outcome, who=ME, makers=())  # noqa: E731
    assert refusal(call) == "KYC_CASE_NOT_DECIDABLE"


def test_nobody_decides_on_what_they_brought_and_no_program_does():
    for who, makers in ((ME, {ME}), (None, set())):
        call = lambda w=who, m=makers: decide_review(S.ON_HOLD, S.APPROVED, who=w, makers=m)  # noqa: E731
        assert refusal(call) == "FOUR_EYES"
        again = lambda w=who, m=makers: decide_confirmation(who=w, makers=m)  # noqa: E731
        assert refusal(again) == "FOUR_EYES"
    decide_confirmation(who=OTHER, makers={ME})


# Time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("risk", "days"),
    [("LOW", 1095), ("MEDIUM", 730), ("HIGH", 365), ("PROHIBITED", 365)],
)
def test_the_riskier_the_sooner_a_proof_is_given_anew(risk: str, days: int):
    assert lapses_at(NOON, RiskLevel(risk), POLICY, ()) == NOON + timedelta(days=days)


def test_a_paper_that_never_ends_ends_nothing():
    ever = lapses_at(NOON, RiskLevel.LOW, POLICY, [date.max])
    assert ever == lapses_at(NOON, RiskLevel.LOW, POLICY, [])


def test_a_paper_holds_to_the_end_of_its_last_day():
    ends = lapses_at(NOON, RiskLevel.LOW, POLICY, [date(2027, 1, 1), date(2026, 12, 31)])
    assert ends == datetime(2027, 1, 1, tzinfo=UTC)


def test_questions_come_ever_more_seldom():
    pauses = [poll_pause(timedelta(minutes=age)) for age in (1, 60, 10_000)]
    assert pauses == [timedelta(seconds=20), timedelta(minutes=6), timedelta(hours=1)]


# Tiers ----------------------------------------------------------------------------------------


def test_nothing_proven_is_the_first_tier_and_says_what_the_next_one_takes():
    found = standing()
    assert (found.tier.number, found.status) == (0, KycStatus.NOT_STARTED)
    assert (found.missing, found.decided_at, found.due_at) == (("IDENTITY",), None, None)


def test_tiers_rise_with_what_is_proven():
    identity = case("IDENTITY", S.APPROVED, lapses=100)
    one = standing(identity)
    assert (one.tier.number, one.status, one.missing) == (1, KycStatus.APPROVED, ("ADDRESS",))
    assert (one.decided_at, one.due_at) == (NOON, NOON + timedelta(days=100))
    all_of_it = standing(identity, case("ADDRESS", S.APPROVED), case("FUNDS", S.APPROVED))
    assert (all_of_it.tier.number, all_of_it.missing) == (3, ())


def test_a_tier_is_not_reached_past_a_missing_one():
    found = standing(case("ADDRESS", S.APPROVED), case("FUNDS", S.APPROVED))
    assert (found.tier.number, found.status) == (0, KycStatus.APPROVED)
    assert found.missing == ("IDENTITY",)


def test_what_has_lapsed_proves_nothing_though_nobody_has_said_so():
    found = standing(case("IDENTITY", S.APPROVED, day=-9, lapses=0))
    assert (found.tier.number, found.status, found.due_at) == (0, KycStatus.EXPIRED, None)


def test_a_new_mistake_takes_no_old_proof_away_and_a_final_rejection_does():
    identity = case("IDENTITY", S.APPROVED)
    renewal = case("IDENTITY", S.REJECTED_RETRY, day=3)
    assert standing(identity, renewal).tier.number == 1
    final = case("IDENTITY", S.REJECTED_FINAL, day=3)
    refused = standing(identity, final)
    assert (refused.tier.number, refused.status) == (0, KycStatus.REJECTED_FINAL)
    assert met_by([final, case("IDENTITY", S.APPROVED, day=4)], at=NOON) == {"IDENTITY"}


def test_several_cases_of_one_kind_count_by_their_newest():
    older, newer = case("IDENTITY", S.APPROVED, day=-9), case("IDENTITY", S.APPROVED, day=-1)
    between = case("IDENTITY", S.REJECTED_FINAL, day=-5)
    earlier = case("IDENTITY", S.REJECTED_FINAL, day=-7)
    assert met_by([newer, older, between, earlier], at=NOON) == {"IDENTITY"}
    assert met_by([older, between, earlier], at=NOON) == set()


@pytest.mark.parametrize(
    "status",
    [S.REJECTED_FINAL, S.ON_HOLD, S.PENDING, S.AWAITING_DOCS, S.DRAFT, S.REJECTED_RETRY, S.EXPIRED],
)
def test_the_status_is_that_of_what_is_under_way(status: CaseStatus):
    assert standing(case("IDENTITY", status)).status is KycStatus(status)


def test_of_several_the_most_telling_one_counts():
    identity = case("IDENTITY", S.APPROVED)
    found = standing(identity, case("ADDRESS", S.ON_HOLD), case("FUNDS", S.DRAFT))
    assert (found.tier.number, found.status) == (1, KycStatus.ON_HOLD)


def test_who_is_prohibited_has_the_lowest_tier_whatever_is_proven():
    found = standing(case("IDENTITY", S.APPROVED), risk=RiskLevel.PROHIBITED)
    assert (found.tier.number, found.missing) == (0, ())


def test_kinds_without_tiers_of_their_own_are_treated_as_persons_are():
    assert standing(case("IDENTITY", S.APPROVED), kind=ClientKind.CORPORATE).tier.number == 1


# What a tier allows -----------------------------------------------------------------------------


def test_without_a_policy_everything_is_open():
    decide_deposit(None, {}, Money(10**12, "EUR"))
    decide_withdrawal(None)
    decide_live(None)
    assert cap_leverage(None, 500) == 500


def test_deposits_end_at_the_limit_to_the_cent():
    decide_deposit(TIERS[1], {"EUR": 100_000}, Money(100_000, "EUR"))
    with pytest.raises(DomainError) as raised:
        decide_deposit(TIERS[1], {"EUR": 100_000}, Money(100_001, "EUR"))
    assert raised.value.code == "KYC_TIER_LIMIT"
    assert "1000.00 EUR" in raised.value.message


def test_another_currency_uses_up_the_same_share():
    # Half of the euros leaves half of the dollars.
    assert room_for(TIERS[1], {"EUR": 100_000}, "USD") == 110_000
    assert room_for(TIERS[1], {"EUR": 100_000, "USD": 55_000}, "EUR") == 50_000


def test_what_a_tier_does_not_name_takes_nothing_and_leaves_nothing():
    assert room_for(TIERS[1], {}, "JPY") == 0
    assert room_for(TIERS[1], {"JPY": 1}, "EUR") == 0
    assert room_for(TIERS[1], {"JPY": 0}, "EUR") == 200_000
    assert room_for(TIERS[1], {"EUR": 900_000}, "EUR") == 0
    assert room_for(TIERS[3], {"EUR": 10**9}, "EUR") is None


def test_the_first_tier_may_neither_take_out_nor_trade_for_real():
    assert refusal(lambda: decide_withdrawal(TIERS[0])) == "KYC_REQUIRED"
    assert refusal(lambda: decide_live(TIERS[0])) == "KYC_REQUIRED"
    decide_withdrawal(TIERS[1])
    decide_live(TIERS[1])


def test_a_tier_may_bound_the_leverage_further():
    assert [cap_leverage(tier, 30) for tier in TIERS] == [30, 20, 30, 30]
    assert cap_leverage(TIERS[1], 10) == 10


# Policies -------------------------------------------------------------------------------------


def broken(**changed: Any) -> dict[str, Any]:
    return {**RULES, **changed}


TIER = {"requires": [], "deposits": None, "live": True, "withdrawals": True}


@pytest.mark.parametrize(
    "rules",
    [
        {},
        broken(requirements={"IDENTITY": {"how": "GUESS", "title": "x"}}),
        broken(tiers={"INDIVIDUAL": []}),
        broken(tiers={"INDIVIDUAL": [{**TIER, "requires": ["IDENTITY"]}]}),
        broken(tiers={"INDIVIDUAL": [TIER, TIER]}),
        broken(tiers={"INDIVIDUAL": [TIER, {**TIER, "requires": ["UNHEARD"]}]}),
        broken(tiers={"INDIVIDUAL": [{**TIER, "deposits": {"EUR": "-1"}}]}),
        broken(tiers={"INDIVIDUAL": [{**TIER, "deposits": {"EUR": "1e3"}}]}),
        broken(tiers={"INDIVIDUAL": [{**TIER, "live": "yes"}]}),
        broken(tiers={"MARTIAN": [TIER]}),
        broken(rekyc_days={"LOW": 0, "MEDIUM": 1, "HIGH": 1}),
        broken(risk={"countries": {"CY": 41}, "other_countries": 0}),
        broken(risk={"countries": {}, "other_countries": 0, "product": 11}),
    ],
)
def test_a_slip_in_a_policy_is_found_when_it_is_saved(rules: dict[str, Any]):
    with pytest.raises(Invalid):
        read_policy(1, rules)


def test_a_policy_is_read_as_it_is_written():
    assert POLICY.tiers[ClientKind.INDIVIDUAL][1].deposits == {"EUR": 200_000, "USD": 220_000}
    assert POLICY.requirements["ADDRESS"].max_age_days == 90
    assert POLICY.rekyc_days[RiskLevel.HIGH] == 365
