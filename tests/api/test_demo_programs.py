"""The demo's programs: sold once, however often the demo is seeded."""

from dataclasses import replace

from api.demo.challenges import plans, seed_programs
from api.demo.story import BRANDS
from domain.challenges.purchase_rules import decide_program
from domain.challenges.tables import program, program_version, purchase_tax
from domain.kernel.errors import Invalid
from tenants.work import Database
from tests.factories import Brand, Factory


async def test_programs_are_published_once(make: Factory, brand: Brand, database: Database) -> None:
    firm = next(one for one in BRANDS if one.is_prop)
    story = replace(firm, plan=replace(firm.plan, id=brand.id))
    assert await seed_programs(database, story) == 3
    assert await seed_programs(database, story) == 0
    assert sorted(row.code for row in make.rows(program, brand)) == [
        "one-step-50k",
        "sprint-25k",
        "two-step-100k",
    ]
    assert len(make.rows(program_version, brand)) == 3
    (tax,) = make.rows(purchase_tax, brand)
    assert (tax.country, tax.bps) == ("CY", 1_900)


def test_every_program_of_the_demo_makes_sense() -> None:
    refused = {}
    for plan in plans("USD"):
        try:
            decide_program(plan)
        except Invalid as refusal:
            refused[plan.code] = refusal
    assert refused == {}
    assert len(plans("USD")) == 3
