"""Compiled plans: an operation answered by one statement, or left to the executor.

A plan is made once for a document, an operation, the values of its `@skip`/`@include` variables,
the kinds of ids it names and a permission set, and holds a few statements: one for each shape of
its pages. It gives whole answers without errors only. Whatever else would come out (a refusal, a
null where none may be, a field that no declaration covers) is the executor's to answer, so that
both paths answer alike. Caches are bounded; the least recently used goes first.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_argument_values,
    get_variable_values,
    visit,
)
from graphql.execution.values import VariableValues
from strawberry.types.arguments import convert_arguments

from domain.kernel.errors import DomainError
from domain.kernel.ids import decode_id
from domain.reads import Page, Viewer
from domain.reads.pieces import NotWoven
from domain.reads.whole import (
    Call,
    Place,
    Statement,
    call_of,
    compiled,
    key_call,
    keys_call,
    places_of,
)
from schema.shared.context import Reading, viewer_of
from schema.shared.documents import ExecutableSchema, Prepared
from schema.shared.follow import Follows, Way, listed_page, narrowed
from schema.shared.forms import NotPlanned
from schema.shared.nodes import MAX_IDS, is_node
from schema.shared.page import page_of
from schema.shared.permission import lacking, marks_of
from schema.shared.planned import Asked, Planned, Planner
from schema.shared.selection import READS, Finds, Reads
from tenants.context import Scope
from tenants.enclosed import PlanBroke, PlanGaveUp, enclosed
from tenants.work import Database

log = structlog.get_logger("backdesk.plans")

PLANS_MAX: Final = 1_000
STATEMENT_CHARACTERS_MAX: Final = 8_000_000
"""Of all statements together, some 5,000 characters each."""
_DEFINITION: Final = "strawberry-definition"
_NO_VARIABLES: Final = VariableValues({}, {})


@dataclass(frozen=True, slots=True)
class Woven:
    """The `data` of an answer as JSON, and what its rows are worth."""

    data: bytes
    spent: int


@dataclass(frozen=True, slots=True, eq=False)
class _Operation:
    """What all plans of one operation share."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    flags: tuple[str, ...]
    finders: tuple[Any, ...]


@dataclass(slots=True)
class _Plan:
    """One plan: its tree, what its slots take, and the pages that no variable decides."""

    planned: Planned
    places: Mapping[int, Place]
    fixed: dict[int, Call] = field(default_factory=dict)


class Plans:
    """Every plan of a process. `answer` is all that the edge needs."""

    def __init__(self, schema: ExecutableSchema, reading: Reading, database: Database) -> None:
        self._schema = schema
        self._database = database
        self._core = schema._schema
        self._reading = reading
        self._marks = marks_of(self._core)
        # The permissions that seeing an entity by its global id takes, whichever its type is.
        self._nodes = {
            entity: frozenset[str]().union(
                *(self._marks.types[each.name] for each in variants.types.values())
            )
            for entity, variants in reading.types.by_entity.items()
            if is_node(reading.types, entity)
        }
        # Documents are keys as themselves: what is kept keeps them, so that none is mistaken.
        self._operations: OrderedDict[tuple[Prepared, str | None], _Operation] = OrderedDict()
        self._plans: OrderedDict[tuple[Any, ...], _Plan | None] = OrderedDict()
        self._statements: OrderedDict[tuple[Any, ...], Statement | None] = OrderedDict()
        self._characters = 0
        self.answered = 0
        self.left: Counter[str] = Counter()

    async def answer(
        self,
        prepared: Prepared,
        operation_name: str | None,
        variables: Mapping[str, Any],
        scope: Scope,
    ) -> Woven | None:
        """The whole answer of a query, or None: then the executor has to answer it."""
        try:
            statement, values = self._bound(prepared, operation_name, variables, scope)
            found = await self._database.whole(scope, statement.text, values)
        except (NotPlanned, NotWoven, DomainError, GraphQLError, PlanGaveUp) as why:
            if isinstance(why, PlanBroke):
                # The executor answers all the same; the statement is for us to mend.
                log.error("plan_broken", document=prepared.digest, fault=str(why.__cause__))
            self.left[_reason(why)] += 1
            return None
        self.answered += 1
        spent, _, data = found.partition(b" ")
        return Woven(data, int(spent))

    def forget(self) -> None:
        """Drop everything that was worked out."""
        self._operations.clear()
        self._plans.clear()
        self._statements.clear()
        self._characters = 0

    def statements(self) -> list[str]:
        """The texts of the statements that are held."""
        return [each.text for each in self._statements.values() if each is not None]

    def sizes(self) -> dict[str, int]:
        """How much is held: operations, plans, statements and their characters."""
        return {
            "operations": len(self._operations),
            "plans": len(self._plans),
            "statements": len(self._statements),
            "characters": self._characters,
        }

    def _bound(
        self,
        prepared: Prepared,
        name: str | None,
        variables: Mapping[str, Any],
        scope: Scope,
    ) -> tuple[Statement, Sequence[Any]]:
        """The statement of a call and its values. Raises what `answer` catches."""
        operation = self._operation(prepared, name)
        values = self._variables(operation, variables)
        viewer = viewer_of(scope)
        flags = {each: values.coerced.get(each) for each in operation.flags}
        ids = {
            id(node): self._ids(shows, definition, node, values)
            for node, definition, shows in operation.finders
        }
        found = {node: self._entities(each, viewer) for node, each in ids.items()}
        outline = viewer.outline()
        key = (prepared, name, tuple(flags.values()), tuple(found.values()), outline)
        plan = self._plan(key, operation, flags=flags, found=found)
        calls = [
            self._call(plan, at, asked, values=values, scope=scope, viewer=viewer, ids=ids)
            for at, asked in enumerate(plan.planned.asked)
        ]
        statement = self._statement(key, plan, calls, outline)
        given = dict(viewer.binds())
        for call in calls:
            given.update(call.binds)
        return statement, statement.values(given)

    def _operation(self, prepared: Prepared, name: str | None) -> _Operation:
        key = (prepared, name)
        known = self._operations.get(key)
        if known is not None:
            self._operations.move_to_end(key)
            return known
        measured = prepared.cost.operation(name)
        if measured.kind is not OperationType.QUERY or measured.introspects:
            raise NotPlanned("no query")
        made = self._made_operation(prepared.document, measured.name)
        self._operations[key] = made
        if len(self._operations) > PLANS_MAX:
            self._operations.popitem(last=False)
        return made

    def _made_operation(self, document: DocumentNode, name: str | None) -> _Operation:
        fragments: dict[str, FragmentDefinitionNode] = {}
        node: OperationDefinitionNode | None = None
        for each in document.definitions:
            if isinstance(each, FragmentDefinitionNode):
                fragments[each.name.value] = each
            elif isinstance(each, OperationDefinitionNode) and _name_of(each) == name:
                node = each
        assert node is not None, "the cost names operations of the document"
        flags = _Flags()
        visit(document, flags)
        finders = []
        root = self._core.query_type
        assert root is not None, "there are queries"
        for one in _root_fields(node.selection_set, fragments, set()):
            definition = root.fields.get(one.name.value)
            said = definition and (definition.extensions[_DEFINITION].metadata or {}).get(READS)
            if isinstance(said, Reads) and isinstance(said.shows, Finds):
                finders.append((one, definition, said.shows))
        return _Operation(node, fragments, tuple(sorted(flags.names)), tuple(finders))

    def _variables(self, operation: _Operation, variables: Mapping[str, Any]) -> VariableValues:
        definitions = operation.node.variable_definitions
        if not definitions:
            return _NO_VARIABLES
        values = get_variable_values(self._core, definitions, dict(variables))
        if not isinstance(values, VariableValues):
            raise NotPlanned("variables that don't fit")
        return values

    def _ids(self, shows: Finds, definition: Any, node: Any, values: VariableValues) -> list[Any]:
        """The ids of a `node` or `nodes` field, decoded; None for what is none of ours."""
        arguments = get_argument_values(definition, node, values)
        given = [arguments["id"]] if shows is Finds.NODE else arguments["ids"]
        if len(given) > MAX_IDS:
            raise NotPlanned("more ids than may be asked")
        return [decode_id(each) for each in given]

    def _entities(self, ids: Sequence[Any], viewer: Viewer) -> tuple[str, ...]:
        """The entities that ids name, those of which the viewer may see something."""
        named = {each[0] for each in ids if each is not None}
        return tuple(sorted(each for each in named if self._may_see(each, viewer)))

    def _may_see(self, entity: str, viewer: Viewer) -> bool:
        needed = self._nodes.get(entity)
        return needed is not None and needed <= viewer.permissions

    def _plan(
        self,
        key: tuple[Any, ...],
        operation: _Operation,
        *,
        flags: Mapping[str, Any],
        found: Mapping[int, tuple[str, ...]],
    ) -> _Plan:
        if key in self._plans:
            self._plans.move_to_end(key)
            known = self._plans[key]
            if known is None:
                raise NotPlanned("known to have no plan")
            return known
        made: _Plan | None = None
        prepared, _, _, _, outline = key
        try:
            made = self._made_plan(prepared, operation, outline, flags=flags, found=found)
        finally:
            self._plans[key] = made
            if len(self._plans) > PLANS_MAX:
                self._plans.popitem(last=False)
        return made

    def _made_plan(
        self,
        prepared: Prepared,
        operation: _Operation,
        outline: Viewer,
        *,
        flags: Mapping[str, Any],
        found: Mapping[int, tuple[str, ...]],
    ) -> _Plan:
        name = _name_of(operation.node)
        if lacking(
            self._schema,
            prepared.document,
            operation=name,
            variables=flags,
            permissions=outline.permissions,
        ):
            raise NotPlanned("a permission is lacking")
        planner = Planner(
            self._core,
            self._reading,
            viewer=outline,
            fragments=operation.fragments,
            price=prepared.cost.price,
        )
        selection = prepared.cost.operation(name).selection
        planned = planner.plan(operation.node, selection, flags=flags, found=found)
        return _Plan(planned, places_of(planned.tree))

    def _call(
        self,
        plan: _Plan,
        at: int,
        asked: Asked,
        *,
        values: VariableValues,
        scope: Scope,
        viewer: Viewer,
        ids: Mapping[int, list[Any]],
    ) -> Call:
        known = plan.fixed.get(at)
        if known is not None:
            return known
        over = asked.over
        if isinstance(over, Finds):
            return self._ids_call(over, at, ids[id(asked.node)], viewer)
        page = self._page(asked, over, values, scope)
        call = call_of(
            self._reading.registry,
            plan.places[at],
            page,
            viewer=viewer,
            cursors=self._reading.cursors,
            at=at,
        )
        # A cursor is read, and written, for one brand.
        names_brand = page.after or page.before or plan.places[at].cursors
        if not names_brand and _is_fixed(asked, over):
            plan.fixed[at] = call
        return call

    def _ids_call(self, shows: Finds, at: int, ids: list[Any], viewer: Viewer) -> Call:
        entities = self._entities(ids, viewer)
        if shows is Finds.NODE:
            seen = ids[0] if ids[0] is not None and ids[0][0] in entities else None
            return key_call(seen and seen[1], at=at)
        keys = [each and each[1] for each in ids]
        kinds = [
            entities.index(each[0]) if each is not None and each[0] in entities else -1
            for each in ids
        ]
        return keys_call(keys, kinds, at=at)

    def _page(self, asked: Asked, over: Follows, values: VariableValues, scope: Scope) -> Page:
        if over.way is Way.LISTED:
            return listed_page(over)
        given = get_argument_values(asked.definition, asked.node, values)
        arguments = convert_arguments(
            given,
            asked.definition.extensions[_DEFINITION].arguments,
            scalar_registry=self._schema.schema_converter.scalar_registry,
            config=self._schema.config,
        )
        return narrowed(page_of(arguments, asked.page_info), over, scope)

    def _statement(
        self, key: tuple[Any, ...], plan: _Plan, calls: Sequence[Call], viewer: Viewer
    ) -> Statement:
        whole_key = (key, tuple(call.slot for call in calls))
        if whole_key in self._statements:
            self._statements.move_to_end(whole_key)
            known = self._statements[whole_key]
            if known is None:
                raise NotWoven("known to have no statement")
            return known
        made: Statement | None = None
        try:
            made = compiled(
                self._reading.registry, viewer, plan.planned.tree, [call.slot for call in calls]
            )
            made = made.within(enclosed(made.text, made.parameters))
        finally:
            self._keep(whole_key, made)
        return made

    def _keep(self, key: tuple[Any, ...], made: Statement | None) -> None:
        self._statements[key] = made
        self._characters += _length(made)
        while self._characters > STATEMENT_CHARACTERS_MAX or len(self._statements) > PLANS_MAX:
            _, dropped = self._statements.popitem(last=False)
            self._characters -= _length(dropped)


def _name_of(operation: OperationDefinitionNode) -> str | None:
    return operation.name.value if operation.name else None


def _root_fields(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[FieldNode]:
    """The fields at the root of an operation, whatever `@skip` and `@include` say."""
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _root_fields(node.selection_set, fragments, seen)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            inner = fragments[node.name.value].selection_set
            yield from _root_fields(inner, fragments, seen)


class _Flags(Visitor):
    """The variables that decide what runs."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: Any, *_: Any) -> None:
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)


def _is_fixed(asked: Asked, over: Follows) -> bool:
    """Whether every call of the plan asks the same page of a field."""
    if over.only is not None:
        return False
    found = _Variables()
    for argument in asked.node.arguments or ():
        visit(argument, found)
    return not found.any


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.any = False

    def enter_variable(self, *_: Any) -> None:
        self.any = True


def _reason(why: Exception) -> str:
    """Why an operation was left to the executor, in a closed list of words."""
    if isinstance(why, DomainError | GraphQLError):
        return "refused"
    if isinstance(why, PlanBroke):
        return "broken"
    return "gave up" if isinstance(why, PlanGaveUp) else "undeclared"


def _length(statement: Statement | None) -> int:
    return len(statement.text) if statement else 0
