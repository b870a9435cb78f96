"""The list of trusted documents: what changes it, and how soon a process knows."""

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from domain.kernel.errors import Invalid, NotFound
from tenants import tables, trusted_documents
from tenants.trusted_documents import (
    DocumentPlan,
    DocumentsFull,
    NoDocuments,
    add_documents,
    document_id_of,
    hash_of_id,
    remove_documents,
    set_document_policy,
    sha256_of,
)
from tenants.trusted_lists import TrustedLists
from tenants.values import DocumentPolicy

ONE, TWO = (DocumentPlan(text, ("Who",), 1) for text in ("query Who { a }", "query Who { b }"))
ACCEPT, ENFORCE, OFF = DocumentPolicy.ACCEPT, DocumentPolicy.ENFORCE, DocumentPolicy.OFF


@pytest.fixture
def change(database, brand, scope_for):
    """`await change(add_documents, [ONE])`, as the brand's admin."""

    async def changing(command, *given, of=None):
        async def run(work):
            return await command(work, *given)

        return (await database.write(scope_for(of or brand, "brand_admin"), run)).value

    return changing


def trail(make, brand):
    rows = make.rows(tables.audit, brand)
    return [(row.action, row.reason) for row in sorted(rows, key=lambda row: row.seq)]


class Clock:
    at = 0.0

    def __call__(self):
        return self.at


def test_an_id_is_the_hash_of_a_text():
    hash_ = sha256_of("{ a }")
    assert hash_of_id(document_id_of(hash_)) == hash_
    for other in (hash_, f"sha256:{hash_.upper()}", f"sha256:{hash_}\n", f"sha256:{hash_[1:]}", ""):
        assert hash_of_id(other) is None, other


async def test_what_is_there_stays_as_it_is(make, brand, change):
    before = len(trail(make, brand))
    first = await change(add_documents, [ONE])
    again = await change(add_documents, [TWO, ONE, TWO])
    assert first.new == set(first.ids)
    assert again.ids == (again.ids[0], first.ids[0], again.ids[0])
    assert again.new == {again.ids[0]}
    rows = {row.sha256: row for row in make.rows(tables.trusted_document, brand)}
    assert rows.keys() == {ONE.sha256, TWO.sha256}
    assert rows[ONE.sha256].text == ONE.text
    assert (rows[ONE.sha256].operations, rows[ONE.sha256].added_by_kind) == ("Who", "STAFF")
    told = trail(make, brand)[before:]
    assert told == [("trusted_document.add", None), ("trusted_document.add", None)]


async def test_a_hash_that_lies_is_refused_by_the_database(make, brand, change):
    await change(add_documents, [ONE])
    with pytest.raises(Exception, match="ck_trusted_document_sha256"):
        make.run(brand, update(tables.trusted_document).values(text="{ other }"))


async def test_all_are_removed_or_none(make, brand, brand_b, change):
    await change(add_documents, [ONE])
    await change(add_documents, [TWO], of=brand_b)
    before = len(trail(make, brand))
    for other in (document_id_of(TWO.sha256), "sha256:nonsense"):
        with pytest.raises(NotFound) as refused:
            await change(remove_documents, [document_id_of(ONE.sha256), other])
        assert refused.value.path == ("input", "documentIds", "1")
    assert len(make.rows(tables.trusted_document, brand)) == 1
    assert len(trail(make, brand)) == before
    assert await change(remove_documents, [document_id_of(ONE.sha256)]) == 1
    assert make.rows(tables.trusted_document, brand) == []
    assert len(make.rows(tables.trusted_document, brand_b)) == 1
    assert trail(make, brand)[before:] == [("trusted_document.remove", None)]


async def test_an_empty_list_is_never_enforced(make, brand, change):
    before = len(trail(make, brand))
    with pytest.raises(NoDocuments):
        await change(set_document_policy, ENFORCE, "too early")
    await change(add_documents, [ONE])
    await change(set_document_policy, ENFORCE, "  the portal sends ids  ")
    await change(set_document_policy, ENFORCE, "again")
    with pytest.raises(NoDocuments):
        await change(remove_documents, [document_id_of(ONE.sha256)])
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(Invalid):
            await change(set_document_policy, OFF, reason)
    (state,) = make.rows(tables.brand_state, brand)
    assert state.document_policy == "ENFORCE"
    assert len(make.rows(tables.trusted_document, brand)) == 1
    assert trail(make, brand)[before:] == [
        ("trusted_document.add", None),
        ("brand.set_document_policy", "the portal sends ids"),
    ]


async def test_a_list_has_an_end(make, brand, change, monkeypatch):
    monkeypatch.setattr(trusted_documents, "DOCUMENTS_MAX", 1)
    await change(add_documents, [ONE])
    with pytest.raises(DocumentsFull):
        await change(add_documents, [TWO])
    assert len(make.rows(tables.trusted_document, brand)) == 1


async def test_another_process_knows_within_two_seconds_and_asks_no_more_often(
    database, brand, change, count_statements
):
    clock = Clock()
    lists = TrustedLists(database, monotonic=clock)
    assert await lists.of(brand.id) == await lists.of(brand.id)
    assert (await lists.of(brand.id)).policy is OFF
    await change(add_documents, [ONE])
    await change(set_document_policy, ACCEPT, "try")
    clock.at = 2.0
    with count_statements() as counted:
        found = await lists.of(brand.id)
        for _ in range(100):
            assert await lists.of(brand.id) is found
    assert counted.total == 1, str(counted)
    assert (found.policy, found.hashes) == (ACCEPT, {ONE.sha256})
    await change(add_documents, [TWO])
    await change(remove_documents, [document_id_of(ONE.sha256)])
    await change(set_document_policy, ENFORCE, "on")
    clock.at = 3.9
    assert await lists.of(brand.id) is found
    clock.at = 4.0
    found = await lists.of(brand.id)
    assert (found.policy, found.hashes) == (ENFORCE, {TWO.sha256})


async def test_the_hashes_are_read_when_they_changed(database, brand, change):
    clock = Clock()
    lists = TrustedLists(database, monotonic=clock)
    await change(add_documents, [ONE])
    await change(set_document_policy, ACCEPT, "try")
    found = await lists.of(brand.id)
    clock.at = 2.0
    again = await lists.of(brand.id)
    assert again.hashes is found.hashes
    await change(set_document_policy, OFF, "stop")
    clock.at = 4.0
    assert (await lists.of(brand.id)).hashes == set()


async def test_the_process_that_changes_it_knows_at_once(database, brand, change):
    lists = TrustedLists(database, monotonic=Clock())
    assert (await lists.of(brand.id)).policy is OFF
    await change(add_documents, [ONE])
    await change(set_document_policy, ACCEPT, "try")
    lists.forget(brand.id)
    assert (await lists.of(brand.id)).hashes == {ONE.sha256}


async def test_brands_are_apart(database, brand, brand_b, change):
    lists = TrustedLists(database)
    await change(add_documents, [ONE])
    await change(set_document_policy, ACCEPT, "ours")
    assert (await lists.of(brand_b.id)).hashes == set()
    assert await lists.text(brand.id, ONE.sha256) == ONE.text
    assert await lists.text(brand_b.id, ONE.sha256) is None


async def test_clients_see_no_list(database, make, brand, change, scope_for):
    """Also not in the database: what runs for them is read by the system."""
    await change(add_documents, [ONE])
    client, ib = make.client(brand), make.ib(brand)
    for scope in (scope_for(brand, client=client), scope_for(brand, ib=ib)):
        async with database.read(scope) as work:
            assert await work.rows(tables.trusted_document.select()) == []


async def test_a_document_never_changes(database, brand, change, scope_for):
    await change(add_documents, [ONE])

    async def rewrite(work):
        await work.rows(update(tables.trusted_document).values(cost=0))

    with pytest.raises(DBAPIError, match="permission denied"):
        await database.write(scope_for(brand, "brand_admin"), rewrite)
