"""The sentence a timeline shows for an event."""

import pytest

from domain.clients.events import _SENTENCES, TOPIC, ClientEventKind, summarise


@pytest.mark.parametrize("kind", sorted(_SENTENCES))
def test_each_kind_has_a_sentence(kind: ClientEventKind) -> None:
    assert summarise(TOPIC, kind, {}) == _SENTENCES[kind]


def test_a_changed_profile_names_its_fields() -> None:
    assert summarise(TOPIC, "profile_changed", {"fields": ["name", "phone"]}) == (
        "Changed name, phone."
    )
    assert summarise(TOPIC, "profile_changed", {}) == "Changed the profile."


def test_other_events_are_said_in_their_own_words() -> None:
    assert summarise("ACCOUNT", "deal_closed", {}) == "Account deal closed."
    assert summarise("ACCOUNT", "registered", {}) == "Account registered."


def test_every_kind_is_said_somehow() -> None:
    assert all(summarise(TOPIC, kind, {}).endswith(".") for kind in ClientEventKind)
