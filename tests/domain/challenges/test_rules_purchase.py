"""What is sold: programs that make sense, whole prices, and what may be given back."""

from dataclasses import replace
from uuid import UUID

import pytest

from domain.challenges.errors import NotRefundable, PriceChanged, ProgramChanged, ProgramClosed
from domain.challenges.lifecycle import (
    FromWallet,
    OrderStatus,
    PhasePlan,
    ProgramPlan,
    ProgramStatus,
    PurchaseWish,
)
from domain.challenges.purchase_rules import (
    decide_program,
    decide_purchase,
    decide_refund,
    decide_tax,
    priced,
)
from domain.challenges.values import MinDays, RuleSet
from domain.kernel.errors import DomainError, Invalid
from domain.kernel.money import Money
from tests.domain.challenges.steps import percent

RULES = RuleSet(profit_target=percent("10"))
PLAN = ProgramPlan(
    "two-step-100k", "Two step", Money(100_000_00, "USD"), 500_00, 100, (PhasePlan("One", RULES),)
)
TAXES = {"CY": ("VAT 19 %", 1_900)}


def refused_field(plan: ProgramPlan) -> str | None:
    """Which field a program is refused for; None when it may be published."""
    try:
        decide_program(plan)
    except Invalid as refusal:
        return refusal.path[-1]
    return None


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"code": "a" * 100},
        {"name": "N" * 100},
        {"balance": Money(1, "USD")},
        {"price_minor": 1},
        {"leverage": 1},
        {"phases": tuple(PhasePlan(f"Phase {n}", RULES) for n in range(5))},
    ],
    ids=lambda change: next(iter(change), "as it is"),
)
def test_a_program_that_makes_sense_may_be_published(change: dict[str, object]) -> None:
    assert refused_field(replace(PLAN, **change)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": "Two Step"}, "code"),
        ({"code": "a" * 101}, "code"),
        ({"name": " "}, "name"),
        ({"balance": Money(0, "USD")}, "balance"),
        ({"price_minor": 0}, "price"),
        ({"leverage": 0}, "leverage"),
        ({"phases": ()}, "phases"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        decide_program(replace(PLAN, **change))  # type: ignore[arg-type]
    assert refusal.value.path == ("input", field)


@pytest.mark.parametrize(
    ("odd", "below"),
    [
        (PhasePlan("", RULES), ("name",)),
        (PhasePlan("Two", RuleSet()), ("rules", "profitTarget")),
        (PhasePlan("Two", replace(RULES, zone="Mars/Olympus")), ("rules",)),
        (PhasePlan("Two", replace(RULES, min_days=MinDays(31), max_days=30)), ("rules",)),
    ],
)
def test_the_phase_that_makes_no_sense_is_named(odd: PhasePlan, below: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as refusal:
        decide_program(replace(PLAN, phases=(PhasePlan("One", RULES), odd)))
    assert refusal.value.path == ("input", "phases", "1", *below)


def test_rules_within_a_program_are_judged_too() -> None:
    odd = replace(RULES, zone="Mars/Olympus")
    with pytest.raises(Invalid):
        decide_program(replace(PLAN, phases=(PhasePlan("One", odd),)))


@pytest.mark.parametrize(("label", "bps"), [("VAT", -1), ("VAT", 10_001), (" ", 1_900)])
def test_a_tax_is_a_part_and_has_a_name(label: str, bps: int) -> None:
    decide_tax("VAT 19 %", 1_900)
    with pytest.raises(Invalid):
        decide_tax(label, bps)


@pytest.mark.parametrize(
    ("net", "country", "tax"),
    [
        (500_00, "CY", 95_00),
        (500_00, "DE", 0),
        (13, "CY", 2),  # 2.47
        (50, "CY", 10),  # 9.5: a half goes up
    ],
)
def test_tax_comes_on_top_and_is_rounded_once(net: int, country: str, tax: int) -> None:
    price = priced(Money(net, "EUR"), TAXES, country)
    assert price.tax == Money(tax, "EUR")
    assert price.total == Money(net + tax, "EUR")


def wish(**changed: object) -> PurchaseWish:
    seen = PurchaseWish(UUID(int=1), 2, Money(595_00, "USD"), FromWallet(UUID(int=2)))
    return replace(seen, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "status", "refusal"),
    [
        (wish(), ProgramStatus.OPEN, None),
        (wish(), ProgramStatus.CLOSED, ProgramClosed),
        (wish(program_version=1), ProgramStatus.OPEN, ProgramChanged),
        (wish(total=Money(500_00, "USD")), ProgramStatus.OPEN, PriceChanged),
        (wish(total=Money(595_00, "EUR")), ProgramStatus.OPEN, PriceChanged),
    ],
)
def test_what_was_seen_is_what_is_sold(
    asked: PurchaseWish, status: ProgramStatus, refusal: type[DomainError] | None
) -> None:
    price = priced(Money(500_00, "USD"), TAXES, "CY")
    if refusal is None:
        decide_purchase(asked, price, status=status, sold=2)
        return
    with pytest.raises(refusal):
        decide_purchase(asked, price, status=status, sold=2)


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("is_refused", [False, True])
@pytest.mark.parametrize("to_wallet", [False, True])
def test_what_is_paid_is_given_back_and_what_the_psp_refused_once_more_or_into_the_wallet(
    status: OrderStatus, *, is_refused: bool, to_wallet: bool
) -> None:
    may = (status is OrderStatus.PAID and not to_wallet) or (
        status is OrderStatus.REFUNDING and is_refused
    )
    if may:
        decide_refund(status, is_refused=is_refused, to_wallet=to_wallet)
        return
    with pytest.raises(NotRefundable):
        decide_refund(status, is_refused=is_refused, to_wallet=to_wallet)
