"""Row-level security, grants and placement as DDL, for migrations. One statement each.

Two kinds of policy. The permissive one keeps a brand's rows to the brand, for every role. The
restrictive ones, `TO app` only, keep a client to its own rows and an ib to its subtree; the
definer of a function keeps just the brand policy. After a transaction a setting is `''`, not
NULL, so that settings are compared as text and never cast.
"""

from collections.abc import Iterator

from alembic import context, op

ROLES = ("owner", "app", "worker", "platform", "simulator", "sandbox")
_CLIENT = "current_setting('app.client_id', true)"
_IB = "current_setting('app.ib_path', true)"
_BRAND = "brand_id::text = current_setting('app.brand_id', true)"


# As `tenants.work.opening` says it, but for time-outs, which don't hold for the statement that sets
# them. Not a definer: it has no rights of its own, and whoever calls it could say the same.
ENTER = """
create function app_enter(p_brand uuid, p_client uuid, p_ib_path text) returns boolean
language plpgsql volatile parallel unsafe as $$
begin
    execute pg_catalog.format('set local app.brand_id = %L', p_brand);
    if p_client is not null then
        execute pg_catalog.format('set local app.client_id = %L', p_client);
    end if;
    if p_ib_path is not null then
        execute pg_catalog.format('set local app.ib_path = %L', p_ib_path);
    end if;
    return true;
end $$
"""


def role(kind: str) -> str:
    """The name of a database role under the prefix of this migration run."""
    assert kind in ROLES, kind
    prefix = context.config.attributes.get("role_prefix", "backdesk")
    return f"{prefix}_{kind}"


def of_another_brand(expression: str) -> str:
    """Whether a brand is not the transaction's, as SQL for the body of a function."""
    return f"{expression}::text is distinct from current_setting('app.brand_id', true)"


def unjudged(condition: str) -> str:
    """The same condition, held by the planner to leave nearly every row.

    It can't know the settings and takes each comparison with one for a rare match: three of them
    turn four thousand rows into one, and a page that an index has in order is sorted anew each
    time. All it knows of `is not null` over an expression is that most are not.
    """
    return f"nullif(({condition}), false) is not null"


def isolate(
    table: str,
    *,
    visible_to: str,
    client_column: str = "client_id",
    ib_column: str = "ib_path",
    app: str = "select, insert, update",
    worker: str = "select, insert, update, delete",
) -> None:
    """Force row-level security on a brand table and grant it. See `tenants.database.Visible`."""
    for statement in _security(table):
        op.execute(statement)
    for name, command, condition in _restrictions(visible_to, client_column, ib_column):
        op.execute(
            f"create policy {name} on {table} as restrictive for {command} to {role('app')} "
            f"using ({unjudged(condition)})"
        )
    grant(table, app=app, worker=worker)


def open_to_definers(table: str) -> None:
    """Let functions of the owner read a table by conditions that row-level security keeps from
    indexes. Such a function holds itself to the brand, by `of_another_brand`."""
    op.execute(f"create policy definers on {table} for select to {role('owner')} using (true)")


_EACH = """do $$
declare
    v_brand uuid;
begin
    for v_brand in select id from brand order by id loop
        execute format('set local app.brand_id = %L', v_brand);
        STATEMENT;
        commit;
    end loop;
end $$"""


def in_each_brand(statement: str) -> str:
    """A statement run once for each brand, `v_brand`, in a transaction of its own each; to be sent
    outside of one."""
    return _EACH.replace("STATEMENT", statement)


def add_for_nobody(table: str) -> None:
    """Let a client's work also add rows that name no client, which it can't read then.

    For logs that tell the house what a client's own command did to it.
    """
    own = f"coalesce({_CLIENT}, '') = '' or client_id is null or client_id::text = {_CLIENT}"
    op.execute(f"alter policy own_client on {table} with check ({own})")


def grant(table: str, *, app: str = "select", worker: str = "select") -> None:
    """Grant a table to the serving roles; never TRUNCATE, REFERENCES or TRIGGER."""
    for kind, rights in (("app", app), ("worker", worker)):
        if rights:
            op.execute(f"grant {rights} on {table} to {role(kind)}")


def _security(table: str) -> Iterator[str]:
    yield f"alter table {table} enable row level security"
    yield f"alter table {table} force row level security"
    yield f"create policy brand on {table} using ({unjudged(_BRAND)}) with check ({_BRAND})"


def _restrictions(visible_to: str, client: str, ib: str) -> Iterator[tuple[str, str, str]]:
    no_client, no_ib = f"coalesce({_CLIENT}, '') = ''", f"coalesce({_IB}, '') = ''"
    own_client = f"{no_client} or {client}::text = {_CLIENT}"
    own_ib = f"{no_ib} or starts_with({ib}, {_IB})"
    match visible_to:
        case "client":
            yield "own_client", "all", own_client
            yield "own_ib", "all", own_ib
        case "own":
            yield "own_client", "all", own_client
            yield "no_ib", "all", no_ib
        case "ib":
            yield "own_client", "all", no_client
            yield "own_ib", "all", own_ib
        case "staff":
            yield "no_client", "all", no_client
            yield "no_ib", "all", no_ib
        case "log":
            yield "no_client", "select", no_client
            yield "no_ib", "select", no_ib
        case _:
            assert visible_to == "brand", visible_to
