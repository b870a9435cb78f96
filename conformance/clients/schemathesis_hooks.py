"""What schemathesis needs to know of this API: its scalars, and what a server error is.

A refusal with a code of the closed list is a right answer to a random document. INTERNAL, a status
of 500 or more, a body that is no GraphQL answer: each is a fault of the server.
"""

import os
from datetime import UTC

import schemathesis
from hypothesis import strategies as st
from hypothesis_graphql import nodes
from schemathesis.checks import CheckContext

CODES = {
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "BAD_USER_INPUT",
    "THROTTLED",
    "COST_TOO_HIGH",
    "DOCUMENT_NOT_FOUND",
    "CONFLICT",
}

_TEXTS = {
    "DateTime": st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat()),
    "Date": st.dates().map(lambda day: day.isoformat()),
    "Decimal": st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str),
    "CurrencyCode": st.sampled_from(["USD", "EUR", "JPY", "XXX", "usd"]),
    "CountryCode": st.sampled_from(["DE", "CY", "ZZ", "d"]),
    "URL": st.sampled_from(["https://portal.example/back", "javascript:1", "x"]),
    "Cursor": st.text(max_size=40) | st.sampled_from(["Ê", "AAAA", "=="]),
}


def _scalars() -> list[str]:
    with open(os.environ["BACKDESK_SDL"], encoding="utf-8") as sdl:
        return [line.split()[1] for line in sdl if line.startswith("scalar ")]


for _name in _scalars():
    _text = _TEXTS.get(_name, st.text(max_size=20))
    schemathesis.graphql.scalar(_name, _text.map(nodes.String))


@schemathesis.check
def no_server_error(
    ctx: CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Fails on any answer that is a fault of the server."""
    assert response.status_code < 500, f"status {response.status_code}: {response.text[:500]}"
    answer = response.json()
    assert isinstance(answer, dict), "no GraphQL answer"
    for error in answer.get("errors", ()):
        assert error["extensions"]["code"] in CODES, f"{error}"
