"""Secrets open where they were sealed and nowhere else."""

import os
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.secrets import Place, SecretUnreadable, Vault

KEY = bytes(range(32))
PLACE = Place(UUID(int=1), "psp_merchant", "api_key", UUID(int=2))


@given(st.binary(max_size=300))
def test_what_was_sealed_opens(secret):
    vault = Vault(KEY)
    envelope = vault.seal(PLACE, secret)
    assert vault.open(PLACE, envelope) == secret
    assert vault.seal(PLACE, secret) != envelope
    assert len(secret) < 4 or secret not in envelope


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, brand_id=uuid4()),
        replace(PLACE, table="psp_endpoint"),
        replace(PLACE, column="secret"),
        replace(PLACE, id=uuid4()),
    ],
)
def test_a_copy_in_another_brand_table_column_or_row_does_not_open(elsewhere):
    envelope = Vault(KEY).seal(PLACE, b"secret")
    with pytest.raises(SecretUnreadable):
        Vault(KEY).open(elsewhere, envelope)


def test_another_master_key_or_altered_bytes_do_not_open():
    envelope = Vault(KEY).seal(PLACE, b"secret")
    with pytest.raises(SecretUnreadable):
        Vault(os.urandom(32)).open(PLACE, envelope)
    for at in range(len(envelope)):
        altered = envelope[:at] + bytes([envelope[at] ^ 1]) + envelope[at + 1 :]
        with pytest.raises(SecretUnreadable):
            Vault(KEY).open(PLACE, altered)
    for length in range(len(envelope)):
        with pytest.raises(SecretUnreadable):
            Vault(KEY).open(PLACE, envelope[:length])


def test_the_master_key_is_whole_and_never_shown():
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(b"short")
    assert repr(Vault(KEY)) == "Vault()"
