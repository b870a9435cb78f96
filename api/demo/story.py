"""The demo's story as data: one group, three brands, their people. Every name is invented.

Each brand's texts carry a word of its own (`canary`), so that a leak from one brand into another
shows as text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from domain.accounts.commands.grant_server import ServerPlan
from domain.accounts.rules import GroupTerms
from domain.accounts.values import AccountKind, PlatformKind
from tenants.founding import BrandPlan, EntityPlan
from tenants.values import Role

_NAMESPACE = UUID("5d0f6b0e-6d0d-4b52-9c0b-0a4de0f4a9d1")
STAFF_ROLES = (
    Role.BRAND_ADMIN,
    Role.SALES,
    Role.COMPLIANCE,
    Role.FINANCE,
    Role.DEALING,
    Role.SUPPORT,
    Role.MARKETING,
    Role.AUDITOR,
)
LOGINS_PER_BRAND = 100_000


def fixed(name: str) -> UUID:
    """The same id for the same name in every home, so that seeding may run again."""
    return uuid5(_NAMESPACE, name)


@dataclass(frozen=True, slots=True)
class BrandStory:
    """One brand: what it is, where its logins begin, and how many people it has.

    `clients` are those the demo hands tokens out for, or opens accounts for one by one; the others
    came in the past, with `past_leads` leads of whom they are some.
    """

    plan: BrandPlan
    canary: str
    login_from: int
    currency: str
    clients: int
    past_clients: int
    past_leads: int
    leverage: int
    is_prop: bool = False
    """Whether challenges are all that is traded there."""
    challenges_in: str | None = None
    """The currency in which challenges are sold: that of the pairs that are traded on them."""
    namesake: str | None = None
    """A client called like somebody on a sanctions list: for compliance to look at."""

    @property
    def ib_codes(self) -> tuple[str, ...]:
        """The codes of its introducing brokers: three tiers in the north, one in the south."""
        names = ("north", "north-1", "north-1-1", "south")
        return tuple(f"{self.plan.slug}-{name}" for name in names)


@dataclass(frozen=True, slots=True)
class ClientStory:
    """A client to be: who, from where, through which ib."""

    name: str
    email: str
    phone: str
    country: str
    ib_code: str | None


ESMA = {
    "leverage_max": {"major_fx": 30, "minor_fx": 20, "gold": 20, "crypto": 2, "simulated": 500},
    "negative_balance_protection": True,
    "margin_closeout_percent": 50,
    "bonus_allowed": False,
    "source": "ESMA Decision (EU) 2018/796; CySEC PI-01-2019",
}
OFFSHORE = {
    "leverage_max": {"major_fx": 500, "minor_fx": 500, "gold": 200, "crypto": 20, "simulated": 500},
    "negative_balance_protection": True,
    "margin_closeout_percent": 30,
    "bonus_allowed": True,
    "source": "house policy",
}
EVALUATION = {
    "leverage_max": {"major_fx": 100, "minor_fx": 100, "gold": 40, "crypto": 5, "simulated": 100},
    "negative_balance_protection": True,
    "margin_closeout_percent": 30,
    "bonus_allowed": False,
    "source": "house policy: simulated accounts only",
}
JURISDICTIONS = (
    ("CYSEC", "Cyprus (CySEC)", ESMA),
    ("OFFSHORE", "Offshore", OFFSHORE),
    ("EVALUATION", "Evaluation of traders, no client money", EVALUATION),
)
ENTITIES = (
    EntityPlan(
        fixed("entity:aurora"), "Aurora Markets (Europe) Ltd", "Cyprus Securities and Exchange "
        "Commission", "000/00 (demo)", "CYSEC",
        "CFDs are complex instruments. Most retail accounts lose money. (Demo text.)",
    ),
    EntityPlan(
        fixed("entity:borealis"), "Borealis Global Ltd", "Offshore authority", "SD000 (demo)",
        "OFFSHORE", "Trading on margin carries a high level of risk. (Demo text.)",
    ),
    EntityPlan(
        fixed("entity:cirrus"), "Cirrus Evaluation Ltd", "None: evaluation services",
        "none (demo)", "EVALUATION", "All accounts are simulated. Most challenges are not passed. "
        "(Demo text.)",
    ),
)  # fmt: skip
SERVER = ServerPlan(
    fixed("server:simulator"),
    "Simulator-1",
    PlatformKind.SIMULATOR,
    "unix:simulator.sock",
    "Europe/Athens",
    tuple(
        GroupTerms(f"{kind.value.lower()}-{currency.lower()}", kind, currency, 500, swap_free=False)
        for kind in AccountKind
        for currency in ("EUR", "USD", "GBP", "JPY")
    ),
)
BRANDS = (
    BrandStory(
        BrandPlan(
            fixed("brand:aurora"), "aurora", "Aurora Markets", ("aurora.localhost",),
            fixed("entity:aurora"), ("CY", "DE", "ES", "FR", "GR", "IT", "NL", "PL", "PT", "SE"),
            fixed("key:aurora"), time_zone="Europe/Nicosia", languages=("en", "de", "el"),
            currencies=("EUR", "USD", "GBP", "CHF"), branding={"colour": "#3b5bdb"},
        ),
        "aurora-kestrel", 1_000_000, "EUR", 18, 222, 1_300, leverage=30, challenges_in="USD",
        namesake="Viktor Ivanov",
    ),
    BrandStory(
        BrandPlan(
            fixed("brand:borealis"), "borealis", "Borealis Global", ("borealis.localhost",),
            fixed("entity:borealis"), ("AE", "BR", "IN", "MX", "MY", "NG", "TH", "VN", "ZA"),
            fixed("key:borealis"), time_zone="UTC", languages=("en", "es"),
            currencies=("USD", "EUR", "JPY"), branding={"colour": "#0ca678"},
        ),
        "borealis-osprey", 1_000_000 + LOGINS_PER_BRAND, "USD", 12, 208, 1_000, leverage=200,
    ),
    BrandStory(
        BrandPlan(
            fixed("brand:cirrus"), "cirrus", "Cirrus Funding", ("cirrus.localhost",),
            fixed("entity:cirrus"), ("BR", "CY", "DE", "FR", "IN", "NG", "PL", "TH", "ZA"),
            fixed("key:cirrus"), time_zone="Europe/Prague", languages=("en", "es"),
            currencies=("USD", "EUR"), branding={"colour": "#e8590c"},
        ),
        "cirrus-merlin", 1_000_000 + 2 * LOGINS_PER_BRAND, "USD", 9, 131, 700, leverage=100,
        is_prop=True, challenges_in="USD",
    ),
)  # fmt: skip
OPERATOR_ID = fixed("operator")
PSP_ID = fixed("psp:sandbox")

FIRST_NAMES = (
    "Alma", "Bruno", "Chiara", "Dario", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Katya",
    "Liam", "Mona", "Nikos", "Olga", "Pavel", "Quinn", "Rosa", "Sami", "Tara", "Uma", "Viktor",
    "Wanda", "Yusuf",
)  # fmt: skip
LAST_NAMES = (
    "Adler", "Brandt", "Costa", "Demir", "Evans", "Falk", "Garcia", "Haas", "Ivanova", "Jensen",
    "Kovacs", "Lind", "Moreau", "Nowak", "Okafor", "Petrov", "Quint", "Rossi", "Santos", "Tran",
)  # fmt: skip


def clients_of(story: BrandStory) -> Iterator[ClientStory]:
    """The brand's clients; the first two are those whose tokens are handed out."""
    north, north_1, _, south = story.ib_codes
    codes = (north, north_1, None, south)
    for n in range(story.clients):
        first, last = (
            FIRST_NAMES[n % len(FIRST_NAMES)],
            LAST_NAMES[(n * 7 + len(story.canary)) % len(LAST_NAMES)],
        )
        yield ClientStory(
            name=f"{first} {last}-{story.canary.rpartition('-')[2].title()}",
            email=f"{first.lower()}.{n}@{story.canary}.example",
            phone=f"+999{story.login_from // 100_000:02d}{n:07d}",
            country=story.plan.countries[n % len(story.plan.countries)],
            ib_code=codes[n % len(codes)],
        )


def date_of(story: BrandStory, now: datetime) -> date:
    """The brand's day of an instant."""
    return now.astimezone(ZoneInfo(story.plan.time_zone)).date()


def namesake_of(story: BrandStory) -> ClientStory | None:
    """The client whose name a sanctions list has too; nobody's token is handed out."""
    if story.namesake is None:
        return None
    return ClientStory(
        name=story.namesake,
        email=f"{story.namesake.lower().replace(' ', '.')}@{story.canary}.example",
        phone=f"+999{story.login_from // 100_000:02d}9999999",
        country=story.plan.countries[0],
        ib_code=None,
    )
