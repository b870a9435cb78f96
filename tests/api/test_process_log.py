"""What of a child's output reaches the terminal."""

from pathlib import Path

import pytest

from api import process_log
from api.process_log import ProcessLog


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def log(said: list[str], tmp_path: Path) -> ProcessLog:
    return ProcessLog("worker", tmp_path / "worker.log", said.append)


@pytest.mark.parametrize(
    "line",
    [
        "ERROR:    bad",
        '{"level": "error", "event": "bad"}',
        "error: port 8000 is taken",
        "\x1b[31mCRITICAL\x1b[0m bad",
    ],
)
def test_errors_are_said_with_the_name(log: ProcessLog, said: list[str], line: str) -> None:
    log.notice(line)
    assert len(said) == 1
    assert said[0].startswith("[worker] ")
    assert "\x1b" not in said[0]


@pytest.mark.parametrize("line", ["INFO: fine", "", '{"level": "info"}', "0 errors", "terror"])
def test_the_rest_is_not(log: ProcessLog, said: list[str], line: str) -> None:
    log.notice(line)
    assert said == []


def test_of_a_traceback_only_the_last_line(log: ProcessLog, said: list[str]) -> None:
    for line in (
        "Traceback (most recent call last):",
        '  File "x", line 1, in <module>',
        "    ERROR in a line of code",
        "ValueError: no luck",
        "INFO: after",
    ):
        log.notice(line)
    assert said == ["[worker] ValueError: no luck"]


def test_a_flood_is_cut(log: ProcessLog, said: list[str]) -> None:
    for _ in range(process_log.SAID_PER_WINDOW + 30):
        log.notice("ERROR")
    assert len(said) == process_log.SAID_PER_WINDOW + 1
    assert said[-1] == f"[worker] more of it in {log.file}"
