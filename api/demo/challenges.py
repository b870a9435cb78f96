"""Programs that the demo's brands sell, as a prop firm would."""

from decimal import Decimal

from api.demo.story import BrandStory
from domain.challenges.commands.publish_program import publish_program
from domain.challenges.commands.set_tax import set_tax
from domain.challenges.lifecycle import PhasePlan, ProgramPlan
from domain.challenges.queries import lock_program
from domain.challenges.values import (
    DailyAnchor,
    DailyLoss,
    MaxLoss,
    MaxLossKind,
    MinDays,
    RuleSet,
    Share,
)
from domain.kernel.money import Money, to_minor
from tenants.context import system_scope
from tenants.work import Database, WriteWork

COUNTRY, VAT, VAT_BPS = "CY", "VAT 19 %", 1_900
_LEVERAGE = 100


async def seed_programs(database: Database, story: BrandStory) -> int:
    """Put on sale what is not sold yet, with the tax of the clients' country; how many programs,
    none where no challenges are sold.

    May run at every start: a program with the same code stays as it is.
    """
    if story.challenges_in is None:
        return 0
    sold = plans(story.challenges_in)

    async def command(work: WriteWork) -> int:
        made = 0
        for plan in sold:
            if await lock_program(work, code=plan.code) is None:
                await publish_program(work, plan)
                made += 1
        if made:
            await set_tax(work, COUNTRY, label=VAT, bps=VAT_BPS)
        return made

    return (await database.write(system_scope(story.plan.id), command)).value


def plans(currency: str) -> tuple[ProgramPlan, ...]:
    """Two steps with a static floor, one with a floor that trails the balance of each day, and a
    month in which it must be done."""
    first, second = (_two_step(target) for target in (10, 5))
    trailing = RuleSet(
        zone="America/Chicago",
        profit_target=_percent(6),
        max_loss=MaxLoss(MaxLossKind.TRAIL_EOD_BALANCE, _percent(4), lock=_percent(0)),
        daily_loss=DailyLoss(_percent(2), anchor=DailyAnchor.HIGHER),
        max_day_share=Decimal(50),
    )
    sprint = RuleSet(
        profit_target=_percent(8),
        max_loss=MaxLoss(MaxLossKind.STATIC, _percent(8)),
        daily_loss=DailyLoss(_percent(4)),
        min_days=MinDays(3),
        max_days=30,
    )
    steps = (PhasePlan("Challenge", first), PhasePlan("Verification", second))
    return (
        _plan("two-step-100k", "Two steps, 100,000", (100_000, 540), currency, steps),
        _plan(
            "one-step-50k",
            "One step, 50,000",
            (50_000, 300),
            currency,
            (PhasePlan("Evaluation", trailing),),
        ),
        _plan(
            "sprint-25k",
            "Thirty days, 25,000",
            (25_000, 180),
            currency,
            (PhasePlan("Sprint", sprint),),
        ),
    )


def _two_step(target: int) -> RuleSet:
    return RuleSet(
        profit_target=_percent(target),
        max_loss=MaxLoss(MaxLossKind.STATIC, _percent(10)),
        daily_loss=DailyLoss(_percent(5)),
        min_days=MinDays(4),
    )


def _plan(
    code: str,
    name: str,
    sizes: tuple[int, int],
    currency: str,
    phases: tuple[PhasePlan, ...],
) -> ProgramPlan:
    balance, price = (to_minor(Decimal(one), currency) for one in sizes)
    return ProgramPlan(code, name, Money(balance, currency), price, _LEVERAGE, phases)


def _percent(value: int) -> Share:
    return Share(percent=Decimal(value))
