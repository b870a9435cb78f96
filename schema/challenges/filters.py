"""How lists of challenges, orders and programs are narrowed and sorted."""

import strawberry

from schema.challenges.enums import ChallengePurchaseStatus, ChallengeStatus, ProgramStatus
from schema.shared.page import (
    Choice,
    DateTimeFilter,
    IdFilter,
    TextFilter,
    condition,
    order_input,
)


@strawberry.input(description="Which programs to list; all conditions hold.")
class ChallengeProgramFilter:
    status: Choice[ProgramStatus] | None = condition("Whether it is sold.")
    code: TextFilter | None = condition("Its code, such as `two-step-100k`.")


@strawberry.input(description="Which challenges to list; all conditions hold.")
class ChallengeFilter:
    status: Choice[ChallengeStatus] | None = condition("Where it stands.")
    client_id: IdFilter | None = condition("Whose it is.", id_of="client")
    program_id: IdFilter | None = condition("What was bought.", id_of="program")
    created_at: DateTimeFilter | None = condition("When it began.")
    reference: TextFilter | None = condition("The number to quote, such as `E-100001`.")


@strawberry.input(description="Which orders to list; all conditions hold.")
class ChallengePurchaseFilter:
    status: Choice[ChallengePurchaseStatus] | None = condition("Where it stands.")
    client_id: IdFilter | None = condition("Who ordered.", id_of="client")
    created_at: DateTimeFilter | None = condition("When it was made.")
    reference: TextFilter | None = condition("The number to quote, such as `P-100001`.")


ChallengeProgramOrder = order_input(
    "ChallengeProgram", {"NAME": "By name.", "CREATED_AT": "When it was first published."}
)
ChallengeOrder = order_input("Challenge", {"CREATED_AT": "When it began."})
ChallengePurchaseOrder = order_input("ChallengePurchase", {"CREATED_AT": "When it was made."})
