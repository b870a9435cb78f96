"""Rules of clients without a database: every branch, and properties of what they promise."""

import unicodedata
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clients import rules
from domain.clients.values import (
    ClientStatus,
    CountryRule,
    Market,
    ProfileChange,
    RegistrationForm,
)
from domain.kernel.errors import DomainError

ENTITY, OTHER = UUID(int=1), UUID(int=2)
MARKET = Market((CountryRule("CY", ENTITY, True), CountryRule("US", ENTITY, False)), ("en", "de"))
FORM = RegistrationForm("Ann Lee", "ann@example.com", "correct horse battery", "cy")


def refusal(call: object, *arguments: object) -> tuple[str, tuple[str, ...]]:
    assert callable(call)
    with pytest.raises(DomainError) as caught:
        call(*arguments)
    return caught.value.code, caught.value.path


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("  ann.lee+fx@mail.example.com ", "ann.lee+fx@mail.example.com"),
        ("ａｎｎ@example.com", "ann@example.com"),
        ("jörg@müller.example", "jörg@müller.example"),
        ("a" * 64 + "@b.co", "a" * 64 + "@b.co"),
    ],
)
def test_an_address_has_one_spelling(typed: str, stored: str) -> None:
    assert rules.normalise_email(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "", "ann", "@example.com", "ann@", "ann@example", "ann@@example.com", "a b@example.com",
        "ann@exam ple.com", "ann@-example.com", "ann@example-.com", "ann@example..com",
        "ann@example.com\nBcc: x@example.com", "ann\0@example.com", "<ann@example.com>",
        "a" * 65 + "@example.com", "a@" + "b." * 130 + "com", "ann@example.com,bob@example.com",
        "ann\u200b@example.com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: str) -> None:
    assert refusal(rules.normalise_email, typed) == ("INVALID", ("input", "email"))


@given(st.text(max_size=80))
def test_a_stored_address_is_stable_and_harmless_in_a_header(typed: str) -> None:
    for text in (typed, f"{typed}@example.com"):
        try:
            stored = rules.normalise_email(text)
        except DomainError:
            continue
        assert rules.normalise_email(stored) == stored
        assert stored.isprintable()
        assert " " not in stored
        assert len(stored) <= rules.EMAIL_LENGTH_MAX


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("  Ann   Lee ", "Ann Lee"), ("Zoë", unicodedata.normalize("NFC", "Zoë")), ("李", "李"),
     ("x" * 100, "x" * 100)],
)  # fmt: skip
def test_a_name_keeps_its_letters(typed: str, stored: str) -> None:
    assert rules.normalise_name(typed) == stored


@pytest.mark.parametrize("typed", ["", "   ", "x" * 101, "Ann\0", "Ann\u202eLee"])
def test_a_name_that_cannot_be_shown_is_refused(typed: str) -> None:
    assert refusal(rules.normalise_name, typed) == ("INVALID", ("input", "name"))


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("+357 99 123456", "+35799123456"), ("0035799123456", "+35799123456"),
     ("+49 (30) 123-456.7", "+49301234567"), ("+1\u00a0212\u00a05550123", "+12125550123")],
)  # fmt: skip
def test_a_phone_number_is_stored_as_e164(typed: str, stored: str) -> None:
    assert rules.normalise_phone(typed) == stored


@pytest.mark.parametrize(
    "typed",
    ["99123456", "+0123456789", "+123456", "+1234567890123456", "+49 x", ""],
)
def test_a_phone_number_without_country_is_refused(typed: str) -> None:
    assert refusal(rules.normalise_phone, typed) == ("INVALID", ("input", "phone"))


@pytest.mark.parametrize("typed", ["C", "CYP", "C1", "", "ÄÖ"])
def test_a_country_is_two_letters(typed: str) -> None:
    assert refusal(rules.normalise_country, typed) == ("INVALID", ("input", "country"))


def test_a_right_form_is_read_whole() -> None:
    read = rules.read_form(
        RegistrationForm(
            " Ann  Lee",
            "Ann@Example.com",
            "correct horse battery",
            "cy",
            "+357 99123456",
            "de",
            " x1 ",
        )
    )
    assert (read.name, read.email, read.country) == ("Ann Lee", "ann@example.com", "CY")
    assert (read.phone, read.language, read.ib_code) == ("+35799123456", "de", "X1")


def test_what_was_left_out_of_a_form_stays_out() -> None:
    read = rules.read_form(FORM)
    assert (read.phone, read.language, read.ib_code) == (None, None, None)


@pytest.mark.parametrize("code", [" ", "A B", "a\0", "\ud800", "x" * 65, "Ä1"])
def test_a_code_that_no_link_can_carry_is_refused(code: str) -> None:
    assert refusal(rules.normalise_ib_code, code) == ("INVALID", ("input", "ibCode"))


def test_a_password_that_holds_the_address_is_refused() -> None:
    form = RegistrationForm("X", "annabel@example.com", "annabel-2026!", "CY")
    assert refusal(rules.read_form, form) == ("PASSWORD_WEAK", ("input", "password"))


def test_the_country_decides_the_legal_entity() -> None:
    assert rules.choose_entity(MARKET, "CY").legal_entity_id == ENTITY


@pytest.mark.parametrize("country", ["US", "DE"])
def test_a_barred_and_an_unknown_country_look_alike(country: str) -> None:
    assert refusal(rules.choose_entity, MARKET, country) == (
        "COUNTRY_NOT_ALLOWED",
        ("input", "country"),
    )


def test_the_brands_first_language_is_the_default() -> None:
    assert rules.choose_language(MARKET, None) == "en"
    assert rules.choose_language(MARKET, "de") == "de"
    assert refusal(rules.choose_language, MARKET, "fr") == ("INVALID", ("input", "language"))


@given(st.integers(min_value=1, max_value=10**9))
def test_references_sort_like_their_numbers_up_to_a_million(number: int) -> None:
    assert rules.reference_of(number) == f"C-{number:06d}"
    assert int(rules.reference_of(number)[2:]) == number


def judge(change: ProfileChange, **changed: object) -> None:
    facts: dict[str, object] = {
        "allowed": rules.STAFF_MAY_CHANGE,
        "masked": frozenset(),
        "status": ClientStatus.ACTIVE,
        "versions": (3, 3),
    }
    rules.judge_change(change, **(facts | changed))


def test_staff_may_change_every_field_of_a_profile() -> None:
    judge(ProfileChange("n", "p", "CY", "en", ("t",)))
    assert set(ProfileChange("n", "p", "CY", "en", ("t",)).named()) == rules.STAFF_MAY_CHANGE


@pytest.mark.parametrize("name", sorted(rules.STAFF_MAY_CHANGE - rules.CLIENT_MAY_CHANGE))
def test_a_client_may_not_change_what_staff_decides(name: str) -> None:
    value = ("vip",) if name == "tags" else "x"
    with pytest.raises(DomainError) as caught:
        judge(ProfileChange(**{name: value}), allowed=rules.CLIENT_MAY_CHANGE)
    assert (caught.value.code, caught.value.path) == ("FIELD_NOT_ALLOWED", ("input", name))


def test_a_masked_field_is_not_written_back() -> None:
    with pytest.raises(DomainError) as caught:
        judge(ProfileChange(phone="•••"), masked=frozenset({"phone"}))
    assert caught.value.code == "FIELD_NOT_ALLOWED"


def test_a_closed_client_and_a_moved_version_are_refused() -> None:
    with pytest.raises(DomainError) as closed:
        judge(ProfileChange(name="x"), status=ClientStatus.CLOSED)
    with pytest.raises(DomainError) as moved:
        judge(ProfileChange(name="x"), versions=(4, 3))
    assert (closed.value.code, moved.value.code) == ("CLIENT_CLOSED", "VERSION_CONFLICT")


def test_tags_are_a_sorted_set() -> None:
    assert rules.normalise_tags(["VIP", " vip ", "a  b"]) == ("a b", "vip")
    assert rules.normalise_tags([]) == ()


@pytest.mark.parametrize("tags", [["x" * 41], [""], ["a\0"], [f"t{n}" for n in range(21)]])
def test_too_many_or_unfit_tags_are_refused(tags: list[str]) -> None:
    assert refusal(rules.normalise_tags, tags) == ("INVALID", ("input", "tags"))


def test_a_note_keeps_its_lines() -> None:
    assert rules.normalise_note(" one\ntwo ") == "one\ntwo"


@pytest.mark.parametrize("body", ["", " \n ", "x" * 10_001, "a\0b", "a\ud800"])
def test_an_unfit_note_is_refused(body: str) -> None:
    assert refusal(rules.normalise_note, body) == ("INVALID", ("input", "body"))
