"""Whether servers answer alike: before anything is measured, each is asked the same once."""

import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from bench.peers.load import is_refusal
from bench.peers.questions import MADE_BY, NAMES, Drawn, Name
from bench.peers.servers import TRIVIAL, Running

_TOLD = {"name", "login", "reference", "email", "leverage", "status", "level", "body"}
"""Fields that every dialect calls by the same name and gives in the same form."""
_COUNTS = {"clientsCount", "totalCount"}


def require_equal(running: Sequence[Running], drawn: Drawn, page: int) -> None:
    """Refuse to measure servers of which one gives other rows than the first."""
    for name in NAMES:
        first: tuple[str, Counter[str]] | None = None
        for one in running:
            if one.server.name == TRIVIAL:
                continue
            told = Counter(told_by(_ask(one, name, drawn, page)))
            if first is None:
                first = (one.server.name, told)
            elif first[1] != told:
                missing, more = first[1] - told, told - first[1]
                raise SystemExit(
                    f"error: {one.server.name} and {first[0]} answer {name} otherwise:"
                    f" {list(missing.elements())[:5]}, {list(more.elements())[:5]}"
                )


def told_by(answer: Any) -> Iterator[str]:
    """What an answer says, whatever its shape."""
    match answer:
        case dict():
            for name, value in answer.items():
                if name in _COUNTS:
                    yield f"count {value['value'] if isinstance(value, dict) else value}"
                elif name in _TOLD and not isinstance(value, dict | list):
                    yield f"{name} {value}"
                else:
                    yield from told_by(value)
        case list():
            for each in answer:
                yield from told_by(each)


def _ask(one: Running, name: Name, drawn: Drawn, page: int) -> Any:
    head, _, body = MADE_BY[one.server.dialect](name, drawn, page).partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    headers = {key: value for key, _, value in lines}
    url = f"http://127.0.0.1:{one.port}/graphql"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as response:
            said: bytes = response.read()
    except urllib.error.HTTPError as refusal:
        said = b"HTTP/1.1 400 " + refusal.read()
    if is_refusal(b"HTTP/1.1 200" + said):
        raise SystemExit(f"error: {one.server.name} refused {name}:\n{said.decode()[:1_500]}")
    return orjson.loads(said)
