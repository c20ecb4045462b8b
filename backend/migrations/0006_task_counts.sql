-- How many tasks of each status a user has, so that a list need not count them. The triggers of the table keep the
-- numbers, as they keep `task_count` and `task_bytes`; unlike those, these leave out deleted tasks.
--
-- Each trigger is one statement for all rows of a change. A change costs its user one row of `task_events` and one
-- update of the row in `users`, which mostly stays in its page: see `fillfactor`.
--
-- A trigger notifies the channel `wake` only when the connection's setting `todo.notifies_after_commit` is not `on`.
-- With the setting, the program does it after its commit: a transaction with a notification makes all others of the
-- database wait for its commit.

-- Nobody may change a task between the count and the new triggers: see 0004. All locks that the rest needs are taken
-- here, so that nothing else has to give way.
do $$
begin
    set local lock_timeout = '50ms';
    loop
        begin
            lock table users in access exclusive mode;
            lock table tasks in share row exclusive mode;
            lock table task_events in access exclusive mode;
            return;
        exception when lock_not_available then
            perform pg_sleep(0.05);
        end;
    end loop;
end $$;

alter table users
    add column pending_count bigint not null default 0,
    add column completed_count bigint not null default 0;
alter table users set (fillfactor = 70);

update users set pending_count = stored.pending, completed_count = stored.completed
from (select user_id, count(*) filter (where status = 'pending') as pending,
             count(*) filter (where status = 'completed') as completed
      from tasks where deleted_at is null group by user_id) as stored
where users.id = stored.user_id;

-- The check of this foreign key would cost as much as the row of task_events, and triggers write the rows for users that
-- exist.
alter table task_events drop constraint task_events_user_id_fkey;

create function user_deleted() returns trigger language plpgsql as $$
begin
    delete from task_events where user_id = old.id;
    return null;
end $$;

create trigger user_deleted after delete on users for each row execute function user_deleted();

create function refuse_task_quota(name text, message text) returns boolean language plpgsql as $$
begin
    raise exception '%', message using errcode = 'check_violation', constraint = name;
end $$;

-- Whether a user may have what a change has added. A user who has more than a limit that was lowered can still change
-- and delete tasks.
create function is_within_task_quota(tasks bigint, added_tasks bigint, bytes bigint, added_bytes bigint)
returns boolean language sql as $$
    select case
        when added_tasks > 0 and tasks > nullif(current_setting('todo.max_tasks_per_user', true), '')::bigint
            then refuse_task_quota('max_tasks_per_user', format('a user can have at most %s tasks',
                current_setting('todo.max_tasks_per_user', true)))
        when added_bytes > 0 and bytes > nullif(current_setting('todo.max_task_bytes_per_user', true), '')::bigint
            then refuse_task_quota('max_task_bytes_per_user', format(
                'the tasks of a user can have at most %s bytes of titles and descriptions',
                current_setting('todo.max_task_bytes_per_user', true)))
        else true
    end
$$;

create or replace function tasks_inserted() returns trigger language plpgsql as $$
begin
    with added as (
        select user_id, array_agg(id order by id) as ids, count(*) as tasks,
            count(*) filter (where deleted_at is null and completed_at is null) as pending,
            count(*) filter (where deleted_at is null and completed_at is not null) as completed,
            sum(octet_length(title) + octet_length(description)) as bytes
        from new_rows group by user_id
    ), numbered as (
        update users
        set event_seq = event_seq + 1, task_count = task_count + tasks, task_bytes = task_bytes + bytes,
            pending_count = pending_count + pending, completed_count = completed_count + completed
        from added where users.id = user_id
        returning user_id, event_seq, ids, task_count, tasks, task_bytes, bytes
    )
    insert into task_events (user_id, seq, kind, task_ids)
    select user_id, event_seq, 'created', case when cardinality(ids) > 200 then '{}' else ids end
    from numbered where is_within_task_quota(task_count, tasks, task_bytes, bytes);
    if current_setting('todo.notifies_after_commit', true) is distinct from 'on' then
        perform pg_notify('wake', user_id::text) from new_rows group by user_id;
    end if;
    return null;
end $$;

-- A statement can make several kinds of change, each of which gets a number.
create or replace function tasks_updated() returns trigger language plpgsql as $$
begin
    with changed as (
        select user_id, kind, array_agg(id order by id) as ids, sum(bytes) as bytes, sum(pending) as pending,
            sum(completed) as completed, row_number() over (partition by user_id order by kind) as number
        from (
            select n.user_id, n.id,
                octet_length(n.title) + octet_length(n.description)
                    - octet_length(o.title) - octet_length(o.description) as bytes,
                (n.deleted_at is null and n.completed_at is null)::int
                    - (o.deleted_at is null and o.completed_at is null)::int as pending,
                (n.deleted_at is null and n.completed_at is not null)::int
                    - (o.deleted_at is null and o.completed_at is not null)::int as completed,
                case
                    when o.deleted_at is null and n.deleted_at is not null then 'deleted'
                    when o.deleted_at is not null and n.deleted_at is null then 'restored'
                    else 'updated'
                end as kind
            from new_rows n join old_rows o using (id)
        ) as rows
        group by user_id, kind
    ), totals as (
        select user_id, count(*) as events, sum(bytes)::bigint as bytes, sum(pending)::bigint as pending,
            sum(completed)::bigint as completed
        from changed group by user_id
    ), numbered as (
        update users
        set event_seq = event_seq + events, task_bytes = task_bytes + bytes,
            pending_count = pending_count + pending, completed_count = completed_count + completed
        from totals where users.id = user_id
        returning user_id, event_seq - events as before, task_bytes, bytes
    )
    insert into task_events (user_id, seq, kind, task_ids)
    select user_id, before + number, kind, case when cardinality(ids) > 200 then '{}' else ids end
    from numbered join changed using (user_id) where is_within_task_quota(0, 0, task_bytes, numbered.bytes);
    if current_setting('todo.notifies_after_commit', true) is distinct from 'on' then
        perform pg_notify('wake', user_id::text) from new_rows group by user_id;
    end if;
    return null;
end $$;

drop function record_task_event(uuid, text, uuid[], bigint, bigint);

-- The deletion of an account removes its tasks after its row, which is then no more there to be counted in.
create or replace function tasks_removed() returns trigger language plpgsql as $$
begin
    -- Rows are locked in the order of their ids, so that two clean-ups cannot wait for each other.
    perform from users where id in (select user_id from old_rows) order by id for no key update;
    update users
    set task_count = task_count - tasks, task_bytes = task_bytes - bytes,
        pending_count = pending_count - pending, completed_count = completed_count - completed
    from (select user_id, count(*) as tasks, sum(octet_length(title) + octet_length(description)) as bytes,
                 count(*) filter (where deleted_at is null and completed_at is null) as pending,
                 count(*) filter (where deleted_at is null and completed_at is not null) as completed
          from old_rows group by user_id) as removed
    where users.id = user_id;
    return null;
end $$;
