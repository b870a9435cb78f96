"""Token texts: what is minted is read back, and nothing else is."""

import hashlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.tokens import (
    NO_BRAND,
    TextKind,
    TokenText,
    is_secret,
    mint,
    parse,
    publishable,
)

KINDS = st.sampled_from([kind for kind in TextKind if kind is not TextKind.PUBLISHABLE])
SECRETS = st.text("ABCabc019-_", min_size=43, max_size=43)


@given(KINDS, st.uuids(), st.uuids(), SECRETS)
def test_every_text_is_read_as_it_was_written(kind, brand_id, key, secret):
    token = TokenText(kind, brand_id, key, secret)
    assert parse(token.render()) == token
    assert token.render() == f"bk_{kind}_{brand_id.hex}_{key.hex}_{secret}"
    assert secret not in repr(token)
    assert token.prefix() + "_" + secret == token.render()


@given(st.uuids(), st.uuids())
def test_publishable_keys_have_no_secret(brand_id, key):
    text = publishable(brand_id, key)
    assert text == f"bk_pub_{brand_id.hex}_{key.hex}"
    assert parse(text) == TokenText(TextKind.PUBLISHABLE, brand_id, key)
    assert parse(text + "_" + "A" * 43) is None


@given(st.text(max_size=250))
def test_arbitrary_text_is_refused_without_an_exception(text):
    read = parse(text)
    assert read is None or read.render() == text


@given(KINDS, st.uuids(), st.uuids(), SECRETS, st.integers(0, 120), st.characters())
def test_one_changed_character_never_reads_as_the_same(kind, brand, key, secret, at, character):
    text = TokenText(kind, brand, key, secret).render()
    at = min(at, len(text) - 1)
    changed = text[:at] + character + text[at + 1 :]
    read = parse(changed)
    assert read is None or read.render() == changed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bk",
        "bk_access",
        f"BK_access_{'0' * 32}_{'0' * 32}_{'A' * 43}",
        f"bk_access_{'0' * 32}_{'0' * 32}",
        f"bk_access_{'0' * 32}_{'0' * 32}_",
        f"bk_access_{'0' * 32}_{'0' * 32}_{'A' * 42}",
        f"bk_access_{'0' * 32}_{'0' * 32}_{'A' * 44}",
        f"bk_access_{'0' * 32}_{'0' * 32}_{'A' * 42}=",
        f"bk_access_{'F' * 32}_{'0' * 32}_{'A' * 43}",
        f"bk_access_{'0' * 31}٠_{'0' * 32}_{'A' * 43}",
        f"bk_nothing_{'0' * 32}_{'0' * 32}_{'A' * 43}",
        f"bk_access_{'0' * 32}_{'0' * 32}_{'A' * 43}\n",
    ],
)
def test_what_is_no_token(text):
    assert parse(text) is None


def test_a_minted_token_has_256_bits_and_only_its_hash_is_kept():
    made = mint(TextKind.ACCESS, NO_BRAND, UUID(int=1))
    read = parse(made.text)
    assert read is not None
    assert len(read.secret) == 43
    assert made.secret_hash == hashlib.sha256(read.secret.encode()).digest()
    assert is_secret(read.secret, made.secret_hash)
    assert not is_secret(read.secret[:-1] + "~", made.secret_hash)
    assert read.secret not in repr(made)
    assert mint(TextKind.ACCESS, NO_BRAND, UUID(int=1)).text != made.text
