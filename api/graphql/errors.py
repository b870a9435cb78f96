"""Errors as callers see them: a closed list of codes; everything else is INTERNAL.

An error is shown when its `extensions.code` is in the list, or when graphql-core itself refused the
caller's variables or arguments. Anything else is a bug of ours: the caller learns the request id,
the log learns the rest. So no SQL, constraint or host name can travel in an answer.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from graphql import (
    ArgumentNode,
    GraphQLError,
    Node,
    ValueNode,
    VariableDefinitionNode,
)
from strawberry.exceptions import StrawberryInputCoercionError

log = structlog.get_logger("backdesk.graphql")

STATUS_OF_CODE: Mapping[str, int] = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "BAD_USER_INPUT": 400,
    "THROTTLED": 429,
    "COST_TOO_HIGH": 400,
    "DOCUMENT_NOT_FOUND": 400,
    "CONFLICT": 409,
    "UNAVAILABLE": 503,
    "INTERNAL": 500,
}
"""The closed list of top-level codes, with the status each has where statuses are real."""

REFUSALS = frozenset({"UNAUTHENTICATED", "FORBIDDEN", "THROTTLED", "UNAVAILABLE"})
"""Codes about the caller or the server rather than the document: real statuses in every media."""

_SUGGESTION = re.compile(r"\s*Did you mean .*\?$", re.DOTALL)
_INTERNAL = "Internal error."


class EdgeRefusal(Exception):
    """The caller is turned away before anything runs: 401, 403, 429 or 503.

    `retry_after` is in seconds. `headers` travel with the answer.
    """

    def __init__(
        self,
        code: str,
        status: int,
        message: str,
        *,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        assert code in STATUS_OF_CODE, code
        self.code = code
        self.status = status
        self.message = message
        self.retry_after = retry_after
        self.headers = dict(headers or {})

    def shown(self, request_id: str) -> dict[str, Any]:
        """The refusal as an entry of `errors`."""
        extensions: dict[str, Any] = {"code": self.code, "requestId": request_id}
        if self.retry_after is not None:
            extensions["retryAfter"] = round(self.retry_after, 3)
        return {"message": self.message, "extensions": extensions}


def shown_errors(
    errors: Iterable[GraphQLError], request_id: str, digest: str | None = None
) -> list[dict[str, Any]]:
    """The errors of one operation for its caller; each bug among them is logged once."""
    return [_shown(error, request_id, digest) for error in errors]


def _shown(error: GraphQLError, request_id: str, digest: str | None) -> dict[str, Any]:
    code = code_of(error)
    shown: dict[str, Any] = {"message": _SUGGESTION.sub("", error.message)}
    extensions: dict[str, Any] = {}
    if code is None:
        _log_bug(error, request_id, digest)
        code, shown["message"] = "INTERNAL", _INTERNAL
    elif error.extensions:
        extensions.update(error.extensions)
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        shown["path"] = error.path
    shown["extensions"] = {**extensions, "code": code, "requestId": request_id}
    return shown


def code_of(error: GraphQLError) -> str | None:
    """The code an error is shown with; None for what must not be shown."""
    code = (error.extensions or {}).get("code")
    if isinstance(code, str) and code in STATUS_OF_CODE:
        return code
    return "BAD_USER_INPUT" if _refused_by_graphql_core(error) else None


def _refused_by_graphql_core(error: GraphQLError) -> bool:
    """Whether this is graphql-core's own word on the caller's variables or arguments.

    Variables are refused before execution, with the variable's definition as their node; arguments
    during execution, with the argument's value as their node. An error a resolver raised is never
    one of these: its node is the field.
    """
    if isinstance(error, StrawberryInputCoercionError):
        return True  # Strawberry's word on inputs that take exactly one key; it names no node
    if error.path is None:
        return isinstance(_first_node(error), VariableDefinitionNode)
    cause = error.original_error
    return isinstance(cause, GraphQLError) and isinstance(
        _first_node(cause), ArgumentNode | ValueNode
    )


def _first_node(error: GraphQLError) -> Node | None:
    return next(iter(error.nodes or ()), None)


def _log_bug(error: GraphQLError, request_id: str, digest: str | None) -> None:
    cause = error.original_error or error
    log.error(
        "graphql_internal_error",
        request_id=request_id,
        document=digest,
        path=".".join(str(step) for step in error.path or ()),
        exception=type(cause).__name__,
        exc_info=cause,
    )
