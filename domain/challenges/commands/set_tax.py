"""Say what tax a country's buyers pay on top."""

from sqlalchemy.dialects.postgresql import insert

from domain.challenges.purchase_rules import decide_tax
from domain.challenges.queries import list_taxes
from domain.challenges.tables import purchase_tax
from domain.clients.queries import unknown_countries
from domain.kernel.errors import Invalid
from tenants.log import Change
from tenants.work import WriteWork


async def set_tax(work: WriteWork, country: str, *, label: str, bps: int) -> dict[str, str]:
    """Take this tax from orders of clients of a country from now on; the country as `country`.

    Orders that were made keep what they were told. Refusals: INVALID. Effects: audit.
    """
    decide_tax(label, bps)
    if await unknown_countries(work, [country]):
        raise Invalid("INVALID", "Two letters of ISO 3166.", path=("input", "country"))
    before = (await list_taxes(work)).get(country)
    row = {"label": label.strip(), "bps": bps, "updated_at": work.now()}
    statement = insert(purchase_tax).values(brand_id=work.scope.brand_id, country=country, **row)
    await work.rows(
        statement.on_conflict_do_update(
            index_elements=["brand_id", "country"],
            set_={name: statement.excluded[name] for name in row},
        )
    )
    work.audit(
        Change(
            "tax.set",
            object_kind="brand",
            object_id=work.scope.brand_id,
            before=None if before is None else {"label": before[0], "bps": before[1]},
            after={"country": country, "label": label.strip(), "bps": bps},
        )
    )
    return {"country": country}
