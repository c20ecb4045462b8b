create table users (
    id uuid primary key,
    email text not null unique,
    name text,
    password_hash text not null,
    created_at timestamptz not null default now(),
    -- Number of the newest row in task_events. Its row lock puts a user's changes in commit order.
    event_seq bigint not null default 0
);

-- Browser sessions and API tokens: opaque secrets of which only a keyed hash is stored.
create table credentials (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    kind text not null check (kind in ('session', 'token')),
    token_hash bytea not null unique,
    name text,
    user_agent text,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    expires_at timestamptz
);
create index credentials_by_user on credentials (user_id, kind, created_at);
create index credentials_by_expiry on credentials (expires_at);

create table attempts (
    key bytea primary key,
    count integer not null,
    resets_at timestamptz not null
);
create index attempts_by_reset on attempts (resets_at);

create table tasks (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    title text not null check (char_length(title) between 1 and 200),
    -- Sort key that does not depend on the database's collation.
    title_key text collate "C" not null generated always as (lower(title)) stored,
    description text not null default '' check (char_length(description) <= 1000),
    status text not null generated always as (case when completed_at is null then 'pending' else 'completed' end) stored,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    completed_at timestamptz,
    -- A deleted task stays for a day so that deleting can be undone.
    deleted_at timestamptz,
    version integer not null default 1
);
create index tasks_by_creation on tasks (user_id, created_at, id) where deleted_at is null;
create index tasks_by_update on tasks (user_id, updated_at, id) where deleted_at is null;
create index tasks_by_title on tasks (user_id, title_key, id) where deleted_at is null;
create index tasks_deleted on tasks (deleted_at) where deleted_at is not null;

create table idempotency_keys (
    user_id uuid not null references users on delete cascade,
    key text not null,
    fingerprint bytea not null,
    response jsonb,
    created_at timestamptz not null default now(),
    primary key (user_id, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

-- What happened to a user's tasks, for event streams on every replica. An empty task_ids
-- means "too many to name".
create table task_events (
    user_id uuid not null references users on delete cascade,
    seq bigint not null,
    kind text not null check (kind in ('created', 'updated', 'deleted', 'restored')),
    task_ids uuid[] not null,
    created_at timestamptz not null default now(),
    primary key (user_id, seq)
);
create index task_events_by_age on task_events (created_at);

-- Channel `wake`, payload: the id of a user whose event streams should look again.

create function record_task_event(owner uuid, kind text, ids uuid[]) returns void
language plpgsql as $$
declare
    next_seq bigint;
begin
    update users set event_seq = event_seq + 1 where id = owner returning event_seq into next_seq;
    insert into task_events (user_id, seq, kind, task_ids)
    values (owner, next_seq, kind, case when cardinality(ids) > 200 then '{}' else ids end);
    perform pg_notify('wake', owner::text);
end $$;

create function tasks_inserted() returns trigger language plpgsql as $$
begin
    perform record_task_event(user_id, 'created', array_agg(id order by id))
    from new_rows group by user_id;
    return null;
end $$;

create function tasks_updated() returns trigger language plpgsql as $$
begin
    perform record_task_event(user_id, kind, array_agg(id order by id))
    from (
        select n.user_id, n.id,
            case
                when o.deleted_at is null and n.deleted_at is not null then 'deleted'
                when o.deleted_at is not null and n.deleted_at is null then 'restored'
                else 'updated'
            end as kind
        from new_rows n join old_rows o using (id)
    ) changed
    group by user_id, kind;
    return null;
end $$;

create trigger tasks_inserted after insert on tasks
    referencing new table as new_rows for each statement execute function tasks_inserted();
create trigger tasks_updated after update on tasks
    referencing old table as old_rows new table as new_rows for each statement execute function tasks_updated();

create function credential_ended() returns trigger language plpgsql as $$
begin
    perform pg_notify('wake', old.user_id::text);
    return null;
end $$;

create trigger credential_ended after delete on credentials
    for each row execute function credential_ended();
