"""The board's files: served as they are, with a strict policy, small, and of nobody else."""

import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from api import board

PAGE = Path(board.__file__).parent / "page"
FILES = sorted(path.name for path in PAGE.iterdir())


@pytest.fixture
async def http():
    app = Starlette(routes=board.board_routes())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://backdesk.example") as made:
        yield made


async def test_the_page_and_every_file_it_names_are_served(http):
    page = await http.get("/board")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert len(set(named)) == 3
    for file in set(named):
        assert (await http.get(f"/{file}")).status_code == 200
    for name in FILES:
        for imported in re.findall(r'from "\./([^"]+)"', (PAGE / name).read_text()):
            found = await http.get(f"/board/{imported}")
            assert found.headers["content-type"] == "text/javascript; charset=utf-8"
    assert (await http.get("/board/__init__.py")).status_code == 404
    assert (await http.get("/board/../app.py")).status_code == 404
    assert (await http.post("/board")).status_code == 405


async def test_every_answer_has_the_policy_and_a_tag(http):
    for path in ("/board", *(f"/board/{name}" for name in FILES if name != "index.html")):
        answer = await http.get(path)
        assert answer.headers["content-security-policy"] == board.POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        tag = answer.headers["etag"]
        for known in (tag, f"W/{tag}", f'"another", {tag}'):
            again = await http.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
        other = await http.get(path, headers={"If-None-Match": '"another"'})
        assert other.status_code == 200


def test_the_policy_lets_nothing_in_from_elsewhere():
    rules = dict(one.split(" ", 1) for one in board.POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert {rules[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert rules["form-action"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in board.POLICY


def test_the_page_is_small_and_whole():
    texts = {name: (PAGE / name).read_text() for name in FILES}
    assert sum(len(text.encode()) for text in texts.values()) < 60_000
    for name, text in texts.items():
        without_namespace = text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", without_namespace), name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\b|localStorage", text)
    html = texts["index.html"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)
