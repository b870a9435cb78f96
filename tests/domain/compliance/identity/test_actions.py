"""Which buttons there are for an identity, and why not."""

from uuid import uuid4

import pytest

from domain.clients.values import ClientKind, ClientStatus
from domain.compliance.identity.actions import case_actions, client_actions
from domain.compliance.identity.rules import tiers_of
from domain.compliance.identity.values import CaseStatus
from tests.domain.compliance.kyc import POLICY

TIERS = tiers_of(POLICY, ClientKind.INDIVIDUAL)
ALL = {"deposits:create", "withdrawals:request", "accounts:open", "kyc:submit"}
ME, OTHER = uuid4(), uuid4()


def reasons(possible) -> list[str | None]:
    return [one.reason_code for one in possible]


@pytest.mark.parametrize(
    ("status", "tier", "used", "missing", "expected"),
    [
        ("ACTIVE", 0, {}, ["IDENTITY"], ["KYC_TIER_LIMIT", "KYC_REQUIRED", "KYC_REQUIRED", None]),
        ("ACTIVE", 1, {}, ["ADDRESS"], [None, None, None, None]),
        ("ACTIVE", 1, {"EUR": 200_000}, ["ADDRESS"], ["KYC_TIER_LIMIT", None, None, None]),
        ("ACTIVE", 3, {"EUR": 10**12}, [], [None, None, None, "KYC_ALREADY_APPROVED"]),
        ("RESTRICTED", 1, {}, ["ADDRESS"], ["CLIENT_RESTRICTED"] * 3 + [None]),
        ("REGISTERED", 0, {}, ["IDENTITY"], ["EMAIL_NOT_VERIFIED"] * 4),
        ("CLOSED", 1, {}, ["ADDRESS"], ["CLIENT_RESTRICTED"] * 3 + ["CLIENT_CLOSED"]),
    ],
)
def test_what_an_identity_lets_a_client_do(status, tier, used, missing, expected):
    found = client_actions(ClientStatus(status), TIERS[tier], used, missing, ALL)
    assert reasons(found) == expected


def test_without_a_policy_everything_but_proving_is_open():
    found = client_actions(ClientStatus.ACTIVE, None, {}, [], ALL)
    assert reasons(found) == [None, None, None, "KYC_ALREADY_APPROVED"]


def test_money_that_is_held_neither_comes_in_nor_goes_out():
    found = client_actions(ClientStatus.ACTIVE, TIERS[1], {}, ["ADDRESS"], ALL, is_held=True)
    assert reasons(found) == ["CLIENT_RESTRICTED", "CLIENT_RESTRICTED", None, None]


def test_who_may_not_is_told_so_first():
    found = client_actions(ClientStatus.ACTIVE, TIERS[0], {}, ["IDENTITY"], ())
    assert reasons(found) == ["FORBIDDEN"] * 4


@pytest.mark.parametrize(
    ("status", "proposed_by", "makers", "expected"),
    [
        ("ON_HOLD", None, (), [None, "KYC_NOTHING_PROPOSED"]),
        ("ON_HOLD", OTHER, (), ["KYC_PROPOSAL_WAITS", None]),
        ("ON_HOLD", ME, (), ["KYC_PROPOSAL_WAITS", "FOUR_EYES"]),
        ("ON_HOLD", OTHER, (ME,), ["FOUR_EYES", "FOUR_EYES"]),
        ("PENDING", None, (), ["KYC_CASE_NOT_DECIDABLE", "KYC_NOTHING_PROPOSED"]),
        ("EXPIRED", None, (), ["KYC_CASE_NOT_DECIDABLE", "KYC_NOTHING_PROPOSED"]),
        ("REJECTED_FINAL", None, (), [None, "KYC_NOTHING_PROPOSED"]),
    ],
)
def test_what_somebody_can_do_with_a_case(status, proposed_by, makers, expected):
    found = case_actions(
        CaseStatus(status), makers=makers, proposed_by=proposed_by, viewer=ME, is_staff=True,
        permissions={"kyc:decide"},
    )  # fmt: skip
    assert reasons(found) == expected


def test_a_program_and_a_reader_decide_nothing():
    for is_staff, permissions, expected in (
        (False, {"kyc:decide"}, "FOUR_EYES"),
        (True, set(), "FORBIDDEN"),
    ):
        found = case_actions(
            CaseStatus.ON_HOLD, makers=(), proposed_by=None, viewer=ME, is_staff=is_staff,
            permissions=permissions,
        )  # fmt: skip
        assert reasons(found) == [expected, expected]
