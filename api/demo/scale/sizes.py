"""How many of what: the reference of the product, and its leads. And the brands they lie in."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from api.demo.story import BRANDS, FIRST_NAMES, LAST_NAMES, LOGINS_PER_BRAND, BrandStory, fixed
from domain.clients.commands.fill_clients import Cast
from domain.ibs.commands.fill_ibs import OF_A_TOP

SEEDS = 1_000
"""Seeds go up to here: each has logins of its own."""
_LOGINS_FROM = 100_000_000
_MOST_BRANDS = 99


@dataclass(frozen=True, slots=True)
class Sizes:
    """So many brands, each with so many clients or leads, under `tops` ibs at the top."""

    name: str
    brands: int
    clients: int = 0
    leads: int = 0
    tops: int = 0

    @property
    def ibs(self) -> int:
        """How many ibs a brand has."""
        return self.tops * OF_A_TOP

    @property
    def rows(self) -> int:
        """People of all brands: what the bar counts."""
        return self.brands * (self.clients + self.leads)


SIZES = {
    "reference": Sizes("reference", 50, clients=4_000, tops=10),
    "leads": Sizes("leads", 50, leads=24_000),
}


def sizes_of(name: str, fraction: float) -> Sizes:
    """The sizes of that name, with a fraction of the people in as many brands."""
    whole = SIZES[name]
    return replace(
        whole,
        clients=_part(whole.clients, fraction),
        leads=_part(whole.leads, fraction),
        tops=_part(whole.tops, fraction),
    )


def _part(count: int, fraction: float) -> int:
    return max(1, round(count * fraction)) if count else 0


def stories(sizes: Sizes, seed: int) -> Iterator[BrandStory]:
    """The brands of a scale: like the demo's first two, under names and logins of their own."""
    assert 1 <= sizes.brands <= _MOST_BRANDS
    assert 0 <= seed < SEEDS
    for number in range(1, sizes.brands + 1):
        model = BRANDS[number % 2]
        slug = f"{sizes.name}-{seed}-{number:02d}"
        plan = replace(
            model.plan,
            id=fixed(f"brand:{slug}"),
            slug=slug,
            name=f"{sizes.name.title()} {number} (seed {seed})",
            hosts=(f"{slug}.localhost",),
            key_id=fixed(f"key:{slug}"),
            currencies=("EUR", "USD"),
        )
        logins = _LOGINS_FROM + (seed * (_MOST_BRANDS + 1) + number) * LOGINS_PER_BRAND
        yield replace(
            model, plan=plan, canary=f"{slug}-heron", login_from=logins, namesake=None, clients=0
        )


def cast_of(story: BrandStory, number: int, owners: list[UUID]) -> Cast:
    """The invented people of a brand."""
    return Cast(
        FIRST_NAMES,
        LAST_NAMES,
        f"{story.canary}.example",
        f"+999{number:02d}",
        story.plan.countries,
        story.plan.languages,
        owners,
    )
