"""Scratch homes and clusters of these tests, and ways to look at processes."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from api.embedded import Cluster, Home
from api.embedded.postmaster import wait_until

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0


@contextmanager
def scratch_home() -> Iterator[Home]:
    """A home folder that is taken away, with the cluster it may have got."""
    folder = Path(tempfile.mkdtemp(prefix="backdesk-test-"))
    home = Home(folder / "home")
    try:
        yield home
    finally:
        if "cluster" in home.facts():
            Cluster.at(home, durable=False).destroy()
        if run_dir := home.facts().get("run_dir"):
            shutil.rmtree(run_dir, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Another interpreter that runs `code` from the checkout; its output can be read."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_in(folder: Path) -> list[int]:
    """Every living process that works in `folder`: all of a cluster's do, orphans too."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def none_in(folder: Path) -> bool:
    """Whether, within the patience, no process works in `folder` any more."""
    return wait_until(lambda: not processes_in(folder), seconds=PATIENCE)
