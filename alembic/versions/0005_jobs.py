"""The job queue: procrastinate's schema, and the one function through which consumers defer."""

from procrastinate.schema import SchemaManager

from alembic import op
from tenants.isolation import role

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# A definer function with a fixed search_path: whoever may call it can add a job and nothing else.
DEFER = """
create function jobs.defer(queue text, task text, lock_key text, arguments jsonb) returns bigint
language plpgsql security definer set search_path = jobs, pg_temp as $$
declare made bigint[];
begin
    made := jobs.procrastinate_defer_jobs_v1(array[
        row(queue, task, 0, lock_key, null, arguments, null)::jobs.procrastinate_job_to_defer_v1
    ]);
    return made[1];
end $$
"""


def upgrade() -> None:
    op.execute("create schema jobs")
    op.execute("set local search_path = jobs")
    # The library's own script: many statements, sent as one simple query past the driver's parser.
    driver = op.get_bind().connection.driver_connection
    driver.execute(SchemaManager.get_schema().encode())
    op.execute(DEFER)
    op.execute("revoke all on all functions in schema jobs from public")
    op.execute(f"grant usage on schema jobs to {role('worker')}")
    op.execute(
        f"grant select, insert, update, delete on all tables in schema jobs to {role('worker')}"
    )
    op.execute(f"grant usage, select on all sequences in schema jobs to {role('worker')}")
    op.execute(f"grant execute on all functions in schema jobs to {role('worker')}")
    op.execute("set local search_path = public")


def downgrade() -> None:
    op.execute("drop schema jobs cascade")
