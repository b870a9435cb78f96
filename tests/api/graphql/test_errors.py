"""What an error tells: coded messages to the caller, everything else to the log."""

from typing import Any

import pytest
import structlog
from graphql import GraphQLError

from api.graphql.errors import STATUS_OF_CODE, code_of
from schema.shared.errors import ErrorCode
from tests.api.graphql.toy import SECRET_TEXT

RESPONSE = "application/graphql-response+json"


async def test_a_bug_is_internal_and_logged_once(toy: Any) -> None:
    with structlog.testing.capture_logs() as lines:
        answer = await toy.post("{ boom }")
    assert "ledger_account" not in answer.text
    assert "db-7" not in answer.text
    (error,) = answer.json()["errors"]
    assert error["message"] == "Internal error."
    assert error["path"] == ["boom"]
    assert error["extensions"] == {
        "code": "INTERNAL",
        "requestId": answer.headers["x-request-id"],
    }
    (line,) = lines
    assert line["event"] == "graphql_internal_error"
    assert line["request_id"] == answer.headers["x-request-id"]
    assert len(line["document"]) == 16
    assert (line["path"], line["exception"]) == ("boom", "ValueError")


def test_the_list_is_closed() -> None:
    assert STATUS_OF_CODE.keys() == {code.value for code in ErrorCode}


@pytest.mark.parametrize("code", sorted(STATUS_OF_CODE))
async def test_coded_errors_are_shown(toy: Any, code: str) -> None:
    query = "query($code: String!) { refused(code: $code) }"
    answer = await toy.post(query, variables={"code": code})
    (error,) = answer.json()["errors"]
    assert error["message"] == "Told to the caller."
    assert error["extensions"]["code"] == code


@pytest.mark.parametrize("code", ["MADE_UP", "", "internal"])
async def test_codes_outside_the_list_are_masked(toy: Any, code: str) -> None:
    query = "query($code: String!) { refused(code: $code) }"
    answer = await toy.post(query, variables={"code": code})
    (error,) = answer.json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("Internal error.", "INTERNAL")


def test_a_value_error_is_never_the_callers_fault() -> None:
    assert code_of(GraphQLError("x", original_error=ValueError("x"))) is None
    assert code_of(GraphQLError("x")) is None


async def test_a_broken_context_is_500_without_its_text(toy: Any) -> None:
    toy.book.broken = True
    for accept in ("application/json", RESPONSE):
        answer = await toy.post("{ viewer }", headers={"Accept": accept})
        assert answer.status_code == 500
        assert SECRET_TEXT not in answer.text


async def test_what_json_cannot_hold_is_a_bug(toy: Any) -> None:
    answer = await toy.post("{ unwritable }", headers={"Accept": RESPONSE})
    assert answer.status_code == 500
    assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL"


@pytest.mark.parametrize(
    "query",
    [
        "{ viewr }",
        "{ clients(frist: 1) { nodes { id } } }",
        "{ node(id: 1) { ... on Cliemt { id } } }",
        "query($c: String) { refused(cod: $c) }",
    ],
)
async def test_nothing_is_suggested(toy: Any, query: str) -> None:
    assert "Did you mean" not in (await toy.post(query)).text


async def test_five_errors_are_told_and_none_is_logged(toy: Any) -> None:
    with structlog.testing.capture_logs() as lines:
        answer = await toy.post("{" + " ".join(f"x{n}" for n in range(100)) + "}", anonymous=True)
        many = "query " + "@nope " * 15 + "{ viewer }"
        repeated = await toy.post(many)
    assert "Too many root fields" in answer.text
    assert len(repeated.json()["errors"]) == 5
    assert len(repeated.text) < 2_000
    assert lines == []


async def test_the_status_of_a_failed_whole_is_that_of_its_code(toy: Any) -> None:
    answer = await toy.post("{ slow(seconds: 0) }", headers={"Accept": RESPONSE})
    assert answer.status_code == 200
