"""What the demo looks back on, seen through the API, and reckoned again from its first day."""

import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from api.demo.past.fates import Fate, purchases
from api.demo.past.people import DAYS, Crowd
from api.demo.story import BRANDS
from tests.api.embedded import ROOT
from tests.stories.conftest import PAST, Installation
from tests.stories.telling import ask, http

CHALLENGES = """query($after: Cursor) { challenges(first: 10, after: $after) {
  pageInfo { hasNextPage endCursor } nodes { reference status client { id } program { code }
  breach { rule source at floor { amount } equity { amount } verifiedAt disabledAt
    prices { symbol } positions { ticket } explanation { summary } }
  current { status closing account { access } snapshot { maxLoss { share { percent } } }
    startBalance { amount } rules { rule distance { amount } } } } } }"""
COUNTS = "{ %s(first: 1) { totalCount { value } } }"
IBS = """{ ibs(first: 50) { nodes { code level } } }"""
WALLETS = """{ clients(first: 50) { nodes { accounts { nodes { currency } } } } }"""
KYC = """query($after: Cursor) { clients(first: 50, after: $after) {
  pageInfo { hasNextPage endCursor } nodes { kyc { status } } } }"""
WAITING = """{ approvals { nodes { level withdrawal { approvals { level status } } } } }"""
DISPUTES = "{ disputes { nodes { reference status } } }"
FIRM = next(one for one in BRANDS if one.is_prop)


def told(installation: Installation, *words: str) -> str:
    """What a verb of the console says of the home, which must be content."""
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", *words],
        cwd=ROOT,
        env={**os.environ, "BACKDESK_HOME": str(installation.home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def asked(installation: Installation, slug: str, role: str, query: str, **more: Any) -> Any:
    token = installation.brand(slug)["tokens"][role]
    return await ask(http(installation, token), query, **more)


async def all_of(installation: Installation, slug: str, role: str, query: str) -> list[Any]:
    """Every node of a connection."""
    nodes: list[Any] = []
    after = None
    while True:
        page = await asked(installation, slug, role, query, after=after)
        nodes += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes


def share_left(one: Any) -> Decimal:
    """How much of the room above its lowest floor a running challenge has left, from 0 to 1."""
    phase = one["current"]
    percent = Decimal(phase["snapshot"]["maxLoss"]["share"]["percent"])
    room = Decimal(phase["startBalance"]["amount"]) * percent / 100
    left = next(each for each in phase["rules"] if each["rule"] == "MAX_LOSS")
    return Decimal(left["distance"]["amount"]) / room


@pytest.mark.parametrize("slug", [story.plan.slug for story in BRANDS])
async def test_leads_and_clients_are_as_many_as_the_story_has(
    installation: Installation, slug: str
) -> None:
    crowd = Crowd(next(one for one in BRANDS if one.plan.slug == slug), float(PAST))
    leads = sum(len(crowd.leads_of(day)) for day in range(DAYS))
    clients = len(list(crowd.clients_until(DAYS - 1))) + crowd.story.clients
    for name, least in (("leads", leads), ("clients", clients)):
        found = await asked(installation, slug, "brand_admin", COUNTS % name)
        assert found["totalCount"]["value"] >= least, name


async def test_challenges_came_to_what_the_rules_made_of_them(installation: Installation) -> None:
    planned = purchases(Crowd(FIRM, float(PAST)))
    fates = Counter(one.fate for one in planned)
    found = await all_of(installation, "cirrus", "brand_admin", CHALLENGES)
    assert len(found) == len(planned)
    assert len({one["client"]["id"] for one in found}) == len(planned)
    status = Counter(one["status"] for one in found)
    assert status == {
        "ACTIVE": fates[Fate.RUNNING] + fates[Fate.NEAR] + fates[Fate.SECOND],
        "FAILED": fates[Fate.DAILY] + fates[Fate.MAX],
        "REVIEW": fates[Fate.PASSED],
        "EXPIRED": fates[Fate.EXPIRED],
    }
    running = [one for one in found if one["status"] == "ACTIVE"]
    near = [one for one in running if share_left(one) <= Decimal("0.1")]
    assert len(near) == 3
    assert all(share_left(one) > 0 for one in near)
    assert sum(one["current"]["status"] == "ACTIVE" for one in running) == len(running)


async def test_a_broken_rule_shows_its_evidence(installation: Installation) -> None:
    found = await all_of(installation, "cirrus", "auditor", CHALLENGES)
    broken = [one for one in found if one["status"] == "FAILED"]
    assert {one["breach"]["rule"] for one in broken} == {"DAILY_LOSS", "MAX_LOSS"}
    for one in broken:
        breach, phase = one["breach"], one["current"]
        assert Decimal(breach["equity"]["amount"]) < Decimal(breach["floor"]["amount"])
        assert (len(breach["prices"]), len(breach["positions"])) == (1, 1)
        assert "below the floor of" in breach["explanation"]["summary"]
        assert breach["at"] <= breach["verifiedAt"] <= breach["disabledAt"]
        assert (phase["closing"], phase["account"]["access"]) == ("DISABLED", "NO_TRADING")


async def test_ibs_money_and_identity_are_in_every_state(installation: Installation) -> None:
    ibs = (await asked(installation, "aurora", "brand_admin", IBS))["nodes"]
    assert {one["level"] for one in ibs if one["code"].lower().startswith("aurora-north")} == {
        1,
        2,
        3,
    }
    kyc = [
        one["kyc"]["status"]
        for slug in ("aurora", "borealis")
        for one in await all_of(installation, slug, "compliance", KYC)
    ]
    assert {
        "NOT_STARTED", "AWAITING_DOCS", "PENDING", "ON_HOLD", "APPROVED", "REJECTED_RETRY",
        "REJECTED_FINAL", "EXPIRED",
    } <= set(kyc)  # fmt: skip
    for slug in ("aurora", "borealis"):
        assert (await asked(installation, slug, "finance", DISPUTES))["nodes"], slug
    waiting = (await asked(installation, "borealis", "finance", WAITING))["nodes"]
    levels = [Counter(one["status"] for one in each["withdrawal"]["approvals"]) for each in waiting]
    assert any(one["APPROVED"] == 1 and one["PENDING"] == 1 for one in levels), levels


def test_ninety_days_reckoned_from_zero_come_to_the_same(installation: Installation) -> None:
    """Every accrual to the cent, every verdict to the tick, every book to the minor unit."""
    accruals = told(installation, "ibs", "replay")
    for slug in ("aurora", "borealis"):
        line = next(one for one in accruals.splitlines() if one.startswith(slug))
        assert line.split()[-1] == "none", line
        assert int(line.split()[1]) > 0, line
    verdicts = told(installation, "challenges", "replay", "--brand", FIRM.plan.slug)
    phases = sum(1 + (one.fate in (Fate.SECOND, Fate.PASSED) and one.program.startswith("two"))
                 for one in purchases(Crowd(FIRM, float(PAST))))  # fmt: skip
    assert verdicts.startswith(f"{phases} phases, ")
    assert verdicts.strip().endswith(" verdicts: the same")
    told(installation, "ledger", "verify")
