"""The tour of the demo is green, against an installation as users start it."""

import os
import subprocess
import sys

from api.demo.tour import STEPS
from tests.api.embedded import ROOT
from tests.stories.conftest import Installation

PROMISED = (
    "/board", "challengesNearFloor",
    "KYC_TIER_LIMIT", "TIER_CHANGED", "settled and heard",
    '"explanation"', '"DAILY_LOSS"', "below the floor of",
    "it does not exist", '"node": null',
    "Postgres is gone", "ready again after",
)  # fmt: skip
"""What the tour shows: the board, a client verified and paid in, a commission that explains itself,
an account stopped, brands apart from each other, and a database killed."""


def backdesk(installation: Installation, *words: str) -> subprocess.CompletedProcess[str]:
    """A verb of the console command on the home of the installation."""
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *words],
        cwd=ROOT,
        env={**os.environ, "BACKDESK_HOME": str(installation.home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_every_step_of_the_tour_shows_what_it_promises(installation: Installation) -> None:
    told = backdesk(installation, "demo", "tour")
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-2000:]
    assert f"✓ {len(STEPS)} steps" in told.stdout
    again = backdesk(installation, "demo", "tour")
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-2000:]
    assert "an earlier tour has approved it" in again.stdout
    for each in (told.stdout, again.stdout):
        # The six things that it is for, in their order.
        places = [each.index(one) for one in PROMISED]
        assert places == sorted(places)


def test_a_killed_database_loses_no_deposit_and_no_event(installation: Installation) -> None:
    told = backdesk(installation, "demo", "crash")
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-2000:]
    assert "Postgres is gone" in told.stdout
    assert "ready again after" in told.stdout
