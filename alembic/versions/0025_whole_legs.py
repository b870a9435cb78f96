"""The quick way takes two legs and no more, and nothing is booked into what a snapshot has summed.

A third leg on an account that is there already would be posted and not added to its balance: the
posting of many refuses it. A posting of the house that is dated before the account's last snapshot,
as one is when the clock was ahead and is set back, would be in no balance ever: it is dated behind
the snapshot, as it is behind a wallet's last posting.
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_TWO = "l_transfer = array[1, 1] and l_account[1] <> l_account[2]"
_ONLY_TWO = (
    "l_transfer = array[1, 1] and cardinality(l_account) = 2 and cardinality(l_asset) = 2\n"
    "       and cardinality(l_amount) = 2 and l_account[1] <> l_account[2]"
)
_LAST = "select max(a.posted_at) into v_last from ("


def _behind(accounts: str) -> str:
    """When the last of these accounts was posted or summed."""
    return f"""select greatest(max(a.posted_at), (
            select max(s.at) from unnest({accounts}) as u(id)
            cross join lateral (
                select x.at from ledger_snapshot x
                where x.brand_id = p_brand and x.account_id = u.id order by x.at desc limit 1
            ) s)) into v_last from ("""  # noqa: S608 - ours


_CHANGES = (
    ("post", _TWO, _ONLY_TWO),
    ("post", _LAST, _behind("l_account")),
    ("post_many", _LAST, _behind("v_touched")),
)


# Replaces a part of a function that is there once, and leaves the rest as it is.
_REWRITE = """
do $rewrite$
declare
    v_whole text := pg_get_functiondef('ledger.<name>'::regproc);
    v_before text := $part$<before>$part$;
begin
    if (length(v_whole) - length(replace(v_whole, v_before, ''))) <> length(v_before) then
        raise exception 'ledger.<name> is not what it was';
    end if;
    execute replace(v_whole, v_before, $part$<after>$part$);
end $rewrite$
"""


def _rewrite(name: str, before: str, after: str) -> None:
    statement = _REWRITE.replace("<name>", name)
    op.execute(statement.replace("<before>", before).replace("<after>", after))


def upgrade() -> None:
    for name, before, after in _CHANGES:
        _rewrite(name, before, after)


def downgrade() -> None:
    for name, before, after in reversed(_CHANGES):
        _rewrite(name, after, before)
