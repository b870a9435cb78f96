"""A request as the edge reads it: each header is asked for several times, so they are read once."""

from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request


class ReadHeaders(Headers):
    """Starlette's headers, which look through all of them at every question, read into a dict.

    Of a header that was sent twice the first counts, as there.
    """

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        super().__init__(raw=raw)
        self._read = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in reversed(raw)
        }

    def __getitem__(self, key: str) -> str:
        return self._read[key.lower()]

    def __contains__(self, key: Any) -> bool:
        return key.lower() in self._read

    def get(self, key: str, default: Any = None) -> Any:
        return self._read.get(key.lower(), default)


class AskedRequest(Request):
    """A request whose headers are read once."""

    _asked: ReadHeaders | None = None

    @property
    def headers(self) -> Headers:
        if self._asked is None:
            self._asked = ReadHeaders(list(self.scope["headers"]))
        return self._asked
