"""Rounds put no second job of a key into the queue while one waits there for its turn."""

from alembic import op
from tenants.isolation import role

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# The library's own lock for this makes the retry of a running job fail when another one waits.
DEFER_AGAIN = """
create function jobs.defer_again(queue text, task text, lock_key text, arguments jsonb)
returns bigint
language plpgsql security definer set search_path = jobs, pg_temp as $$
begin
    if exists (
        select 1 from jobs.procrastinate_jobs where lock = lock_key and status = 'todo'
        and (scheduled_at is null or scheduled_at <= now())
    ) then
        return null;
    end if;
    return jobs.defer(queue, task, lock_key, arguments);
end $$
"""


def upgrade() -> None:
    op.execute(
        "create index procrastinate_jobs_waiting on jobs.procrastinate_jobs (lock)"
        " where status = 'todo'"
    )
    op.execute(DEFER_AGAIN)
    op.execute("revoke all on function jobs.defer_again from public")
    op.execute(f"grant execute on function jobs.defer_again to {role('worker')}")


def downgrade() -> None:
    op.execute("drop function jobs.defer_again")
    op.execute("drop index jobs.procrastinate_jobs_waiting")
