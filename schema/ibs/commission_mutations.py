"""What can be done to plans, links, invitations and places in the tree."""

from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import strawberry

from domain.ibs.commands.accept_invitation import Joining
from domain.ibs.commands.create_invitation import create_invitation
from domain.ibs.commands.create_link import create_link
from domain.ibs.commands.move_ib import move_ib
from domain.ibs.commissions.commands.assign_plan import assign_plan
from domain.ibs.commissions.commands.create_plan import create_plan
from domain.ibs.commissions.commands.publish_version import publish_version
from domain.ibs.commissions.line import check_place
from domain.ibs.joining import join
from domain.kernel.errors import Invalid
from schema.access.mutations import SessionTokens
from schema.accounts.asking import key_of, optional_key
from schema.ibs.commissions import IbInvitation, IbLink
from schema.ibs.plans import IbPlan, IbPlanTermsInput
from schema.ibs.types import Ib
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result
from tenants.context import ActorKind
from tenants.passwords import Passwords
from tenants.work import WriteWork


class JoiningServices(Protocol):
    """What joining needs of the application."""

    @property
    def passwords(self) -> Passwords: ...


def _typed(description: str, **how: Any) -> Any:
    return strawberry.field(description=description, **how)


_FROM = "From when it holds; without it from now. Never before now, nor over a year ahead."
_OWN = "Which introducing broker; your own when you are one and leave it out."
_INVALID = {"INVALID": "A field's value can't be right; `path` says which."}
_TERMS = _INVALID | {
    "SYMBOL_UNKNOWN": "No server of the brand lists a symbol by that name, to the letter."
}
_EARLY = {"BEGINS_TOO_EARLY": "It can't hold for deals that have closed; `message` says from when."}
_LINE = {
    "RATE_ABOVE_PARENT": "In some line it would pay more than the plan above; `message` says for "
    "what, by how much, and what to do.",
    "PLANS_UNLIKE": "A plan in the same line shares another way or in another currency.",
}
_NO_IB = {"NOT_FOUND": "There is no such introducing broker for you."}
_SUSPENDED = {"IB_SUSPENDED": "The introducing broker is suspended."}


@strawberry.input(description="A commission plan to be.")
class IbPlanCreateInput:
    name: str = _typed("What it is called, at most 100 characters, unique in the brand.")
    terms: IbPlanTermsInput = _typed("What its first version says.")
    from_at: datetime | None = _typed(_FROM, default=None)


@strawberry.input(description="The next version of a commission plan.")
class IbPlanVersionPublishInput:
    plan_id: strawberry.ID = _typed("The plan.")
    expected_version: int = _typed("The version you last read; refused when another was made.")
    terms: IbPlanTermsInput = _typed("What the version says.")
    from_at: datetime | None = _typed(
        "From when it holds; without it from now, or from the beginning of the version before "
        "when that is later. Not over a year ahead.",
        default=None,
    )


@strawberry.input(description="A plan for an introducing broker.")
class IbPlanAssignInput:
    ib_id: strawberry.ID = _typed("Who gets it.")
    plan_id: strawberry.ID = _typed("The plan.")
    from_at: datetime | None = _typed(_FROM, default=None)


@strawberry.input(description="A referral link to be.")
class IbLinkCreateInput:
    campaign: str = _typed("What it is for, at most 60 characters; once per broker.")
    ib_id: strawberry.ID | None = _typed(_OWN, default=None)


@strawberry.input(description="An invitation to join the tree.")
class IbInvitationCreateInput:
    name: str = _typed("Who is invited, at most 100 characters.")
    email: str = _typed("Where the mail goes.")
    ib_id: strawberry.ID | None = _typed(_OWN, default=None)


@strawberry.input(description="The answer to an invitation.")
class IbInvitationAcceptInput:
    token: str = _typed("The token from the mail.")
    password: str = _typed("The password to sign in with from now on.")
    code: str | None = _typed(
        "A code of 3 to 32 letters, digits and hyphens for whoever you introduce; made up "
        "without one.",
        default=None,
    )
    device: str | None = _typed("What the session is to be called.", default=None)


@strawberry.input(description="Another place in the tree.")
class IbMoveInput:
    ib_id: strawberry.ID = _typed("Who moves; all below it move with it.")
    parent_id: strawberry.ID | None = _typed(
        "The one above it from now on; without one it stands at the top.", default=None
    )


@payload(errors={**_TERMS, **_EARLY, "NAME_TAKEN": "Another plan has the name, capitals aside."})
class IbPlanCreatePayload:
    plan: IbPlan | None = result("The new plan.")


@payload(
    errors={
        **_TERMS,
        **_EARLY,
        **_LINE,
        "NOT_FOUND": "There is no such plan.",
        "VERSION_CONFLICT": "Another version was published since you read it.",
    }
)
class IbPlanVersionPublishPayload:
    plan: IbPlan | None = result("The plan with its new version.")


@payload(
    errors={
        **_EARLY,
        **_LINE,
        "NOT_FOUND": "There is no such introducing broker or plan.",
        "PLAN_NOT_IN_FORCE": "The plan has no version in force by then.",
        "ALREADY_ASSIGNED": "A plan begins for the broker at that very instant.",
    }
)
class IbPlanAssignPayload:
    ib: Ib | None = result("The introducing broker.")


@payload(
    errors={
        **_INVALID,
        **_NO_IB,
        **_SUSPENDED,
        "CAMPAIGN_TAKEN": "The broker has a link for this campaign.",
    }
)
class IbLinkCreatePayload:
    link: IbLink | None = result("The new link.")


@payload(
    errors={
        **_INVALID,
        **_NO_IB,
        **_SUSPENDED,
        "TREE_TOO_DEEP": "The broker stands on the last level, 10.",
        "THROTTLED": "The address was invited too often; try again later.",
    }
)
class IbInvitationCreatePayload:
    invitation: IbInvitation | None = result("The invitation; a mail is on its way.")


@payload(
    errors={
        **_INVALID,
        "TOKEN_INVALID": "The invitation was used, replaced, expired or never valid.",
        "PASSWORD_WEAK": "The password is too short, too long or too easy to guess.",
        "EMAIL_TAKEN": "An introducing broker signs in with the address already.",
        "CODE_TAKEN": "Another introducing broker has the code.",
        "PARENT_SUSPENDED": "Who invited you is suspended.",
        "TREE_TOO_DEEP": "Who invited you stands on the last level, 10.",
        "THROTTLED": "Too many attempts; try again later.",
    }
)
class IbInvitationAcceptPayload:
    tokens: SessionTokens | None = result(
        "The new broker's first session; ask `viewer` for the broker."
    )


@payload(
    errors={
        **_LINE,
        "NOT_FOUND": "There is no such introducing broker or parent.",
        "BELOW_ITSELF": "A broker can't move into its own branch.",
        "ALREADY_THERE": "The broker hangs there.",
        "PARENT_SUSPENDED": "The parent is suspended.",
        "TREE_TOO_DEEP": "The branch would reach below the last level, 10.",
    }
)
class IbMovePayload:
    ib: Ib | None = result("The introducing broker at its new place.")


_Create = Annotated[IbPlanCreateInput, strawberry.argument(description="What it is to be.")]
_Publish = Annotated[IbPlanVersionPublishInput, strawberry.argument(description="What is new.")]
_Assign = Annotated[IbPlanAssignInput, strawberry.argument(description="What for whom.")]
_Link = Annotated[IbLinkCreateInput, strawberry.argument(description="What it is for.")]
_Invite = Annotated[IbInvitationCreateInput, strawberry.argument(description="Who is invited.")]
_Accept = Annotated[IbInvitationAcceptInput, strawberry.argument(description="Who joins.")]
_Move = Annotated[IbMoveInput, strawberry.argument(description="Who goes where.")]


@strawberry.type
class CommissionMutations:
    @mutation("Make a commission plan with its first version.", needs="plans:manage")
    async def ib_plan_create(self, info: Info, input: _Create) -> IbPlanCreatePayload:
        terms = input.terms.terms()

        async def command(work: WriteWork) -> UUID:
            return await create_plan(work, input.name, terms, input.from_at)

        key = (await info.context.write(command)).value
        return IbPlanCreatePayload(plan=await fetch_below(info, "plan", "ib_plan", key))

    @mutation(
        "Publish the next version of a plan. What closed before it holds is not touched.",
        needs="plans:manage",
    )
    async def ib_plan_version_publish(
        self, info: Info, input: _Publish
    ) -> IbPlanVersionPublishPayload:
        key, terms = key_of("ib_plan", input.plan_id, "planId"), input.terms.terms()

        async def command(work: WriteWork) -> UUID:
            return await publish_version(
                work, key, terms, expected_version=input.expected_version, from_at=input.from_at
            )

        await info.context.write(command)
        return IbPlanVersionPublishPayload(plan=await fetch_below(info, "plan", "ib_plan", key))

    @mutation(
        "Let a plan hold for an introducing broker until it is given another.",
        needs="plans:assign",
    )
    async def ib_plan_assign(self, info: Info, input: _Assign) -> IbPlanAssignPayload:
        key, plan = key_of("ib", input.ib_id, "ibId"), key_of("ib_plan", input.plan_id, "planId")

        async def command(work: WriteWork) -> UUID:
            return await assign_plan(work, key, plan, input.from_at)

        await info.context.write(command)
        return IbPlanAssignPayload(ib=await fetch_below(info, "ib", "ib", key))

    @mutation(
        "Make a referral link; who registers with its code is introduced by it.",
        needs="links:create",
    )
    async def ib_link_create(self, info: Info, input: _Link) -> IbLinkCreatePayload:
        whose = _own_or(info, input.ib_id)

        async def command(work: WriteWork) -> UUID:
            return await create_link(work, whose, input.campaign)

        key = (await info.context.write(command)).value
        return IbLinkCreatePayload(link=await fetch_below(info, "link", "ib_link", key))

    @mutation("Invite somebody to join the tree below a broker.", needs="invitations:create")
    async def ib_invitation_create(self, info: Info, input: _Invite) -> IbInvitationCreatePayload:
        whose = _own_or(info, input.ib_id)

        async def command(work: WriteWork) -> UUID:
            return await create_invitation(work, whose, input.name, input.email)

        key = (await info.context.write(command)).value
        return IbInvitationCreatePayload(
            invitation=await fetch_below(info, "invitation", "ib_invitation", key)
        )

    @mutation(
        "Join the tree with the token from an invitation's mail; the new broker is signed in.",
        needs="public",
    )
    async def ib_invitation_accept(self, info: Info, input: _Accept) -> IbInvitationAcceptPayload:
        services: JoiningServices = info.context.services
        issued = await join(
            info.context.database,
            services.passwords,
            info.context.scope,
            typed=Joining(input.token, input.code),
            password=input.password,
            device=input.device,
        )
        return IbInvitationAcceptPayload(tokens=SessionTokens.of(issued))

    @mutation(
        "Hang an introducing broker, and all below it, somewhere else. What it earned stays as "
        "it is: each deal belongs to the line of its close.",
        needs="ibs:move",
    )
    async def ib_move(self, info: Info, input: _Move) -> IbMovePayload:
        key = key_of("ib", input.ib_id, "ibId")
        parent = optional_key("ib", input.parent_id, "parentId")

        async def command(work: WriteWork) -> None:
            await move_ib(work, key, parent, check_place=check_place)

        await info.context.write(command)
        return IbMovePayload(ib=await fetch_below(info, "ib", "ib", key))


def _own_or(info: Info, named: strawberry.ID | None) -> UUID:
    """The ib that is named, or the one that asks. Refusals: NOT_FOUND; INVALID for who is none."""
    if named is not None:
        return key_of("ib", named, "ibId")
    actor = info.context.scope.actor
    if actor.kind is not ActorKind.IB or actor.id is None:
        raise Invalid("INVALID", "Say which broker.", path=("input", "ibId"))
    return actor.id
