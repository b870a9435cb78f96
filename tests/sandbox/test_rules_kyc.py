"""The KYC vendor's test persons and its patience with notices."""

from sandbox.kyc.rules import PERSONS, TURNED, retry_seconds
from sandbox.kyc.values import Answer, RejectType


def test_pauses_between_tries_grow_to_five_hours():
    assert [retry_seconds(n) for n in (1, 2, 3, 4, 5, 6, 60)] == [
        1, 5, 30, 300, 3_600, 18_000, 18_000,
    ]  # fmt: skip


def test_red_says_whether_to_try_again_and_nothing_else_does():
    for verdict in (TURNED, *(one for _, one in PERSONS.values() if one)):
        assert (verdict.answer is Answer.RED) == (verdict.reject_type is not None)
    assert TURNED.reject_type is RejectType.FINAL
