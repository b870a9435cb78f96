"""The GraphiQL page: development only, own files only, a strict policy."""

import re
from pathlib import Path
from typing import Any

from api.graphql import graphiql

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_development_shows_the_page_and_its_files(make_toy: Any) -> None:
    toy = await make_toy(development=True)
    page = await toy.http.get(toy.url, headers=HTML)
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) == 7
    for file in files:
        assert not file.startswith(("http", "//"))
        found = await toy.http.get(toy.url.removesuffix("graphql") + file)
        assert found.status_code == 200
    query = await toy.http.get(toy.url, params={"query": "{ __typename }"}, headers=HTML)
    assert query.json()["data"] == {"__typename": "Query"}


async def test_elsewhere_there_is_no_page(toy: Any) -> None:
    answer = await toy.http.get(toy.url, headers=HTML)
    assert answer.status_code == 400
    assert (await toy.http.get(f"{toy.url}/graphiql/page.js")).status_code == 404


def test_the_page_has_no_inline_script_and_is_small() -> None:
    static = Path(graphiql.__file__).parent / "static"
    html = (static / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert "http://" not in html
    assert "https://" not in html
    assert sum(file.stat().st_size for file in static.iterdir()) < 2_000_000
    assert (static / "LICENSES.md").read_text().count("MIT License") == 3
