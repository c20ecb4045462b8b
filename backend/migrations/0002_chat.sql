-- A turn is what a message of the user starts; a run is one stretch of work on it by one replica. Who holds a
-- conversation's run may write its turn's messages, as long as the lease is renewed.
create table conversations (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    title text not null check (char_length(title) between 1 and 200),
    created_at timestamptz not null default now(),
    -- When a run last started or ended.
    updated_at timestamptz not null default now(),
    -- Number of the newest row in conversation_events. Its row lock puts a conversation's events in commit order.
    event_seq bigint not null default 0,
    run uuid,
    turn uuid,
    run_started_at timestamptz,
    leased_until timestamptz,
    cancelled boolean not null default false
);
create index conversations_by_activity on conversations (user_id, updated_at, id);

create table messages (
    conversation_id uuid not null references conversations on delete cascade,
    seq integer not null,
    turn uuid not null,
    role text not null check (role in ('user', 'assistant', 'tool')),
    status text not null check
        (status in ('streaming', 'running', 'awaiting', 'done', 'failed', 'declined', 'cancelled')),
    text text not null default '',
    -- Not jsonb: what a model writes may hold \u0000.
    tool json,
    error json,
    created_at timestamptz not null default now(),
    primary key (conversation_id, seq)
);

-- What happened to a conversation's messages, for streams on every replica.
create table conversation_events (
    conversation_id uuid not null references conversations on delete cascade,
    seq bigint not null,
    name text not null,
    data json not null,
    created_at timestamptz not null default now(),
    primary key (conversation_id, seq)
);
create index conversation_events_by_age on conversation_events (created_at);

-- Channel `wake` also takes the id of a conversation, whose streams should look again, and that of a run, which should
-- see whether it goes on.

create function record_conversation_event(conversation uuid, name text, data json) returns bigint
language plpgsql as $$
declare
    next_seq bigint;
begin
    update conversations set event_seq = event_seq + 1 where id = conversation returning event_seq into next_seq;
    insert into conversation_events (conversation_id, seq, name, data) values (conversation, next_seq, name, data);
    perform pg_notify('wake', conversation::text);
    return next_seq;
end $$;

create function conversation_deleted() returns trigger language plpgsql as $$
begin
    perform pg_notify('wake', old.id::text);
    perform pg_notify('wake', old.run::text) where old.run is not null;
    return null;
end $$;

create trigger conversation_deleted after delete on conversations
    for each row execute function conversation_deleted();
