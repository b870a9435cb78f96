"""What a viewer can do with an object now, so that a front end knows which buttons to show."""

import strawberry

from schema.shared.permission import public


@strawberry.type(
    description="Something one can do with an object, and whether you can do it now.",
    directives=public(),
)
class Action:
    name: str = strawberry.field(description="What it is. Expect names you don't know.")
    allowed: bool = strawberry.field(description="Whether you can do it now.")
    reason_code: str | None = strawberry.field(
        description="Why not; `FORBIDDEN` for want of a permission, else the code that the "
        "mutation would refuse with."
    )
