"""How a lead's form is read, who is the same person, and which steps lead where."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clients.leads import rules
from domain.clients.leads.actions import actions_of
from domain.clients.leads.values import (
    ATTRIBUTION,
    LeadForm,
    LeadStage,
    LostReason,
    Move,
    Origin,
    Turn,
)
from domain.kernel.errors import DomainError

STAGES = st.sampled_from(LeadStage)
AS_CLIENT = (LeadStage.REGISTERED, LeadStage.KYC, LeadStage.FTD, LeadStage.ACTIVE)
ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


def form(**changed: object) -> LeadForm:
    origin = {name: changed.pop(name) for name in tuple(changed) if name in Origin.__slots__}
    given_form = {"email": "ann@one.example", **changed}
    return LeadForm(Origin(**({"source": "google"} | origin)), **given_form)  # type: ignore[arg-type] # forms of tests


def code_of(refused: pytest.ExceptionInfo[DomainError]) -> tuple[str, tuple[str, ...]]:
    return refused.value.code, refused.value.path


def test_a_form_is_read_into_one_spelling() -> None:
    touch = rules.read_form(
        form(
            source="  Google  Ads ",
            medium="CPC",
            campaign="Spring  Sale",
            click_id="",
            ib_code="north-1",
            landing_page="https://brand.example/?q=1",
            referrer="android-app://com.google.android.gm/",
            name=" Ann   Lee ",
            email="Ann@One.example",
            phone="0035799123456",
            country="cy",
            language="pt-BR",
        )
    )
    origin = touch.origin
    assert (origin.source, origin.medium, origin.campaign) == ("google ads", "cpc", "Spring Sale")
    assert (origin.click_id, origin.ib_code) == (None, "NORTH-1")
    assert origin.landing_page == "https://brand.example/?q=1"
    assert origin.referrer == "android-app://com.google.android.gm/"
    assert (touch.name, touch.email, touch.phone) == ("Ann Lee", "ann@one.example", "+35799123456")
    assert (touch.country, touch.language) == ("CY", "pt-BR")


def test_what_is_left_out_stays_unknown() -> None:
    touch = rules.read_form(form(email=None, phone="+35799123456"))
    assert (touch.name, touch.email, touch.country, touch.language) == (None,) * 4


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"email": None}, "CONTACT_REQUIRED", "email"),
        ({"email": "", "phone": ""}, "CONTACT_REQUIRED", "email"),
        ({"email": "no address"}, "INVALID", "email"),
        ({"phone": "12"}, "INVALID", "phone"),
        ({"source": "  "}, "INVALID", "source"),
        ({"campaign": "x" * 201}, "INVALID", "campaign"),
        ({"landing_page": "https://x/" + "x" * 2000}, "INVALID", "landingPage"),
        ({"landing_page": "javascript:alert(1)"}, "INVALID", "landingPage"),
        ({"landing_page": "JavaScript://brand.example/%0aalert(1)"}, "INVALID", "landingPage"),
        ({"landing_page": "data:text/html,x"}, "INVALID", "landingPage"),
        ({"landing_page": "brand.example/page"}, "INVALID", "landingPage"),
        ({"landing_page": "https:///page"}, "INVALID", "landingPage"),
        ({"landing_page": "https://[brand.example/"}, "INVALID", "landingPage"),
        ({"landing_page": "https://brand.example/a b"}, "INVALID", "landingPage"),
        ({"landing_page": "android-app://brand.example/"}, "INVALID", "landingPage"),
        ({"referrer": "javascript:alert(1)"}, "INVALID", "referrer"),
        ({"click_id": "a\0b"}, "INVALID", "clickId"),
        ({"country": "Cyprus"}, "INVALID", "country"),
        ({"language": "English!"}, "INVALID", "language"),
    ],
)
def test_a_form_that_can_not_be_right_is_refused(
    changed: dict[str, object], code: str, field: str
) -> None:
    with pytest.raises(DomainError) as refused:
        rules.read_form(form(**changed))
    assert code_of(refused) == (code, ("input", field))


def test_the_address_counts_before_the_number() -> None:
    leads = [(ONE, None, "+1"), (TWO, "a@x", "+2"), (THREE, "c@x", "+1")]
    assert rules.same_person(leads, "a@x", "+1") == TWO
    assert rules.same_person(leads, "new@x", "+1") == ONE
    assert rules.same_person(leads, None, "+2") == TWO
    assert rules.same_person(leads, "new@x", None) is None
    assert rules.same_person([], "a@x", "+1") is None


def test_an_unknown_field_is_never_a_match() -> None:
    assert rules.same_person([(ONE, None, None)], None, "+1") is None
    assert rules.same_person([(ONE, None, None)], "a@x", None) is None


@given(STAGES, STAGES)
def test_only_listed_moves_are_possible_by_hand(stage: LeadStage, wanted: LeadStage) -> None:
    reason = LostReason.NO_ANSWER if wanted is LeadStage.LOST else None
    if wanted in rules.next_stages(stage):
        rules.judge_move(stage, Move(wanted, reason))
        assert wanted not in AS_CLIENT
        assert stage not in (*AS_CLIENT, LeadStage.DNC)
    else:
        with pytest.raises(DomainError) as refused:
            rules.judge_move(stage, Move(wanted, reason))
        assert code_of(refused) == ("STAGE_NOT_REACHABLE", ("input", "stage"))


def test_moves_of_each_stage() -> None:
    assert set(rules.next_stages(LeadStage.NEW)) == {
        LeadStage.CONTACTED, LeadStage.INTERESTED, LeadStage.LOST, LeadStage.DNC,
    }  # fmt: skip
    assert set(rules.next_stages(LeadStage.INTERESTED)) == {
        LeadStage.CONTACTED, LeadStage.LOST, LeadStage.DNC,
    }  # fmt: skip
    assert rules.next_stages(LeadStage.LOST) == (LeadStage.CONTACTED, LeadStage.DNC)
    assert rules.next_stages(LeadStage.DNC) == rules.next_stages(LeadStage.FTD) == ()


@pytest.mark.parametrize(
    ("stage", "reason"),
    [(LeadStage.LOST, None), (LeadStage.CONTACTED, LostReason.OTHER)],
    ids=["lost-without", "contacted-with"],
)
def test_a_reason_goes_with_lost_only(stage: LeadStage, reason: LostReason | None) -> None:
    with pytest.raises(DomainError) as refused:
        rules.judge_move(LeadStage.NEW, Move(stage, reason))
    assert code_of(refused) == ("LOST_REASON_REQUIRED", ("input", "lostReason"))


@given(STAGES, st.booleans())
def test_coming_again_opens_lost_leads_only(stage: LeadStage, has_owner: bool) -> None:
    after = rules.stage_on_touch(stage, has_owner=has_owner)
    if stage is LeadStage.LOST:
        assert after is (LeadStage.ASSIGNED if has_owner else LeadStage.NEW)
    else:
        assert after is stage


@given(STAGES, st.booleans())
def test_owners_move_new_and_assigned_only(stage: LeadStage, has_owner: bool) -> None:
    after = rules.stage_of_owner(stage, has_owner=has_owner)
    if stage in (LeadStage.NEW, LeadStage.ASSIGNED):
        assert after is (LeadStage.ASSIGNED if has_owner else LeadStage.NEW)
    else:
        assert after is stage


@given(STAGES, st.lists(st.sampled_from(AS_CLIENT)))
def test_a_client_never_goes_back(stage: LeadStage, reached: list[LeadStage]) -> None:
    now = stage
    for one in reached:
        before, now = now, rules.stage_of_client(now, one)
        assert before not in AS_CLIENT or AS_CLIENT.index(now) >= AS_CLIENT.index(before)
        assert AS_CLIENT.index(now) >= AS_CLIENT.index(one)
    assert rules.is_client(now) == (stage in AS_CLIENT or bool(reached))


def test_an_ib_keeps_its_lead_for_thirty_days() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert not rules.keeps_ib(None, now)
    assert not rules.keeps_ib(now - ATTRIBUTION, now)
    assert rules.keeps_ib(now - ATTRIBUTION + timedelta(seconds=1), now)


def test_a_place_among_agents_is_read() -> None:
    turn = rules.read_turn(Turn(ONE, enabled=True, capacity=5, languages=("pt-BR", "de", "de")))
    assert (turn.languages, turn.countries) == (("de", "pt-BR"), ())
    assert rules.read_turn(Turn(ONE, True, 1, countries=("de", "CY"))).countries == ("CY", "DE")


@pytest.mark.parametrize(
    ("turn", "field"),
    [
        (Turn(ONE, True, 0), "capacity"),
        (Turn(ONE, True, 100_001), "capacity"),
        (Turn(ONE, True, 1, languages=("en",) * 301), "languages"),
        (Turn(ONE, True, 1, languages=("?",)), "languages"),
        (Turn(ONE, True, 1, countries=("XYZ",)), "countries"),
    ],
    ids=["none", "too-many", "too-long", "no-language", "no-country"],
)
def test_a_place_that_can_not_be_right_is_refused(turn: Turn, field: str) -> None:
    with pytest.raises(DomainError) as refused:
        rules.read_turn(turn)
    assert code_of(refused) == ("INVALID", ("input", field))


@given(STAGES)
def test_actions_say_what_commands_decide(stage: LeadStage) -> None:
    held = frozenset({"leads:write", "leads:assign"})
    codes = {one.name: one.reason_code for one in actions_of(stage, held)}
    assert (codes["move"] is None) == bool(rules.next_stages(stage))
    assert (codes["assign"] is None) == (stage not in AS_CLIENT)
    assert {one.reason_code for one in actions_of(stage, frozenset())} == {"FORBIDDEN"}


def test_references_rise() -> None:
    assert rules.reference_of(7) == "L-000007"
