"""`backdesk sanctions import`: a list once, by its day; whatever is wrong is one line."""

import gzip
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from api.embedded import Endpoints
from api.embedded.problems import SetupError
from api.screening import import_files
from domain.compliance.screening.values import SanctionsList
from tests.domain.compliance.screening.test_list_files import ALT, SDN, UN
from tests.factories import Brand
from tests.sanctions import new_day

OFAC = SanctionsList.OFAC


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    made = {"sdn": SDN, "alt": gzip.compress(ALT), "un": UN, "bad": b"<html/>", "cut": b"\x1f\x8b"}
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in [*made, "missing"]}


def test_a_list_is_imported_once(
    endpoints: Endpoints,
    brand: Brand,
    files: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    day = new_day()
    for _ in range(2):
        import_files(
            endpoints,
            [files["alt"], files["sdn"]],
            code=OFAC,
            published_on=day,
            console=Console(width=200),
        )
    first, second = capsys.readouterr().out.strip().splitlines()
    assert first == f"imported: OFAC of {day}, 3 entries, 4 names"
    assert second == f"imported before: OFAC of {day}, 3 entries, 4 names"
    with pytest.raises(SetupError, match=f"{day} is imported, and newer"):
        import_files(
            endpoints,
            [files["sdn"], files["alt"]],
            code=OFAC,
            published_on=date(2001, 1, 1),
            console=Console(),
        )


@pytest.mark.parametrize(
    ("code", "names", "day", "told"),
    [
        ("OFAC", ["sdn", "alt"], None, "do not say their day.*--published"),
        ("OFAC", ["sdn"], date(2026, 1, 1), "two files"),
        ("OFAC", ["sdn", "sdn"], date(2026, 1, 1), "two files"),
        ("OFAC", ["bad", "alt"], date(2026, 1, 1), "no SDN.CSV"),
        ("UN", ["un", "un"], None, "one file, not 2"),
        ("UN", ["un"], date(2026, 1, 1), "published on 2026-02-27"),
        ("UN", ["bad"], None, "no CONSOLIDATED_LIST"),
        ("UN", ["cut"], None, "no whole gzip"),
        ("UN", ["missing"], None, "can't be read"),
    ],
)
def test_what_can_not_be_imported_is_said_in_a_line(
    endpoints: Endpoints,
    files: dict[str, Path],
    code: str,
    names: list[str],
    day: date | None,
    told: str,
) -> None:
    with pytest.raises(SetupError, match=told) as refused:
        import_files(
            endpoints,
            [files[name] for name in names],
            code=SanctionsList(code),
            published_on=day,
            console=Console(),
        )
    assert "\n" not in str(refused.value)
