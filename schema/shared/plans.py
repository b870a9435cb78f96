"""Compiled plans: an operation answered by one statement, or left to the executor.

A plan is made once for a document, an operation, the values of its `@skip`/`@include` variables,
the kinds of ids it names and a permission set, and holds a few statements: one for each shape of
its pages. It gives whole answers without errors only. Whatever else would come out (a refusal, a
null where none may be, a field that no declaration covers) is the executor's to answer, so that
both paths answer alike. What is kept is bounded, see `schema.shared.shelf`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import structlog
from graphql import (
    FieldNode,
    GraphQLError,
    OperationType,
    get_argument_values,
    get_variable_values,
)
from graphql.execution.values import VariableValues
from strawberry.types.arguments import convert_arguments

from domain.kernel.errors import DomainError
from domain.kernel.ids import decode_id, encode_id
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
from schema.shared.below import Below, object_in, query_below
from schema.shared.context import Reading, viewer_of
from schema.shared.documents import ExecutableSchema, Prepared
from schema.shared.follow import Follows, Way, listed_page, narrowed
from schema.shared.forms import NotPlanned
from schema.shared.nodes import MAX_IDS, is_node
from schema.shared.page import page_of
from schema.shared.permission import lacking, marks_of
from schema.shared.plan_operation import (
    DEFINITION,
    PlanOperation,
    id_variable,
    name_of,
    read_operation,
    variables_of,
)
from schema.shared.planned import Asked, Planned, Planner
from schema.shared.ready import Ready, alike
from schema.shared.selection import Finds
from schema.shared.shelf import Known, Shelf
from schema.shared.woven import Weave, Woven
from tenants.context import Scope
from tenants.enclosed import PlanBroke, PlanGaveUp, enclosed
from tenants.work import Database

log = structlog.get_logger("backdesk.plans")

WORDED_MAX: Final = 64
"""Statements of one document: past them, the words of filters are bound like any other value, so
that calls with ever other words don't push out other documents."""
_NO_VARIABLES: Final = VariableValues({}, {})


@dataclass(slots=True)
class _Plan:
    """One plan: its tree, what its slots take, and the pages that no variable decides.

    `lasting` are the slots of such pages, `fixed` those of them that were worked out.
    """

    planned: Planned
    places: Mapping[int, Place]
    lasting: frozenset[int]
    fixed: dict[int, Call] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Asking:
    """One call: the operation and its name, the values of its variables, and who asks.

    `says_words`: its document has few enough statements for one more with other words.
    """

    operation: PlanOperation
    name: str | None
    values: VariableValues
    scope: Scope
    viewer: Viewer
    says_words: bool


@dataclass(frozen=True, slots=True)
class _Called:
    """What a slot takes, whether that is the same in all calls that are alike, and which of its
    values are the ids of which variables."""

    call: Call
    is_shared: bool = True
    differs: Mapping[str, str] = field(default_factory=dict)


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
        self._shelf: Shelf[_Plan] = Shelf()
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

    def below(
        self,
        prepared: Prepared,
        operation_name: str | None,
        variables: Mapping[str, Any],
        scope: Scope,
    ) -> Weave:
        """How the payloads of a mutation show their objects: by the plans of queries."""

        async def weave(
            nodes: Sequence[FieldNode], type_name: str, entity: str, key: UUID
        ) -> Woven | None:
            if not self._may_see(entity, viewer_of(scope)):
                return None
            query = self._query_below(prepared, operation_name, nodes, type_name)
            if query is None:
                return None
            given = query.variables(variables, encode_id(entity, key))
            woven = await self.answer(query.prepared, None, given, scope)
            return woven and Woven(object_in(woven.data), woven.spent)

        return weave

    def forget(self) -> None:
        """Drop everything that was worked out."""
        self._shelf.clear()

    def statements(self) -> list[str]:
        """The texts of the statements that are held."""
        return [
            each.text
            for known in self._shelf.all()
            for each in known.statements.values()
            if each is not None
        ]

    def sizes(self) -> dict[str, int]:
        """How much is held: documents, their tokens, things made from them, characters of SQL."""
        shelf = self._shelf
        return {
            "documents": len(list(shelf.all())),
            "tokens": shelf.tokens,
            "things": shelf.things,
            "characters": shelf.characters,
        }

    def _bound(
        self,
        prepared: Prepared,
        name: str | None,
        variables: Mapping[str, Any],
        scope: Scope,
    ) -> tuple[Statement, Sequence[Any]]:
        """The statement of a call and its values. Raises what `answer` catches."""
        known = self._shelf.of(prepared)
        operation = self._operation(known, prepared, name)
        like = alike(operation, name, variables, scope)
        viewer = viewer_of(scope)
        ready = known.ready.get(like.key) if like else None
        if ready is not None and like is not None:
            return ready.statement, ready.filled(viewer, like.ids)
        values, says = self._variables(operation, variables), len(known.statements) < WORDED_MAX
        asking = _Asking(operation, name, values, scope, viewer, says)
        plan, key, ids = self._plan(known, prepared, asking)
        called = [
            self._call(plan, at, asked, asking=asking, ids=ids)
            for at, asked in enumerate(plan.planned.asked)
        ]
        statement = self._statement(known, key, plan, [each.call for each in called])
        given = viewer.binds()
        for each in called:
            given.update(each.call.binds)
        bound = statement.values(given)
        if like is not None and all(each.is_shared for each in called):
            differs = {param: of for each in called for param, of in each.differs.items()}
            self._shelf.keep(known, like.key, Ready.of(statement, bound, viewer, differs))
        return statement, bound

    def _plan(
        self, known: Known[_Plan], prepared: Prepared, asking: _Asking
    ) -> tuple[_Plan, tuple[Any, ...], Mapping[int, list[Any]]]:
        """The plan of a call, made once, its key, and the ids that the call names."""
        flags = {each: asking.values.coerced.get(each) for each in asking.operation.flags}
        ids = {
            id(node): self._ids(shows, definition, node, asking.values)
            for node, definition, shows in asking.operation.finders
        }
        found = {node: self._entities(each, asking.viewer) for node, each in ids.items()}
        outline = asking.viewer.outline()
        key = (asking.name, tuple(flags.values()), tuple(found.values()), outline)
        if key in known.plans:
            plan = known.plans[key]
            if plan is None:
                raise NotPlanned("known to have no plan")
            return plan, key, ids
        plan = None
        try:
            plan = self._made_plan(prepared, asking.operation, outline, flags=flags, found=found)
        finally:
            known.plans[key] = plan
            self._shelf.grown(known)
        return plan, key, ids

    def _query_below(
        self, prepared: Prepared, name: str | None, nodes: Sequence[FieldNode], type_name: str
    ) -> Below | None:
        """The query for what a payload asks of an object, made once."""
        known = self._shelf.of(prepared)
        # Nodes are told apart by where they are: the document is held as long as this is.
        key = (name, type_name, *map(id, nodes))
        if key in known.below:
            return known.below[key]
        made: Below | None = None
        try:
            chosen = prepared.cost.operation(name).name
            within = read_operation(self._core, prepared.document, chosen)
            made = query_below(self._core, within, nodes, type_name, of=prepared)
        except GraphQLError:
            self.left["refused"] += 1
        known.below[key] = made
        self._shelf.grown(known)
        return made

    def _operation(
        self, known: Known[_Plan], prepared: Prepared, name: str | None
    ) -> PlanOperation:
        made = known.operations.get(name)
        if made is None:
            measured = prepared.cost.operation(name)
            if measured.kind is not OperationType.QUERY or measured.introspects:
                raise NotPlanned("no query")
            made = known.operations[name] = read_operation(
                self._core, prepared.document, measured.name
            )
            self._shelf.grown(known)
        return made

    def _variables(self, operation: PlanOperation, variables: Mapping[str, Any]) -> VariableValues:
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

    def _made_plan(
        self,
        prepared: Prepared,
        operation: PlanOperation,
        outline: Viewer,
        *,
        flags: Mapping[str, Any],
        found: Mapping[int, tuple[str, ...]],
    ) -> _Plan:
        name = name_of(operation.node)
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
        places = places_of(planned.tree)
        lasting = (
            at
            for at, asked in enumerate(planned.asked)
            if isinstance(asked.over, Follows) and _is_fixed(asked, asked.over)
        )
        return _Plan(planned, places, frozenset(lasting))

    def _call(
        self,
        plan: _Plan,
        at: int,
        asked: Asked,
        *,
        asking: _Asking,
        ids: Mapping[int, list[Any]],
    ) -> _Called:
        known = plan.fixed.get(at)
        if known is not None:
            return _Called(known)
        over = asked.over
        if isinstance(over, Finds):
            return self._ids_call(asked, over, at, ids[id(asked.node)], asking)
        page = self._page(asked, over, asking.values, asking.scope)
        call = call_of(
            self._reading.registry,
            plan.places[at],
            page,
            viewer=asking.viewer,
            cursors=self._reading.cursors,
            at=at,
            says_words=asking.says_words,
        )
        # A cursor is read, and written, for one brand.
        names_brand = bool(page.after or page.before or plan.places[at].cursors)
        if at in plan.lasting and not names_brand:
            plan.fixed[at] = call
        return _Called(call, is_shared=over.only is None and not names_brand)

    def _ids_call(
        self, asked: Asked, shows: Finds, at: int, ids: list[Any], asking: _Asking
    ) -> _Called:
        entities = self._entities(ids, asking.viewer)
        if shows is Finds.NODE:
            seen = ids[0] if ids[0] is not None and ids[0][0] in entities else None
            call, variable = key_call(seen and seen[1], at=at), id_variable(asked.node)
            if seen is None or variable not in asking.operation.ids:
                return _Called(call)
            return _Called(call, differs=dict.fromkeys(call.binds, variable))
        keys = [each and each[1] for each in ids]
        kinds = [
            entities.index(each[0]) if each is not None and each[0] in entities else -1
            for each in ids
        ]
        return _Called(keys_call(keys, kinds, at=at))

    def _page(self, asked: Asked, over: Follows, values: VariableValues, scope: Scope) -> Page:
        if over.way is Way.LISTED:
            return listed_page(over)
        given = get_argument_values(asked.definition, asked.node, values)
        arguments = convert_arguments(
            given,
            asked.definition.extensions[DEFINITION].arguments,
            scalar_registry=self._schema.schema_converter.scalar_registry,
            config=self._schema.config,
        )
        return narrowed(page_of(arguments, asked.page_info), over, scope)

    def _statement(
        self, known: Known[_Plan], key: tuple[Any, ...], plan: _Plan,
        calls: Sequence[Call],
    ) -> Statement:  # fmt: skip
        *_, viewer = key
        slots = [call.slot for call in calls]
        whole_key = (key, *slots)
        if whole_key in known.statements:
            found = known.statements[whole_key]
            if found is None:
                raise NotWoven("known to have no statement")
            return found
        made: Statement | None = None
        try:
            tree, major = plan.planned.tree, self._database.major
            made = compiled(self._reading.registry, viewer, tree, slots, major)
            made = made.within(enclosed(made.text, made.parameters))
        finally:
            known.statements[whole_key] = made
            self._shelf.grown(known, len(made.text) if made else 0)
        return made


def _is_fixed(asked: Asked, over: Follows) -> bool:
    """Whether every call of the plan asks the same page of a field."""
    if over.only is not None:
        return False
    return not any(variables_of(each) for each in asked.node.arguments or ())


def _reason(why: Exception) -> str:
    """Why an operation was left to the executor, in a closed list of words."""
    if isinstance(why, DomainError | GraphQLError):
        return "refused"
    if isinstance(why, PlanBroke):
        return "broken"
    return "gave up" if isinstance(why, PlanGaveUp) else "undeclared"
