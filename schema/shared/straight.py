"""Runs a prepared operation on graphql-core itself, without Strawberry's extensions around it.

Entering and leaving the hooks of a few extensions takes longer than executing a mutation. What ours
do for an operation of one answer is said here as two functions; streams still go through the hooks.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from graphql import DocumentNode, GraphQLError, GraphQLSchema, execute
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from schema.shared.woven import WovenExecutor

# Told as a guard of types, which it is.
_IS_AWAITABLE: Final[Any] = optimized_is_awaitable


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation of a document: its name, its variables, and the context of who asks."""

    document: DocumentNode
    name: str | None
    variables: Mapping[str, Any]
    context: Any


Judge: TypeAlias = Callable[[GraphQLSchema, Asked], Awaitable[list[GraphQLError]]]
"""Why an operation must not run; nothing when it may."""


@dataclass(frozen=True, slots=True)
class Straight:
    """What is done before an operation is executed, and to the errors that come out of it."""

    judge: Judge
    coded: Callable[[list[GraphQLError] | None], None]

    async def run(self, schema: GraphQLSchema, asked: Asked) -> ExecutionResult:
        """The answer of a query or mutation, the same as with the extensions."""
        try:
            refused = await self.judge(schema, asked)
            if refused:
                return PreExecutionError(data=None, errors=refused)
            found: Any = execute(
                schema,
                asked.document,
                context_value=asked.context,
                variable_values=dict(asked.variables),
                operation_name=asked.name,
                executor_class=WovenExecutor,
                is_awaitable=_IS_AWAITABLE,
            )
            if inspect.isawaitable(found):
                found = await found
        except Exception as bug:
            return PreExecutionError(data=None, errors=[_error_of(bug)])
        self.coded(found.errors)
        return ExecutionResult(data=found.data, errors=found.errors)


def _error_of(bug: Exception) -> GraphQLError:
    return bug if isinstance(bug, GraphQLError) else GraphQLError(str(bug), original_error=bug)
