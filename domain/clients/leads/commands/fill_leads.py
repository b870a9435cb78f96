"""Take on leads in numbers, each as if it had come once: for scale, not for a book."""

from collections.abc import Sequence

from domain.clients.commands.fill_clients import Cast
from tenants.filling import IDS, Stretch, fill, filling
from tenants.log import Change
from tenants.numbers import next_numbers
from tenants.work import WriteWork

LEAD = 6
"""The kind of their ids."""

_LEADS = filling(
    """
    insert into lead (brand_id, id, reference, version, stage, lost_reason, name, email, phone,
                      country, language, source, campaign, last_source, last_campaign, owner_id,
                      created_at, touched_at, stage_since)
    select :brand_id, ID(6, l.n), CALLED(L, l.n), 1, l.stage,
           case when l.stage = 'LOST' then PICK(reasons, l.n, 41) end,
           l.first || ' ' || l.last, lower(l.first) || '.' || l.n || :domain,
           case when CHANCE(l.n, 42) % 10 > 0 then :prefix || lpad(cast(l.n as text), 8, '0') end,
           PICK(countries, l.n, 43), PICK(languages, l.n, 44), l.source, l.campaign, l.source,
           l.campaign, case when l.stage <> 'NEW' then PICK(owners, l.n, 45) end,
           CAME(l.n), CAME(l.n), CAME(l.n)
    from (
        select n, PICK(stages, n, 40) as stage, PICK(firsts, n, 46) as first,
               PICK(lasts, n, 47) || '-' || PICK(lasts, n, 48) as last,
               PICK(sources, n, 49) as source, PICK(campaigns, n, 50) as campaign
        from generate_series(:first, :last) n
    ) l
    """,
    owners=IDS,
)
_TOUCHES = filling("""
    insert into lead_touch (brand_id, id, lead_id, name, email, phone, country, language, source,
                            campaign, created_at)
    select brand_id, id, id, name, email, phone, country, language, source, campaign, created_at
    from lead where brand_id = :brand_id and id between ID(6, :first) and ID(6, :last)
""")
_OWNERSHIPS = filling("""
    insert into lead_ownership (brand_id, id, lead_id, owner_id, given_by, created_at)
    select brand_id, id, id, owner_id, 'ROUND_ROBIN', created_at
    from lead where brand_id = :brand_id and id between ID(6, :first) and ID(6, :last)
      and owner_id is not null
""")
# As `domain.clients.search.folded` does for letters of the alphabet.
_SEARCH = filling("""
    insert into lead_search (brand_id, lead_id, name, email, phone)
    select brand_id, id, lower(name), email, ltrim(phone, '+')
    from lead where brand_id = :brand_id and id between ID(6, :first) and ID(6, :last)
""")
_STAGES = ("NEW", "NEW", "ASSIGNED", "ASSIGNED", "CONTACTED", "CONTACTED", "CONTACTED",
           "INTERESTED", "LOST", "LOST", "LOST", "DNC")  # fmt: skip
_REASONS = ("NO_ANSWER", "NOT_INTERESTED", "WRONG_CONTACT", "OTHER")
_SOURCES = ("google-ads", "meta", "affiliate", "organic", "webinar")
_CAMPAIGNS = ("fx-beginners", "gold-live", "brand", "lookalike-eu", "webinar-june", "north")


async def fill_leads(
    work: WriteWork, stretch: Stretch, cast: Cast, *, campaigns: Sequence[str] = _CAMPAIGNS
) -> None:
    """Add a stretch of a brand's leads, none of them a client yet. Effects: audit, no events."""
    if stretch.begins:
        await next_numbers(work, "lead", stretch.whole)
    kinds = {
        "stages": list(_STAGES),
        "reasons": list(_REASONS),
        "sources": list(_SOURCES),
        "campaigns": list(campaigns),
    }
    await fill(work, _LEADS, stretch, **cast.named(), **kinds)
    await fill(work, _SEARCH, stretch)
    await fill(work, _TOUCHES, stretch)
    await fill(work, _OWNERSHIPS, stretch)
    after = {"leads": stretch.last - stretch.first + 1}
    work.audit(Change("lead.import", object_kind="lead", after=after))
