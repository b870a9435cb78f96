"""What keeps the ledger as it is: triggers, constraints, and rights that nobody may have (I4).

A missing guard is a finding before anything has come past it. Statements that the serving roles can
run: they read the catalogue only.
"""

# Triggers that must be there and fire, each its own function.
TRIGGERS = """
    select w.name || ' on ' || w.tab as missing
    from (values
        ('only_added', 'ledger_transfer', 'refuse'), ('only_added', 'ledger_posting', 'refuse'),
        ('only_added', 'ledger_hold_leg', 'refuse'), ('only_added', 'ledger_snapshot', 'refuse'),
        ('only_added', 'ledger_account', 'refuse'),
        ('never_truncated', 'ledger_transfer', 'refuse'),
        ('never_truncated', 'ledger_posting', 'refuse'),
        ('never_truncated', 'ledger_hold_leg', 'refuse'),
        ('never_truncated', 'ledger_snapshot', 'refuse'),
        ('never_truncated', 'ledger_account', 'refuse'), ('balanced', 'ledger_posting', 'balance'),
        ('balanced', 'ledger_hold_leg', 'balance'), ('judged', 'ledger_transfer', 'judge')
    ) as w(name, tab, does)
    where not exists (
        select 1 from pg_trigger g
        join pg_proc p on p.oid = g.tgfoid
        join pg_namespace n on n.oid = p.pronamespace
        where g.tgrelid = ('public.' || w.tab)::regclass and g.tgname = w.name
          and g.tgenabled = 'O' and n.nspname = 'ledger' and p.proname = w.does)
"""

# Keys, floors and ties to accounts that must be there and hold for every row.
CONSTRAINTS = """
    select w.name || ' on ' || w.tab as missing
    from (values
        ('pk_ledger_transfer', 'ledger_transfer'), ('pk_ledger_posting', 'ledger_posting'),
        ('pk_ledger_hold_leg', 'ledger_hold_leg'), ('pk_ledger_account', 'ledger_account'),
        ('uq_ledger_transfer_brand_id_key', 'ledger_transfer'),
        ('uq_ledger_account_brand_id_kind_reference_asset', 'ledger_account'),
        ('ck_ledger_account_floor', 'ledger_account'),
        ('ck_ledger_account_floored', 'ledger_account'),
        ('ck_ledger_account_bounded', 'ledger_account'),
        ('ck_ledger_account_pending', 'ledger_account'),
        ('fk_ledger_posting_brand_id_transfer_id', 'ledger_posting'),
        ('fk_ledger_posting_brand_id_account_id_asset', 'ledger_posting'),
        ('fk_ledger_hold_leg_brand_id_transfer_id', 'ledger_hold_leg'),
        ('fk_ledger_hold_leg_brand_id_account_id_asset', 'ledger_hold_leg'),
        ('pk_idempotency', 'idempotency')) as w(name, tab)
    where not exists (
        select 1 from pg_constraint c
        where c.conrelid = ('public.' || w.tab)::regclass and c.conname = w.name
          and c.convalidated)
    union all
    select w.name || ' on ' || w.tab
    from (values
        ('ix_ledger_transfer_brand_id_resolves_id', 'ledger_transfer'),
        ('ix_ledger_transfer_brand_id_source_external_id', 'ledger_transfer')) as w(name, tab)
    where not exists (
        select 1 from pg_index i join pg_class c on c.oid = i.indexrelid
        where i.indrelid = ('public.' || w.tab)::regclass and c.relname = w.name
          and i.indisunique and i.indisvalid)
"""

# Rights to write: whoever has them by a grant, and the roles that serve beside the caller however
# they came to them. Superusers and the owner, whom triggers stop, are nobody's to forbid.
RIGHTS = """
    select r.right_name || ' on ' || c.relname || ' for ' || s.rolname as missing
    from pg_class c
    cross join unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) as r(right_name)
    join pg_roles s on s.oid <> c.relowner and not s.rolsuper
     and s.rolname ^@ regexp_replace(current_user, '[^_]*$', '')
    where c.oid = any(array[
        'public.ledger_account', 'public.ledger_transfer', 'public.ledger_posting',
        'public.ledger_hold_leg', 'public.ledger_snapshot']::regclass[])
      and (has_table_privilege(s.oid, c.oid, r.right_name)
        or case when r.right_name in ('INSERT', 'UPDATE')
                then has_any_column_privilege(s.oid, c.oid, r.right_name) end)
    union
    select a.privilege_type || ' on ' || c.relname || ' for ' || coalesce(s.rolname, 'everybody')
    from pg_class c
    cross join lateral (
        select x.grantee, x.privilege_type from aclexplode(c.relacl) x
        union all
        select x.grantee, x.privilege_type from pg_attribute t
        cross join lateral aclexplode(t.attacl) x
        where t.attrelid = c.oid and t.attacl is not null) a
    left join pg_roles s on s.oid = a.grantee
    where c.oid = any(array[
        'public.ledger_account', 'public.ledger_transfer', 'public.ledger_posting',
        'public.ledger_hold_leg', 'public.ledger_snapshot']::regclass[]) and a.grantee <> c.relowner
      and a.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
"""

GUARDS = (TRIGGERS, CONSTRAINTS, RIGHTS)
