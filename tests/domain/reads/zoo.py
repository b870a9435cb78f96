"""A small schema of the tests' own: vets, owners of pets, pets and their visits, in two brands."""

from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from domain.reads import (
    VIEWER_ID,
    Cursors,
    Entity,
    Field,
    FilterField,
    Many,
    Mask,
    One,
    Op,
    Registry,
    RowScope,
    SuffixSearch,
    Through,
    Viewer,
    columns,
    extend,
    own_rows,
)

RED, BLUE = UUID(int=0xA), UUID(int=0xB)
metadata = MetaData()
BRAND = {"place": "brand"}


def keyed(*more: str) -> PrimaryKeyConstraint:
    return PrimaryKeyConstraint("brand_id", *(more or ("id",)))


vet = Table(
    "vet", metadata,
    Column("brand_id", Uuid), Column("id", Uuid), Column("name", Text, nullable=False),
    keyed(), info=BRAND,
)  # fmt: skip
person = Table(
    "person", metadata,
    Column("brand_id", Uuid), Column("id", Uuid),
    Column("client_id", Uuid), Column("ib_path", Text, nullable=False, server_default=""),
    Column("vet_id", Uuid), Column("name", Text, nullable=False), Column("email", Text),
    Column("species_code", Text),
    Column("joined_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True)), Column("born", Date),
    Column("rank", BigInteger), Column("score", Numeric), Column("tags", ARRAY(Text)),
    keyed(), ForeignKeyConstraint(["brand_id", "vet_id"], ["vet.brand_id", "vet.id"]), info=BRAND,
)  # fmt: skip
pet = Table(
    "pet", metadata,
    Column("brand_id", Uuid), Column("id", Uuid), Column("person_id", Uuid, nullable=False),
    Column("name", Text, nullable=False), Column("weight", BigInteger),
    keyed(), ForeignKeyConstraint(["brand_id", "person_id"], ["person.brand_id", "person.id"]),
    info=BRAND,
)  # fmt: skip
visit = Table(
    "visit", metadata,
    Column("brand_id", Uuid), Column("id", Uuid), Column("pet_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    keyed(), ForeignKeyConstraint(["brand_id", "pet_id"], ["pet.brand_id", "pet.id"]), info=BRAND,
)  # fmt: skip
passport = Table(
    "passport", metadata,
    Column("brand_id", Uuid), Column("id", Uuid), Column("pet_id", Uuid, nullable=False),
    Column("number", Text, nullable=False), keyed(), info=BRAND,
)  # fmt: skip
person_search = Table(
    "person_search", metadata,
    Column("brand_id", Uuid), Column("suffix", Text(collation="C")), Column("person_id", Uuid),
    Column("kind", Text, nullable=False), keyed("suffix", "person_id", "kind"), info=BRAND,
)  # fmt: skip
species = Table(
    "species", metadata,
    Column("code", Text, primary_key=True), Column("title", Text, nullable=False),
    info={"place": "reference"},
)  # fmt: skip

VET = Entity("vet", vet, columns(vet, "name"))
PERSON = Entity(
    "person",
    person,
    {
        **columns(person, "name", "joined_at", "seen_at", "born", "rank", "score", "tags"),
        "email": Field(person.c.email, Mask("people:pii", lambda text: f"{text[:1]}***")),
        "shout": Field(person.c.name + "!"),
    },
    relations={"vet": One("vet", own="vet_id"), "species": One("species", own="species_code")},
    filters={
        "name": FilterField(person.c.name, frozenset({Op.EQ, Op.IN, Op.CONTAINS})),
        "email": person.c.email,
        "rank": person.c.rank,
        "joined_at": person.c.joined_at,
        "tags": person.c.tags,
    },
    orders={
        "JOINED_AT": person.c.joined_at,
        "SEEN_AT": (person.c.seen_at,),
        "RANK_AND_BORN": (person.c.rank, person.c.born),
        "NAME": person.c.name,
        "SCORE": person.c.score,
        "EMAIL": person.c.email,
    },
    default_order="-JOINED_AT",
    search=SuffixSearch(person_search, "person_id", ("name", "email"), kind="kind"),
    scopes=(
        *own_rows(person),
        RowScope(
            person.c.vet_id == VIEWER_ID,
            unless="people:all",
            when=lambda viewer: viewer.client_id is None and viewer.ib_path is None,
        ),
    ),
)
# Which of its visits is the last one, found and never kept.
_last_visit = (
    select(visit.c.id)
    .where(visit.c.brand_id == pet.c.brand_id, visit.c.pet_id == pet.c.id)
    .order_by(visit.c.at.desc())
    .limit(1)
    .correlate(pet)
    .scalar_subquery()
)
PET = Entity(
    "pet",
    pet,
    {
        **columns(pet, "name", "weight"),
        "coin": Field(literal("USD")),
        "last_visit_id": Field(_last_visit),
    },
    relations={
        "person": One("person", own="person_id"),
        "visits": Many("visit", theirs="pet_id"),
        "passport": One("passport", own="id", theirs="pet_id"),
        "last_visit": One("visit", own="last_visit_id"),
    },
    filters={"weight": pet.c.weight},
    orders={"WEIGHT": pet.c.weight},
    scopes=(Through("person"),),
)
VISIT = Entity(
    "visit",
    visit,
    columns(visit, "at"),
    relations={"pet": One("pet", own="pet_id")},
    orders={"AT": visit.c.at},
    scopes=(Through("pet"),),
)
PASSPORT = Entity("passport", passport, columns(passport, "number"))
SPECIES = Entity("species", species, columns(species, "title"), key="code")
PETS = extend("person", "pets", Many("pet", theirs="person_id"))
ALL = (VET, PERSON, PET, VISIT, PASSPORT, SPECIES, PETS)

CURSORS = Cursors(b"k" * 32)


def registry() -> Registry:
    return Registry(*ALL).link()


def boss(brand: UUID = RED, *more: str) -> Viewer:
    """Someone with every right."""
    return Viewer(brand, frozenset({"people:all", "people:pii", *more}), id=UUID(int=1))
