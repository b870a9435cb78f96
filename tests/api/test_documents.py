"""`backdesk documents add`: what builds write down, all of it or nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from api.documents import add_files
from api.embedded import Endpoints
from api.embedded.problems import SetupError
from tenants import tables
from tenants.trusted_documents import sha256_of
from tests.factories import Brand, Factory

WHO = "query Who { viewer { name } }"
WHERE = "query Where { brand { slug } }"


def apollo(*texts: str) -> dict[str, Any]:
    """As generate-persisted-query-manifest writes it."""
    operations = [
        {"id": sha256_of(text), "name": text.split()[1], "type": "query", "body": text}
        for text in texts
    ]
    return {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": operations,
    }


def flat(*texts: str, prefix: str = "") -> dict[str, str]:
    """As codegen and Relay write it."""
    return {prefix + sha256_of(text): text for text in texts}


@pytest.fixture
def add(endpoints: Endpoints, brand: Brand, tmp_path: Path) -> Any:
    def adding(*contents: Any, slug: str = brand.slug) -> None:
        files = []
        for at, content in enumerate(contents):
            files.append(tmp_path / f"{at}.json")
            if content is not None:
                raw = content if isinstance(content, str) else json.dumps(content)
                files[-1].write_text(raw)
        add_files(endpoints, files, brand=slug, console=Console(width=160))

    return adding


def test_manifests_are_added_once(
    add: Any, make: Factory, brand: Brand, capsys: pytest.CaptureFixture[str]
) -> None:
    add(apollo(WHO), flat(WHO, prefix="sha256:"))
    first = capsys.readouterr().out.splitlines()
    assert f"sha256:{sha256_of(WHO)}" in first[1]
    assert first[1].split()[1:] == ["Who", "1", "added"]
    assert first[-1] == "1 of 1 documents added"
    add(flat(WHO, WHERE))
    second = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()[1:]) for line in second[1:3]] == [
        "Who 1 there before",
        "Where 1 added",
    ]
    assert second[-1] == "1 of 2 documents added"
    rows = make.rows(tables.trusted_document, brand)
    assert {row.text for row in rows} == {WHO, WHERE}
    assert {row.added_by_kind for row in rows} == {"SYSTEM"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "can't be read.*: name a file"),
        ("no json", "is no JSON: give Apollo's manifest"),
        ("[]", "holds no document"),
        ("{}", "holds no document"),
        ({"format": "apollo-persisted-query-manifest"}, "holds no document"),
        ({"format": "apollo-persisted-query-manifest", "operations": [7]}, "is no manifest"),
        ({"version": 1}, "is no manifest"),
        ({"5d41402abc4b2a76b9719d911017c592": WHO}, "not the SHA-256.*hashAlgorithm.*SHA256"),
        ({sha256_of(WHERE): WHO}, "not the SHA-256"),
        (flat("{ brand { slug } } # \0"), "can't be trusted: NUL"),
        (flat("query Old { noSuchField }"), "can't be trusted: Cannot query field.*schema print"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_fix(
    add: Any, make: Factory, brand: Brand, content: Any, told: str
) -> None:
    with pytest.raises(SetupError, match=told):
        add(flat(WHO), content)
    assert make.rows(tables.trusted_document, brand) == []


def test_the_brand_is_named(add: Any) -> None:
    with pytest.raises(SetupError, match="no brand is called nowhere: one of: "):
        add(flat(WHO), slug="nowhere")
