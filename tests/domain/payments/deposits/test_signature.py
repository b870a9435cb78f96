"""Notices are proven by Stripe's scheme; only the very bytes, a secret of ours and now will do."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.payments.adapters.sandbox_notices import SandboxNotices, sign
from domain.payments.psp_values import Notice, NoticeKind

# The vector, checked against Stripe's own library.
SECRET, T, BODY = "whsec_test", 1_700_000_000, b'{"id":"evt_1"}'
SIGNATURE = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"
NOW = datetime.fromtimestamp(T, UTC)


def verified(
    header: str | None, *secrets: str, body: bytes = BODY, now: datetime = NOW
) -> int | None:
    headers = {} if header is None else {"sandbox-signature": header}
    return SandboxNotices().verify(headers, body, secrets or (SECRET,), now=now)


def test_the_vector_of_the_scheme():
    assert sign(SECRET, BODY, at=T) == SIGNATURE
    assert verified(f"t={T},v1={SIGNATURE}") == 0


def test_the_secret_that_signed_is_told():
    other = sign("whsec_new", BODY, at=T)
    assert verified(f"t={T},v1={SIGNATURE}", "whsec_new", SECRET) == 1
    assert verified(f"t={T},v1={other},v1={SIGNATURE}", "whsec_new", SECRET) == 0
    assert verified(f"t={T},v1={'0' * 64},v1={SIGNATURE}") == 0


def test_other_versions_of_signatures_count_for_nothing():
    assert verified(f"t={T},v0={SIGNATURE}") is None
    assert verified(f"t={T},v0=junk,v1={SIGNATURE}") == 0


@pytest.mark.parametrize(
    ("away", "index"),
    [
        pytest.param(timedelta(minutes=5), 0, id="five-minutes-old"),
        pytest.param(timedelta(minutes=5, seconds=1), None, id="older"),
        pytest.param(timedelta(minutes=-5), 0, id="five-minutes-ahead"),
        pytest.param(timedelta(minutes=-5, seconds=-1), None, id="further-ahead"),
    ],
)
def test_only_notices_of_now_are_proven(away: timedelta, index: int | None):
    assert verified(f"t={T},v1={SIGNATURE}", now=NOW + away) == index


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param(f"t={T}", id="no-signature"),
        pytest.param(f"v1={SIGNATURE}", id="no-time"),
        pytest.param(f"t={T},t={T},v1={SIGNATURE}", id="two-times"),
        pytest.param(f"t=-{T},v1={SIGNATURE}", id="negative-time"),
        pytest.param(f"t={'9' * 400},v1={SIGNATURE}", id="endless-time"),
        pytest.param(f"t=²,v1={SIGNATURE}", id="odd-digit"),
        pytest.param(f"t={T},v1={SIGNATURE.upper()}", id="upper-case"),
        pytest.param(f"t={T},v1={SIGNATURE[:-1]}", id="cut-off"),
        pytest.param(f"t={T}," + ",".join(["v1=" + "0" * 64] * 8 + [f"v1={SIGNATURE}"]), id="many"),
        pytest.param(f"t={T + 1},v1={SIGNATURE}", id="another-time"),
    ],
)
def test_what_is_not_of_the_scheme_proves_nothing(header: str | None):
    assert verified(header) is None


def test_one_other_byte_or_secret_proves_nothing():
    header = f"t={T},v1={SIGNATURE}"
    assert verified(header, body=BODY + b" ") is None
    assert verified(header, "whsec_tesT") is None
    assert SandboxNotices().verify({"sandbox-signature": header}, BODY, (), now=NOW) is None


def test_a_notice_says_where_to_look():
    body = b'{"id":"evt_1","object":{"id":"pay_1","type":"payment","reference":"r","version":3}}'
    assert SandboxNotices().read(body) == Notice("evt_1", NoticeKind.PAYMENT, "pay_1", "r")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"object": null}', id="no-object"),
        pytest.param(b'{"object":{"id":1,"type":"payment","reference":"r"}}', id="number"),
        pytest.param(b'{"object":{"id":"x","type":"dog","reference":"r"}}', id="unknown-kind"),
        pytest.param(b'{"id":[],"object":{"id":"x","type":"payment"}}', id="no-reference"),
    ],
)
def test_what_can_not_be_read_is_known_by_its_digest(body: bytes):
    read = SandboxNotices().read(body)
    assert (read.kind, len(read.event_id), read.object_id) == (NoticeKind.OTHER, 64, "")
    assert read == SandboxNotices().read(body)


def test_a_body_without_an_id_is_known_by_its_digest():
    body = b'{"object":{"id":"pay_1","type":"payment","reference":"r"}}'
    assert len(SandboxNotices().read(body).event_id) == 64
