"""The tour of the demo is green, against an installation as users start it."""

import os
import subprocess
import sys

from api.demo.tour import STEPS
from tests.api.embedded import ROOT
from tests.stories.conftest import Installation


def backdesk(installation: Installation, *words: str) -> subprocess.CompletedProcess[str]:
    """A verb of the console command on the home of the installation."""
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *words],
        cwd=ROOT,
        env={**os.environ, "BACKDESK_HOME": str(installation.home)},
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


def test_a_killed_database_loses_no_deposit_and_no_event(installation: Installation) -> None:
    told = backdesk(installation, "demo", "crash")
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-2000:]
    assert "Postgres is gone" in told.stdout
    assert "ready again after" in told.stdout
