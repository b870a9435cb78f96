"""Plant a tree of introducing brokers in numbers: for scale, not for a broker's book."""

from tenants.filling import NUMBER, Stretch, fill, filling
from tenants.log import Change
from tenants.work import WriteWork

IB = 1
"""The kind of their ids."""
_BELOW, _BELOW_THOSE = 10, 4
OF_A_TOP = 1 + _BELOW + _BELOW * _BELOW_THOSE
"""How many hang on one at the top, itself included."""

# Tops first, then those below them, then those below these: a parent is there before its children.
_TREE = filling(
    """
    insert into ib (brand_id, id, code, name, email, status, level, parent_id, path, created_at,
                    currency)
    select :brand_id, ID(1, t.n), CALLED(B, t.n), 'Partner ' || t.n, 'ib' || t.n || :domain,
           case when CHANCE(t.n, 1) % 50 = 0 then 'SUSPENDED' else 'ACTIVE' end, t.level,
           case when t.level > 1 then ID(1, t.parent) end,
           case when t.level > 2 then replace(cast(ID(1, t.top) as text), '-', '') || '/'
                else '' end
           || case when t.level > 1 then replace(cast(ID(1, t.parent) as text), '-', '') || '/'
                   else '' end
           || replace(cast(ID(1, t.n) as text), '-', '') || '/',
           timestamptz '2024-01-01T00:00:00Z' + t.n * interval '1 minute', PICK(currencies, t.n, 2)
    from (
        select n, 1 as level, cast(null as bigint) as parent, cast(null as bigint) as top
        from generate_series(1, :tops) n
        union all
        select :tops + n, 2, (n - 1) / 10 + 1, null from generate_series(1, :tops * 10) n
        union all
        select :tops * 11 + n, 3, :tops + (n - 1) / 4 + 1, ((n - 1) / 4) / 10 + 1
        from generate_series(1, :tops * 40) n
    ) t order by t.level, t.n
    """,
    tops=NUMBER,
)


async def fill_ibs(
    work: WriteWork, stretch: Stretch, *, tops: int, domain: str, currencies: list[str]
) -> int:
    """Plant `tops` trees of three levels; how many ibs those are. Effects: audit."""
    await fill(work, _TREE, stretch, tops=tops, domain=f"@{domain}", currencies=currencies)
    count = tops * OF_A_TOP
    work.audit(Change("ib.import", object_kind="ib", after={"ibs": count}))
    return count
