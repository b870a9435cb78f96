"""What clients' names matched on sanctions lists, for compliance alone."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from domain.compliance.screening.actions import HitStanding, hit_actions
from domain.compliance.screening.commands.decide_hit import decide_hit
from domain.compliance.screening.queries import list_versions
from domain.compliance.screening.values import Disposition, HitStrength
from domain.kernel.errors import NotFound
from domain.kernel.ids import decode_id_of
from schema.compliance.screening_filters import (
    SanctionedKind,
    SanctionsList,
    ScreeningDecisionOrder,
    ScreeningDisposition,
    ScreeningHitFilter,
    ScreeningHitOrder,
    ScreeningStrength,
    ScreeningVerdict,
)
from schema.shared.action import Action
from schema.shared.bind import (
    Info,
    Node,
    bound,
    connection,
    fetch_below,
    field,
    many,
    masked_fields,
    one,
    value,
)
from schema.shared.errors import mutation, payload, result
from schema.shared.page import Connection
from schema.shared.permission import needs
from tenants.context import ActorKind
from tenants.work import WriteWork

if TYPE_CHECKING:
    from schema.access.types import Staff
    from schema.clients.types import Client

StaffRef = Annotated["Staff", strawberry.lazy("schema.access.types")]
ClientRef = Annotated["Client", strawberry.lazy("schema.clients.types")]


@bound("sanctions_entry", "Who or what a sanctions list names.", needs="screening:read")
class SanctionsEntry(Node):
    list: SanctionsList = value("The list.")
    ref: str = value("The list's own number of it.")
    kind: SanctionedKind = value("What it is.")
    program: str = value("Why it is listed, in the list's own words; empty where it does not say.")
    remarks: str = value("What else the list says: births, passports, addresses.")
    first_on: date = value("The first imported version that names it.")
    last_on: date = value("The last imported version that names it.")


@bound("screening_decision", "What somebody decided about a match.", needs="screening:read")
class ScreeningDecision(Node):
    disposition: ScreeningDisposition = value("What the match became.")
    reason: str = value("Why.")
    created_at: datetime = value("When.")
    staff: StaffRef | None = one("Who decided.", needs="staff:read")


@bound(
    "screening_hit",
    "A client's name that a sanctions list has as well. A suspicion: tell nobody of it, least of "
    "all the client.",
    needs="screening:read",
)
class ScreeningHit(Node):
    version: int = value("Counts changes; send it back as `expectedVersion`.")
    client_name: str = value("The client's name as it was matched, masked without `clients:names`.")
    listed_name: str = value("The nearest of the listed names.")
    score: int = value("How alike the two are, of 100.")
    strength: ScreeningStrength = value("How sure the match is.")
    disposition: ScreeningDisposition = value("What people decided.")
    opened_at: datetime = value("When it was found, or found anew.")
    decided_at: datetime | None = value("When somebody decided last.")
    masked_fields: list[str] = masked_fields("Names of the fields that you see masked.")
    client: ClientRef = one("The client.", needs="clients:read")
    entry: SanctionsEntry = one("Who or what is listed.")
    asked_by: StaffRef | None = one(
        "Who asked to clear it, while it is `CLEARING`.", needs="staff:read"
    )
    decisions: Connection[ScreeningDecision] = many(
        "What was decided, newest first.", order=ScreeningDecisionOrder
    )

    @field(
        "What you can decide about it now: `clear` stands for `FALSE_POSITIVE`, `confirm` for "
        "`TRUE_MATCH`.",
        reads=("disposition", "strength", "asker_id"),
    )
    def actions(self, info: Info) -> list[Action]:
        record: Any = self
        standing = HitStanding(
            Disposition(record.disposition), HitStrength(record.strength), record.asker_id
        )
        scope = info.context.scope
        viewer = scope.actor.id if scope.actor.kind is ActorKind.STAFF else None
        return [
            Action(name=one.name, allowed=one.allowed, reason_code=one.reason_code)
            for one in hit_actions(standing, viewer, scope.permissions)
        ]


@strawberry.type(
    description="A version of a sanctions list that was imported.",
    directives=needs("screening:read"),
)
class SanctionsVersion:
    list: SanctionsList = strawberry.field(description="The list.")
    published_on: date = strawberry.field(description="When it was published.")
    entries: int = strawberry.field(description="How many it names.")
    names: int = strawberry.field(description="How many names those have.")
    imported_at: datetime = strawberry.field(description="When it was imported.")


@strawberry.input(description="A match and what you decide about it.")
class ScreeningHitDecideInput:
    hit_id: strawberry.ID = strawberry.field(description="The match.")
    decision: ScreeningVerdict = strawberry.field(description="What it is.")
    reason: str = strawberry.field(description="Why, at most 2,000 characters.")
    expected_version: int = strawberry.field(description="The version you read.")


@payload(
    errors={
        "NOT_FOUND": "There is no such match for you.",
        "VERSION_CONFLICT": "Somebody decided meanwhile, or it was found anew; read it again.",
        "ALREADY_DECIDED": "It is decided like that already.",
        "SECOND_PERSON_NEEDED": "You asked to clear it: somebody else must agree.",
        "INVALID": "The reason is missing or too long.",
    }
)
class ScreeningHitDecidePayload:
    hit: ScreeningHit | None = result("The match as it is now.")


DecideInput = Annotated[
    ScreeningHitDecideInput, strawberry.argument(description="The match and the decision.")
]


@strawberry.type
class ScreeningQueries:
    screening_hits: Connection[ScreeningHit] = connection(
        "screening_hit",
        "What clients' names matched on sanctions lists, newest first.",
        needs="screening:read",
        filter=ScreeningHitFilter,
        order=ScreeningHitOrder,
    )

    @field("Versions of sanctions lists that were imported, newest first.", needs="screening:read")
    async def sanctions_versions(self, info: Info) -> list[SanctionsVersion]:
        return [
            SanctionsVersion(
                list=SanctionsList(row.list),
                published_on=row.published_on,
                entries=row.entries,
                names=row.names,
                imported_at=row.imported_at,
            )
            for row in await list_versions(info.context.work)
        ]


@strawberry.type
class ScreeningMutations:
    @mutation(
        "Decide whether a client is who a sanctions list names. To clear a strong or a true match "
        "takes two people: the first decision makes it `CLEARING`.",
        needs="screening:decide",
    )
    async def screening_hit_decide(
        self, info: Info, input: DecideInput
    ) -> ScreeningHitDecidePayload:
        hit_id = decode_id_of("screening_hit", input.hit_id)
        if hit_id is None:
            raise NotFound(path=("input", "hitId"))
        wanted = Disposition(str(input.decision.value))
        version = input.expected_version

        async def command(work: WriteWork) -> UUID:
            return await decide_hit(work, hit_id, wanted, input.reason, expected_version=version)

        await info.context.write(command)
        return ScreeningHitDecidePayload(
            hit=await fetch_below(info, "hit", "screening_hit", hit_id)
        )
