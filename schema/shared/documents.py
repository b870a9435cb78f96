"""Documents made ready to run: parsed, measured, validated, and kept.

`ExecutableSchema` is the Strawberry schema every transport runs. It prepares each text once: limits
of shape first (linear), then the standard rules, at most five errors told, no "did you mean". What
passed is kept in a cache bounded by tokens; what failed is not, so it can push nothing out. What
was prepared is run as it is: nobody looks for it by its text again.
"""

from collections import OrderedDict
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import strawberry
from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    lexicographic_sort_schema,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StreamResult
from strawberry.schema.schema_converter import CustomGraphQLEnumType
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType as AllowedType

from schema.shared.cost import LIMITS, DocumentCost, DocumentLimits, measure
from schema.shared.cost_refusals import bad_input, too_costly
from schema.shared.straight import Asked, Straight
from schema.shared.woven import WovenExecutor

RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
ERRORS_TOLD = 5
COMMENTS = 200
CACHED_TOKENS = 100_000
"""About 45 MB of syntax trees at most (450 bytes a token, measured)."""
_PREPARED: Final = "prepared"


class DocumentRefused(Exception):
    """The text can't be run. `errors` are for the caller; each has a code of the closed list."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A document that may run, and what it may cost. `digest` names it in logs.

    Each is equal to itself only, so that what is worked out for it is kept under it.
    """

    digest: str
    document: DocumentNode
    cost: DocumentCost
    tokens: int

    @property
    def text(self) -> str:
        """The text it was made from."""
        assert self.document.loc is not None, "parsed with its locations"
        return self.document.loc.source.body


def digest_of(text: str) -> str:
    """The short name of a document in logs: the first 16 hex digits of its SHA-256."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Kept:
    """Prepared documents by a key, least recently used dropped first; bounded by their tokens."""

    def __init__(self, most_tokens: int = CACHED_TOKENS) -> None:
        self._most = most_tokens
        self._held = 0
        self._known: OrderedDict[str, Prepared] = OrderedDict()

    def get(self, key: str) -> Prepared | None:
        """What is kept under a key; it is used now."""
        prepared = self._known.get(key)
        if prepared is not None:
            self._known.move_to_end(key)
        return prepared

    def put(self, key: str, prepared: Prepared) -> None:
        """Keep a document under a key that holds none."""
        assert key not in self._known, "prepared once"
        self._known[key] = prepared
        self._held += prepared.tokens
        while self._held > self._most:
            _, dropped = self._known.popitem(last=False)
            self._held -= dropped.tokens

    def __len__(self) -> int:
        return len(self._known)


class Documents:
    """Prepared documents of one schema."""

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        limits: DocumentLimits = LIMITS,
        cached_tokens: int = CACHED_TOKENS,
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._kept = Kept(cached_tokens)

    def prepare(self, text: str) -> Prepared:
        """The document behind a text. Refuses with `DocumentRefused` what may not run."""
        prepared = self._kept.get(text)
        if prepared is None:
            prepared = self.make(text)
            self._kept.put(text, prepared)
        return prepared

    def make(self, text: str) -> Prepared:
        """The same made anew, and not kept here."""
        try:
            document = self._parse(text)
            self._only_executable(document)
            cost = measure(self._schema, document, self._limits)
        except GraphQLError as refusal:
            raise DocumentRefused([refusal]) from None
        errors = validate(
            self._schema, document, RULES, max_errors=ERRORS_TOLD, hide_suggestions=True
        )
        if errors:
            raise DocumentRefused([_coded(error) for error in errors[:ERRORS_TOLD]])
        return Prepared(digest_of(text), document, cost, document.token_count)

    def _parse(self, text: str) -> DocumentNode:
        try:
            return parse(text, max_lexical_tokens=self._limits.tokens, max_comments=COMMENTS)
        except GraphQLError as error:
            if "contains more than" in error.message:
                raise too_costly(
                    f"Too many tokens or comments (limits {self._limits.tokens}, {COMMENTS})."
                ) from None
            raise _coded(error) from None

    def _only_executable(self, document: DocumentNode) -> None:
        for definition in document.definitions:
            if not isinstance(definition, ExecutableDefinitionNode):
                raise bad_input("Only operations and fragments can be run.")


def _coded(error: GraphQLError) -> GraphQLError:
    """The same error as BAD_USER_INPUT, without the source text that graphql-core attaches."""
    return GraphQLError(
        error.message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        extensions={"code": "BAD_USER_INPUT"},
    )


class PreparedDocuments(SchemaExtension):
    """Gives Strawberry the prepared document, so that nothing is parsed or validated twice.

    It is the very one that `ExecutableSchema.run` was given: plans know its nodes by identity.
    """

    def on_parse(self) -> Iterator[None]:
        context: ExecutionContext = self.execution_context
        schema = context.schema
        if context.query and isinstance(schema, ExecutableSchema):
            given = (context.operation_extensions or {}).get(_PREPARED)
            try:
                prepared = given or schema.documents.prepare(context.query)
                context.graphql_document = prepared.document
                context.pre_execution_errors = []
            except DocumentRefused as refused:
                raise refused.errors[0] from None
        yield


class ExecutableSchema(strawberry.Schema):
    """The schema as every transport runs it: prepared documents, no suggestions, quiet logger.

    Takes the arguments of `strawberry.Schema`; `documents` prepares texts for it. `straight` says
    what its extensions do for one answer, which then needs none of their hooks. Printed, it is
    sorted; run, it never is: sorting rebuilds the types, and Strawberry 0.341 then refuses to
    return its own enums and members of unions.
    """

    documents: Documents

    def __init__(self, query: type, **kwargs: Any) -> None:
        given = kwargs.pop("config", None)
        self._straight: Straight | None = kwargs.pop("straight", None)
        unsorted = copy(given) if given else StrawberryConfig(disable_field_suggestions=True)
        unsorted.sort_schema = False
        kwargs.setdefault("execution_context_class", WovenExecutor)
        kwargs["extensions"] = [PreparedDocuments, *kwargs.get("extensions", ())]
        super().__init__(query, config=unsorted, **kwargs)
        self.documents = Documents(self._schema)

    async def run(
        self,
        prepared: Prepared,
        *,
        variables: dict[str, Any],
        context: Any,
        operation_name: str | None,
        kind: AllowedType,
    ) -> ExecutionResult:
        """Execute an operation of a prepared document, which is of this kind."""
        if self._straight is not None:
            asked = Asked(prepared.document, operation_name, variables, context)
            return await self._straight.run(self._schema, asked)
        return await self.execute(
            prepared.text,
            variable_values=variables,
            context_value=context,
            operation_name=operation_name,
            allowed_operation_types={kind},
            operation_extensions={_PREPARED: prepared},
        )

    async def follow(
        self,
        prepared: Prepared,
        *,
        variables: dict[str, Any],
        context: Any,
        operation_name: str | None,
    ) -> StreamResult:
        """The results of an operation of a prepared document, as they come."""
        return await self.stream(
            prepared.text,
            variable_values=variables,
            context_value=context,
            operation_name=operation_name,
            operation_extensions={_PREPARED: prepared},
        )

    def as_str(self) -> str:
        """The SDL, sorted, so that a change shows as its own lines only."""
        shown = copy(self)
        shown._schema = lexicographic_sort_schema(self._schema)
        for name, type_ in shown._schema.type_map.items():
            # The rebuilt enums can't write the defaults of arguments, which are Python's members.
            original = self._schema.type_map[name]
            if isinstance(original, CustomGraphQLEnumType):
                type_.__class__ = CustomGraphQLEnumType
                vars(type_)["wrapped_cls"] = original.wrapped_cls
        # The printer writes the unsorted form of a directive where it is used; two forms of one
        # directive would be two definitions.
        shown._schema.directives = self._schema.directives
        return print_schema(shown)

    def __str__(self) -> str:
        return self.as_str()

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing: the edge logs each operation's errors once, short and with its request id."""
