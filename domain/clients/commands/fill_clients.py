"""Take on clients in numbers, searchable as every client is: for scale, not for a book."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Integer

from domain.clients.search import SUFFIX_LENGTH_MAX, TEXT_LENGTH_MAX
from tenants.filling import ID, IDS, NUMBER, Stretch, fill, filling
from tenants.log import Change
from tenants.numbers import next_numbers
from tenants.passwords import NO_PASSWORD
from tenants.work import WriteWork

CLIENT = 2
"""The kind of their ids."""

_CLIENTS = filling(
    """
    insert into client (brand_id, id, reference, version, kind, status, legal_entity_id, ib_id,
                        ib_path, owner_id, name, email, phone, country, language, tags,
                        email_verified_at, created_at)
    select :brand_id, ID(2, m.n), CALLED(C, m.n), 1,
           case when CHANCE(m.n, 1) % 50 = 0 then 'CORPORATE' else 'INDIVIDUAL' end, m.status,
           :entity_id, ib.id, coalesce(ib.path, ''),
           case when CHANCE(m.n, 5) % 3 > 0 then PICK(owners, m.n, 6) end,
           m.first || ' ' || m.last, lower(m.first) || '.' || m.n || :domain,
           :prefix || lpad(cast(m.n as text), 7, '0'), PICK(countries, m.n, 7),
           PICK(languages, m.n, 8),
           case CHANCE(m.n, 9) % 20 when 0 then array['vip']
                when 1 then array['callback', 'webinar'] else array[]::text[] end,
           case when m.status <> 'REGISTERED' then CAME(m.n) + interval '7 minutes' end, CAME(m.n)
    from (
        select n, 1 + CHANCE(n, 4) % :ibs as introducer, PICK(firsts, n, 10) as first,
               PICK(lasts, n, 11) || '-' || PICK(lasts, n, 12) as last,
               case CHANCE(n, 2) % 40 when 0 then 'RESTRICTED' when 1 then 'CLOSED'
                    when 2 then 'REGISTERED' else 'ACTIVE' end as status
        from generate_series(:first, :last) n
    ) m
    left join ib on ib.brand_id = :brand_id and CHANCE(m.n, 3) % 5 > 0
      and ib.id = ID(1, m.introducer)
    """,
    entity_id=ID,
    owners=IDS,
    ibs=NUMBER,
)
_CREDENTIALS = filling("""
    insert into credential (brand_id, actor_kind, actor_id, email, password_hash, changed_at)
    select :brand_id, 'CLIENT', id, email, :no_password, created_at
    from client where brand_id = :brand_id and id between ID(2, :first) and ID(2, :last)
""")
# As `domain.clients.search.entries` makes them; in their own order, as the index will have them.
_SUFFIXES = filling(
    """
    insert into client_search (brand_id, suffix, client_id, kind, ib_path)
    select distinct :brand_id, rtrim(substr(t.found, s, :suffix_length)) as suffix, c.id, t.kind,
           c.ib_path
    from client c
    cross join lateral (values
        ('name', left(lower(c.name), :text_length)), ('email', left(lower(c.email), :text_length)),
        ('phone', ltrim(c.phone, '+'))) t(kind, found)
    cross join lateral generate_series(1, length(t.found) - 1) s
    where c.brand_id = :brand_id and c.id between ID(2, :first) and ID(2, :last)
      and substr(t.found, s, 1) <> ' '
    order by 2, 3, 4
    """,
    suffix_length=Integer(),
    text_length=Integer(),
)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who they are: invented names and an address' end, with where they are from."""

    firsts: Sequence[str]
    lasts: Sequence[str]
    domain: str
    prefix: str
    countries: Sequence[str]
    languages: Sequence[str]
    owners: Sequence[UUID]

    def named(self) -> dict[str, object]:
        """The values of a statement that makes people of it."""
        return {
            "firsts": list(self.firsts),
            "lasts": list(self.lasts),
            "domain": f"@{self.domain}",
            "prefix": self.prefix,
            "countries": list(self.countries),
            "languages": list(self.languages),
            "owners": list(self.owners),
        }


async def fill_clients(
    work: WriteWork, stretch: Stretch, cast: Cast, *, legal_entity_id: UUID, ibs: int
) -> None:
    """Add a stretch of a brand's clients, most of them of one of its first `ibs` ibs, who choose
    a password by mail as imported ones do.

    Their names are taken as they are: letters of the alphabet only. Effects: audit, no events.
    """
    if stretch.begins:
        await next_numbers(work, "client", stretch.whole)
    given = {"entity_id": legal_entity_id, "ibs": ibs, **cast.named()}
    await fill(work, _CLIENTS, stretch, **given)
    await fill(work, _CREDENTIALS, stretch, no_password=NO_PASSWORD)
    lengths = {"suffix_length": SUFFIX_LENGTH_MAX, "text_length": TEXT_LENGTH_MAX}
    await fill(work, _SUFFIXES, stretch, **lengths)
    after = {"clients": stretch.last - stretch.first + 1}
    work.audit(Change("client.import", object_kind="client", after=after))
