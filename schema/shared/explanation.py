"""Why a figure is what it is, as each viewer may know it."""

from datetime import datetime

import strawberry

from domain.kernel import explanation as kernel
from domain.kernel.explanation import Audience
from domain.kernel.ids import encode_id
from schema.shared.permission import public
from tenants.context import ActorKind, Scope

_INSIDE = frozenset({ActorKind.STAFF, ActorKind.OPERATOR, ActorKind.TOKEN, ActorKind.SYSTEM})


def audience_of(scope: Scope) -> Audience:
    """Who is asking: an ib, also by a token limited to its subtree; staff; or else a client."""
    if scope.ib_path is not None:
        return Audience.IB
    inside = scope.client_id is None and scope.actor.kind in _INSIDE
    return Audience.STAFF if inside else Audience.CLIENT


@strawberry.type(
    description="One thing that went into a figure or a verdict, as it was then.",
    directives=public(),
)
class Fact:
    name: str = strawberry.field(description="What it is. Expect names you don't know.")
    value: str = strawberry.field(description="Its value as text, with its unit.")
    source_id: strawberry.ID | None = strawberry.field(
        description="The object it was read from; you may lack the right to open it."
    )
    at: datetime | None = strawberry.field(description="When it was so; null when time is no part.")


@strawberry.type(
    description="Why a figure or a verdict is what it is, from the stored evidence and no more "
    "than you may know.",
    directives=public(),
)
class Explanation:
    summary: str = strawberry.field(description="The answer in one sentence.")
    rule: str = strawberry.field(description="The rule that decided.")
    rule_version: str = strawberry.field(
        description="Its version, and that of the plan or program that it was read from."
    )
    inputs: list[Fact] = strawberry.field(description="What the rule was given, in order.")
    steps: list[str] = strawberry.field(description="How it got from the inputs to the answer.")
    replay_digest: str = strawberry.field(
        description="SHA-256 over rule, version and the inputs you see. A replay from the same "
        "evidence gives the same digest."
    )

    @classmethod
    def of(cls, told: kernel.Explanation, scope: Scope) -> "Explanation":
        """What the scope's actor may know of an explanation."""
        mine = told.told_to(audience_of(scope))
        return cls(
            summary=mine.summary,
            rule=mine.rule,
            rule_version=mine.rule_version,
            inputs=[_shown(one) for one in mine.inputs],
            steps=[one.text for one in mine.steps],
            replay_digest=mine.replay_digest,
        )


def _shown(fact: kernel.Fact) -> Fact:
    source = fact.source
    shown = None if source is None else strawberry.ID(encode_id(source.entity, source.key))
    return Fact(name=fact.name, value=fact.value, source_id=shown, at=fact.at)
