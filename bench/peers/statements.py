"""The operations as SQL: one function each, which sets the brand and gives the whole answer.

What `pgbench` runs as the limit, and what the hand-written server sends. They run as the role
`app` under the same row security as everything else.
"""

from api.embedded import Endpoints
from bench import scratch
from bench.peers.questions import Name

_MONEY = (
    "json_build_object('amount', case when {c} = 'JPY' then {a}::text"
    " else round({a} / 100, 2)::text end, 'currencyCode', {c})"
)
_CLIENT = 'c.id, c.name, c.email, c.phone, c.country, c.status, c.created_at "createdAt"'
_ACCOUNT = 'a.id, a.login::text, a.currency "currencyCode", a.leverage, a.status'


def _money(amount: str, currency: str) -> str:
    return _MONEY.format(a=amount, c=currency)


def _rows(fields: str, tables: str, rest: str) -> str:
    return (
        "(select coalesce(json_agg(row_to_json(r)), '[]') from"
        f" (select {fields} from {tables} {rest}) r)"
    )


_STATE = (
    f"json_build_object('balance', {_money('s.balance_minor', 's.currency')},"
    f" 'equity', {_money('s.equity_minor', 's.currency')}) state"
)
_PAYMENT = (
    f"p.id, p.reference, p.status, {_money('p.amount_minor', 'p.currency')} amount,"
    ' p.created_at "createdAt"'
)
_OF_CLIENT = (
    "where {t}.brand_id = p_brand and {t}.client_id = c.id order by {t}.created_at desc,"
    " {t}.id desc limit 10"
)
_STATES = (
    "trading_account a left join account_state s on s.brand_id = a.brand_id and s.account_id = a.id"
)
_LEVEL = (
    "where {t}.brand_id = p_brand and {t}.parent_id = {up}.id order by {t}.created_at desc,"
    " {t}.id desc limit 20"
)


def _ib(name: str, below: str = "") -> str:
    own = f'{name}.id, {name}.name, {name}.level, {name}.client_count "clientsCount"'
    return f"{own}, {below} children" if below else own


_LEAVES = _rows(_ib("z"), "ib z", _LEVEL.format(t="z", up="y"))
_TREE = _ib("x", _rows(_ib("y", _LEAVES), "ib y", _LEVEL.format(t="y", up="x")))
_ANSWERS: dict[Name, tuple[str, str]] = {
    "Q1": (
        "p_id uuid",
        "select json_build_object('data', json_build_object('client', (select row_to_json(r) from ("
        f"select {_CLIENT},"
        f" {_rows(f'{_ACCOUNT}, {_STATE}', _STATES, _OF_CLIENT.format(t='a'))} accounts,"
        f" {_rows(_PAYMENT, 'payment p', _OF_CLIENT.format(t='p'))} payments"
        " from client c where c.brand_id = p_brand and c.id = p_id) r)))::text",
    ),
    "Q2": (
        "p_page integer",
        "select json_build_object('data', json_build_object('clients',"
        + _rows(
            f"{_CLIENT}, {_rows(_ACCOUNT, 'trading_account a', _OF_CLIENT.format(t='a'))} accounts",
            "client c",
            "where c.brand_id = p_brand order by c.created_at desc, c.id desc limit p_page",
        )
        + "))::text",
    ),
    "Q3": (
        "p_page integer",
        "select json_build_object('data', json_build_object('payments',"
        + _rows(
            f"{_PAYMENT}, (select row_to_json(k) from (select c.id, c.name from client c"
            " where c.brand_id = p_brand and c.id = p.client_id) k) client",
            "payment p",
            "where p.brand_id = p_brand and p.status = 'SETTLED'"
            " order by p.created_at desc, p.id desc limit p_page",
        )
        + "))::text",
    ),
    "Q4": (
        "p_id uuid",
        "select json_build_object('data', json_build_object('ib', (select row_to_json(r) from ("
        f"select {_TREE} from ib x where x.brand_id = p_brand and x.id = p_id) r)))::text",
    ),
    "M1": (
        "p_id uuid, p_body text",
        "insert into client_note (brand_id, id, client_id, body, created_at) values"
        " (p_brand, gen_random_uuid(), p_id, p_body, now()) returning json_build_object('data',"
        " json_build_object('noteCreate', json_build_object('id', id, 'body', body,"
        " 'createdAt', created_at)))::text",
    ),
}


def make(endpoints: Endpoints) -> None:
    """Make the functions, for the role `app` to call."""
    with scratch.superuser(endpoints) as connection:
        connection.execute("create schema peers")
        for name, (parameters, answer) in _ANSWERS.items():
            # The answer of a returning insert comes by `into`, that of a query by itself.
            into = f"{answer} into v_found;" if name == "M1" else f"v_found := ({answer});"
            connection.execute(
                f"create function peers.{name.lower()}(p_brand uuid, {parameters}) returns text"
                " language plpgsql as $$ declare v_found text; begin"
                f" perform set_config('app.brand_id', p_brand::text, true); {into}"
                " return v_found; end $$"
            )
        # PostGraphile takes no column without a default as given by the database.
        connection.execute(
            "alter table client_note alter id set default gen_random_uuid(),"
            " alter created_at set default now()"
        )
        role = endpoints.name("app")
        connection.execute(f"grant usage on schema peers to {role}")
        connection.execute(f"grant execute on all functions in schema peers to {role}")


CALLS: dict[Name, str] = {
    "Q1": "select peers.q1($1, $2)",
    "Q2": "select peers.q2($1, $2)",
    "Q3": "select peers.q3($1, $2)",
    "Q4": "select peers.q4($1, $2)",
    "M1": "select peers.m1($1, $2, $3)",
}
