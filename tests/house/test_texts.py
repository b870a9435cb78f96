"""What no committed file contains: unfinished work, package registries, paths of one machine."""

import re

import pytest

from tests.house.sources import ROOT, committed, report

LEFTOVERS = ("(?-i:TODO)", "(?-i:FIXME)", "not implemented", "placeholder", "lorem ipsum")
REGISTRIES = (
    r"pypi\.org",
    r"pythonhosted\.org",
    r"registry\.npmjs\.org",
    r"registry\.yarnpkg\.com",
    r"npmmirror\.com",
    r"proxy\.golang\.org",
    r"crates\.io",
)
MACHINE = ("/work/", "/root/", "/tmp/bd/", "/home/", "/Users/")
SELF = "tests/house/test_texts.py"
# Other people's files, shipped as they are.
VENDORED = "/static/"
BINARY = (".png", ".ico", ".woff2", ".gz", ".zst", ".jpg")


@pytest.mark.parametrize(
    ("needles", "rule"),
    [
        (LEFTOVERS, "finish it or file an issue"),
        (REGISTRIES, "locks carry hashes, not addresses: every mirror must do"),
        (MACHINE, "a path of one machine means nothing on another"),
    ],
    ids=["leftovers", "registries", "machine"],
)
def test_no_committed_file_contains(needles: tuple[str, ...], rule: str):
    pattern = re.compile("|".join(rf"(?<![A-Za-z0-9_.]){one}" for one in needles), re.I)
    found = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path in committed()
        if path != SELF and VENDORED not in path and not path.endswith(BINARY)
        for number, line in enumerate(_lines(path), 1)
        if pattern.search(line)
    ]
    assert not found, report(found, rule)


def test_lock_file_has_no_foreign_schema_package_and_no_index():
    """PyPI's `schema` would shadow ours when started from another folder."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        lines = (ROOT / name).read_text().splitlines()
        assert not [line for line in lines if re.match(r"schema\s*[=@<>~]", line)], name
        options = ("--index-url", "--extra-index-url", "--find-links", "-i ", "-f ")
        assert not [line for line in lines if line.startswith(options)], name
        assert not [line for line in lines if "://" in line.partition("#")[0]], name


def test_lock_file_pins_with_hashes():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pinned = [line for line in lines if re.match(r"[A-Za-z0-9]", line)]
    assert pinned
    assert all("==" in line for line in pinned)
    assert (ROOT / "requirements.lock").read_text().count("--hash=sha256:") >= len(pinned)


def _lines(path: str) -> list[str]:
    try:
        return (ROOT / path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []
