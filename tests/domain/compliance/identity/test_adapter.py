"""The adapter of the sandbox KYC vendor: what it believes, and what proves nothing."""

import hashlib
import hmac
from typing import Any

import pytest

from domain.compliance.identity.adapters.sandbox_notices import SandboxKycNotices
from domain.compliance.identity.adapters.sandbox_shapes import applicant
from domain.compliance.identity.ports import KycUnavailable
from domain.compliance.identity.values import CaseStatus
from domain.compliance.risk.values import Flag

BODY: dict[str, Any] = {
    "id": "app_1", "reference": "c1", "version": 3, "review_status": "completed",
    "review_result": {"review_answer": "GREEN", "review_reject_type": None, "reject_labels": []},
    "screening": ["PEP", "UNHEARD"], "verification_url": "http://kyc/verify/app_1",
    "reviewed_at": "2026-03-04T12:00:00.000000Z",
}  # fmt: skip
NOTICES = SandboxKycNotices()


@pytest.mark.parametrize(
    ("status", "answer", "kind", "outcome"),
    [
        ("init", None, None, CaseStatus.AWAITING_DOCS),
        ("pending", None, None, CaseStatus.PENDING),
        ("onHold", None, None, CaseStatus.ON_HOLD),
        ("completed", "GREEN", None, CaseStatus.APPROVED),
        ("completed", "RED", "RETRY", CaseStatus.REJECTED_RETRY),
        ("completed", "RED", "FINAL", CaseStatus.REJECTED_FINAL),
    ],
)
def test_states_are_read_in_our_words(status, answer, kind, outcome):
    result = {"review_answer": answer, "review_reject_type": kind}
    found = applicant(BODY | {"review_status": status, "review_result": result})
    assert found.status is outcome


def test_flags_that_nobody_knows_are_ignored():
    assert applicant(BODY).flags == {Flag.PEP}


@pytest.mark.parametrize(
    "changed",
    [
        {"review_status": "completed", "review_result": None},
        {"review_status": "completed", "review_result": {"review_answer": "BLUE"}},
        {"review_status": "completed", "review_result": {"review_answer": "RED"}},
        {"review_status": "asleep"},
        {"version": 0},
        {"version": "1"},
        {"reviewed_at": "2026-03-04T12:00:00"},
        {"reviewed_at": None},
        {"id": 7},
        {"screening": None},
    ],
)
def test_what_has_not_the_published_shape_proves_nothing(changed):
    with pytest.raises(KycUnavailable):
        applicant(BODY | changed)


def signed(secret: str, body: bytes, **changed: str) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-payload-digest": digest, "x-payload-digest-alg": "HMAC_SHA256_HEX"} | changed


def test_a_notice_is_proven_over_its_raw_bytes_with_any_living_secret():
    body = b'{"id": "1",  "applicantId": "app_1"}'
    assert NOTICES.verify(signed("new", body), body, ["new", "old"]) == 0
    assert NOTICES.verify(signed("old", body), body, ["new", "old"]) == 1
    assert NOTICES.verify(signed("new", body), body.replace(b"  ", b" "), ["new"]) is None
    for wrong in (
        signed("other", body),
        signed("new", body, **{"x-payload-digest-alg": "HMAC_SHA1_HEX"}),
        signed("new", body, **{"x-payload-digest": "é"}),
        {"x-payload-digest": signed("new", body)["x-payload-digest"]},
        {},
    ):
        assert NOTICES.verify(wrong, body, ["new"]) is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"id": 1, "applicantId": "a"}', b'{"id": "", "applicantId": "a"}']
)
def test_a_body_that_says_nothing_known_is_known_by_its_digest(body: bytes):
    read = NOTICES.read(body)
    assert (read.event_id, read.applicant_id) == (hashlib.sha256(body).hexdigest(), "")
