"""Runs one admitted operation, the same way for every transport.

Admission: prepared document (trusted or not) → chosen operation → allowed kind → introspection →
budget → buckets. Then Strawberry executes or streams it, and its results become `Answer`s: errors
masked, cost and request id attached. Transports only read parameters and write answers.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from graphql import GraphQLError, OperationType
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType as AllowedType

from api.graphql.callers import closed
from api.graphql.context import EdgeContext
from api.graphql.errors import REFUSALS, STATUS_OF_CODE, EdgeRefusal, code_of, shown_errors
from api.graphql.limits import EdgeLimits, Throttle, ThrottleStatus
from api.graphql.parameters import Parameters
from api.graphql.trusted import Chosen, Trusted
from schema.shared.documents import DocumentRefused, ExecutableSchema, Prepared
from schema.shared.introspection import refuse_anonymous
from schema.shared.plans import Plans
from schema.shared.woven import Woven, json_of, opened

QUERIES = frozenset({OperationType.QUERY})
SINGLE = frozenset({OperationType.QUERY, OperationType.MUTATION})
ANY = frozenset(OperationType)


class KindNotAllowed(Exception):
    """The transport can't carry this kind of operation (a mutation by GET, a stream as JSON)."""

    def __init__(self, kind: OperationType) -> None:
        super().__init__(kind.value)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Answer:
    """What one result is to its caller.

    `refused`: nothing ran, so there is no `data`. `status` is the one of transports that have real
    statuses; `strict` says that even plain JSON gets it. `woven` is the `data` as JSON, where a
    compiled plan wrote it; `payload` then holds everything beside it.
    """

    payload: Mapping[str, Any]
    woven: bytes | None = None
    status: int = 200
    refused: bool = False
    strict: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def read(self) -> "Answer":
        """The same with its data in the payload, for transports that wrap it in a message."""
        if self.woven is None:
            data = self.payload.get("data")
            return replace(self, payload={**self.payload, "data": opened(data)}) if data else self
        data = orjson.loads(self.woven)
        return replace(self, payload={"data": data, **self.payload}, woven=None)


@dataclass(frozen=True, slots=True)
class Admission:
    """An operation that may run, at its price."""

    parameters: Parameters
    prepared: Prepared
    kind: OperationType
    requested: int


class Operations:
    """Admits and runs operations of one schema under one set of limits."""

    def __init__(
        self,
        schema: ExecutableSchema,
        limits: EdgeLimits,
        throttle: Throttle,
        plans: Plans | None = None,
        trusted: Trusted | None = None,
    ) -> None:
        self._schema = schema
        self._trusted = trusted or Trusted(schema.documents)
        self._plans = plans
        self._limits = limits
        self.throttle = throttle

    async def admit(
        self, parameters: Parameters, context: EdgeContext, allowed: frozenset[OperationType]
    ) -> Admission:
        """Decides whether the operation may run, and takes its price.

        Raises `DocumentRefused`, `KindNotAllowed`, or `EdgeRefusal` when buckets are empty.
        """
        keys = context.throttle_keys
        self.throttle.take(keys, 0)
        try:
            chosen = await self._trusted.choose(parameters, context.scope)
            admission = self._measure(parameters, chosen, context)
        except DocumentRefused:
            self.throttle.charge(keys, self._limits.refusal_cost)
            raise
        if admission.kind not in allowed:
            raise KindNotAllowed(admission.kind)
        self.throttle.take(keys, admission.requested)
        return admission

    def _measure(self, parameters: Parameters, chosen: Chosen, context: EdgeContext) -> Admission:
        actor, prepared = context.scope.actor, chosen.prepared
        try:
            operation = prepared.cost.operation(parameters.operation_name)
            refuse_anonymous(operation, actor)
            cost = prepared.cost.cost(parameters.operation_name, parameters.variables)
        except GraphQLError as error:
            raise DocumentRefused([error]) from None
        budget = self._limits.budget_of(actor, trusted=chosen.trusted)
        if cost > budget:
            shown = min(cost, 10**9)
            raise DocumentRefused(
                [
                    GraphQLError(
                        f"The operation costs {shown} points, more than the {budget} allowed.",
                        extensions={"code": "COST_TOO_HIGH", "cost": shown, "maximum": budget},
                    )
                ]
            )
        return Admission(parameters, prepared, operation.kind, max(cost, 1))

    async def execute(self, admission: Admission, context: EdgeContext) -> Answer:
        """Runs a query or mutation to its one answer, within the time an operation has.

        A query with a compiled plan is one statement; all others go to the executor, which leaves
        the objects of a mutation's payload to plans where there are. The context
        is closed then: an answer is sent with no connection of the database in hand, however
        slowly its caller reads.
        """
        parameters = admission.parameters
        try:
            async with asyncio.timeout(self._limits.operation_seconds):
                woven = await self._woven(admission, context)
                if woven is not None:
                    return self._answer_of(woven, admission, context)
                self._let_weave(admission, context)
                result = await self._schema.run(
                    admission.prepared,
                    variables=parameters.variables,
                    context=context,
                    operation_name=parameters.operation_name,
                    kind=AllowedType(admission.kind.value),
                )
        except TimeoutError:
            late = EdgeRefusal("UNAVAILABLE", 503, "The operation took too long.")
            return refusal_answer(late, context.request_id)
        finally:
            await closed(context)
        return self._answer(result, admission, context, charged=True)

    async def _woven(self, admission: Admission, context: EdgeContext) -> Woven | None:
        if self._plans is None or admission.kind is not OperationType.QUERY:
            return None
        asked = admission.parameters
        return await self._plans.answer(
            admission.prepared, asked.operation_name, asked.variables, context.scope
        )

    def _let_weave(self, admission: Admission, context: EdgeContext) -> None:
        """What a mutation shows of its objects is left to plans, too."""
        if self._plans is not None and admission.kind is OperationType.MUTATION:
            asked = admission.parameters
            context.weave = self._plans.below(
                admission.prepared, asked.operation_name, asked.variables, context.scope
            )

    def _answer_of(self, woven: Woven, admission: Admission, context: EdgeContext) -> Answer:
        actual, status = self._settle(woven.spent, admission, context)
        cost = _shown_cost(admission.requested, actual, status)
        return Answer(
            payload={"extensions": {"requestId": context.request_id, "cost": cost}},
            woven=woven.data,
            headers=status.headers() if status else {},
        )

    async def stream(
        self, admission: Admission, context: EdgeContext
    ) -> AsyncGenerator[Answer, None]:
        """The answers of any operation: one for a query or mutation, many for a subscription."""
        if admission.kind is not OperationType.SUBSCRIPTION:
            yield (await self.execute(admission, context)).read()
            return
        parameters = admission.parameters
        results = await self._schema.follow(
            admission.prepared,
            variables=parameters.variables,
            context=context,
            operation_name=parameters.operation_name,
        )
        async with aclosing(results):
            async for result in results:
                assert isinstance(result, ExecutionResult), "incremental delivery is off"
                yield self._answer(result, admission, context, charged=False)

    def _answer(
        self,
        result: ExecutionResult,
        admission: Admission,
        context: EdgeContext,
        *,
        charged: bool,
    ) -> Answer:
        errors = result.errors or []
        refused = isinstance(result, PreExecutionError) or (
            result.data is None and bool(errors) and all(error.path is None for error in errors)
        )
        payload: dict[str, Any] = {} if refused else {"data": result.data}
        if errors:
            digest = admission.prepared.digest
            payload["errors"] = shown_errors(errors, context.request_id, digest)
        extensions: dict[str, Any] = {"requestId": context.request_id}
        status = None
        if charged:
            name = admission.parameters.operation_name
            spent = admission.prepared.cost.spent(name, result.data)
            actual, status = self._settle(spent, admission, context)
            extensions["cost"] = _shown_cost(admission.requested, actual, status)
        payload["extensions"] = {**(result.extensions or {}), **extensions}
        return Answer(
            payload=payload,
            status=_status(errors) if refused or result.data is None else 200,
            refused=refused,
            headers=status.headers() if status else {},
        )

    def _settle(
        self, spent: int, admission: Admission, context: EdgeContext
    ) -> tuple[int, ThrottleStatus | None]:
        """Gives back what was asked for and not returned; the actual cost and the bucket after."""
        actual = min(spent, admission.requested)
        return actual, self.throttle.refund(context.throttle_keys, admission.requested - actual)

    def encode(self, answer: Answer, request_id: str) -> tuple[Answer, bytes]:
        """The answer as JSON. One too large, or holding what JSON can't, becomes an error."""
        try:
            body = orjson.dumps(answer.payload, default=json_of)
            if answer.woven is not None:
                # What lies beside the data is an object that is never empty.
                body = b"".join((b'{"data":', answer.woven, b",", body[1:]))
        except orjson.JSONEncodeError as bug:
            broken = refused_answer([GraphQLError(str(bug), original_error=bug)], request_id)
            return broken, orjson.dumps(broken.payload)
        if len(body) <= self._limits.max_answer:
            return answer, body
        too_large = GraphQLError(
            f"The answer is larger than {self._limits.max_answer} bytes; ask for less at once.",
            extensions={"code": "COST_TOO_HIGH"},
        )
        replaced = refused_answer([too_large], request_id)
        return replaced, orjson.dumps(replaced.payload)


def refusal_answer(refusal: EdgeRefusal, request_id: str) -> Answer:
    """An `EdgeRefusal` as an answer; its status is real in every media type."""
    headers = dict(refusal.headers)
    if refusal.status == STATUS_OF_CODE["UNAUTHENTICATED"]:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="backdesk"')
    return Answer(
        payload={"errors": [refusal.shown(request_id)], "extensions": {"requestId": request_id}},
        status=refusal.status,
        refused=True,
        strict=True,
        headers=headers,
    )


def refused_answer(
    errors: list[GraphQLError], request_id: str, *, status: int | None = None
) -> Answer:
    """A document that was refused, as an answer without `data`."""
    code = code_of(errors[0])
    strict = code in REFUSALS
    headers = {"WWW-Authenticate": 'Bearer realm="backdesk"'} if code == "UNAUTHENTICATED" else {}
    return Answer(
        payload={
            "errors": shown_errors(errors, request_id),
            "extensions": {"requestId": request_id},
        },
        status=status or _status(errors),
        refused=True,
        strict=strict or status is not None,
        headers=headers,
    )


def _status(errors: list[GraphQLError]) -> int:
    """The status of an answer without data: that of its one code, 400 or 500 when codes differ."""
    statuses = {STATUS_OF_CODE[code_of(error) or "INTERNAL"] for error in errors}
    return statuses.pop() if len(statuses) == 1 else max(statuses, default=500)


def _shown_cost(requested: int, actual: int, status: ThrottleStatus | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"requestedQueryCost": requested, "actualQueryCost": actual}
    if status is not None:
        shown["throttleStatus"] = status.shown()
    return shown
