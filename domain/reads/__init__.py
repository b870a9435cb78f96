"""Reads are declared once: what the API shows, and the statements that follow from it.

A context's `reads.py` says for each thing its table, columns, relations, filters, orders and row
scopes. `Registry` links all of them at start-up; `Reader` answers batches of questions of one
operation. Nothing here knows GraphQL or how a connection got its brand: a `Viewer` and anything
with `async rows(statement, params)` is enough.

A worked example, `domain/clients/reads.py`::

    CLIENT = Entity(
        name="client",                                  # also the prefix of its ids
        table=client,
        fields={
            **columns(client, "reference", "version", "status", "created_at", "country"),
            "name": client.c.full_name,
            "email": Field(client.c.email, Mask("clients:pii", mask_email, said_email)),
            "phone": Field(client.c.phone, Mask("clients:pii", mask_phone, said_phone)),
        },
        relations={
            "owner": One("staff", own="owner_id"),      # our owner_id is a staff's key
            "notes": Many("client_note", theirs="client_id"),
        },
        filters={"status": client.c.status, "created_at": client.c.created_at,
                 "owner": client.c.owner_id},           # ops follow from the column's type
        orders={"CREATED_AT": client.c.created_at, "NAME": client.c.full_name},
        default_order="-CREATED_AT",
        search=SuffixSearch(client_search, key="client_id", covers=("name", "email", "phone"),
                            kind="kind", normalise=read_term),
        scopes=(
            *own_rows(client, client="id"),              # a client itself, an ib its subtree
            RowScope(client.c.owner_id == VIEWER_ID, unless="clients:all",
                     when=lambda viewer: viewer.client_id is None and viewer.ib_path is None),
        ),
    )
    READS = (CLIENT, CLIENT_NOTE)

and `domain/accounts/reads.py`, which lies above it::

    ACCOUNT = Entity(
        name="account", table=account, fields=columns(account, "login", "kind", "leverage"),
        relations={"client": One("client", own="client_id"),
                   "deals": Many("deal", theirs="account_id")},
        scopes=(Through("client"),),                    # who may not see the client, not this
    )
    READS = (ACCOUNT, DEAL, extend("client", "accounts", Many("account", theirs="client_id")))

Wired once: `Registry(*clients.READS, *accounts.READS).link()`.

What is refused: a sort, filter or search over a field that is masked for the viewer (`FORBIDDEN`:
paging would recover it), unknown filters and orders, wrong page sizes and cursors
(`BAD_USER_INPUT`).
"""

from domain.reads.declare import (
    BRAND,
    VIEWER_CLIENT,
    VIEWER_IB_PATH,
    VIEWER_ID,
    Entity,
    Expression,
    Extension,
    Field,
    FilterField,
    Many,
    Mask,
    One,
    Op,
    PartSearch,
    RowScope,
    Selection,
    SuffixSearch,
    Through,
    Viewer,
    columns,
    extend,
    own_rows,
    select,
)
from domain.reads.engine import Connection, Counted, PageResult, Reader, Tally
from domain.reads.keyset import Cursors, Page
from domain.reads.record import Record
from domain.reads.registry import DeclarationError, Registry

__all__ = [
    "BRAND",
    "VIEWER_CLIENT",
    "VIEWER_IB_PATH",
    "VIEWER_ID",
    "Connection",
    "Counted",
    "Cursors",
    "DeclarationError",
    "Entity",
    "Expression",
    "Extension",
    "Field",
    "FilterField",
    "Many",
    "Mask",
    "One",
    "Op",
    "Page",
    "PageResult",
    "PartSearch",
    "Reader",
    "Record",
    "Registry",
    "RowScope",
    "Selection",
    "SuffixSearch",
    "Tally",
    "Through",
    "Viewer",
    "columns",
    "extend",
    "own_rows",
    "select",
]
