-- How much each user stores. Triggers keep both numbers, and refuse a change that would exceed a limit, which is the
-- connection's setting `todo.max_tasks_per_user` or `todo.max_task_bytes_per_user`. Without a setting there is none, so
-- that the previous release can go on. The lock of the user's row, which every change takes anyway, keeps concurrent
-- changes from exceeding a limit together.
--
-- A deleted task counts until the clean-up removes it. Otherwise creating and deleting would fill the disk, and taking a
-- deletion back could be refused.

-- Nobody may change a task between the count and the new triggers. A request may hold one of the tables while it waits
-- for the other, in either order, so that the migration gives way and tries again.
do $$
begin
    set local lock_timeout = '50ms';
    loop
        begin
            lock table users in access exclusive mode;
            lock table tasks in share row exclusive mode;
            return;
        exception when lock_not_available then
            -- The locks are released here.
            perform pg_sleep(0.05);
        end;
    end loop;
end $$;

alter table users
    add column task_count bigint not null default 0,
    -- Titles and descriptions, in UTF-8.
    add column task_bytes bigint not null default 0;

update users set task_count = stored.tasks, task_bytes = stored.bytes
from (select user_id, count(*) as tasks, sum(octet_length(title) + octet_length(description)) as bytes
      from tasks group by user_id) as stored
where users.id = stored.user_id;

create function record_task_event(owner uuid, kind text, ids uuid[], added_tasks bigint, added_bytes bigint)
returns void
language plpgsql as $$
declare
    next_seq bigint;
    tasks bigint;
    bytes bigint;
    max_tasks constant bigint := nullif(current_setting('todo.max_tasks_per_user', true), '');
    max_bytes constant bigint := nullif(current_setting('todo.max_task_bytes_per_user', true), '');
begin
    update users
    set event_seq = event_seq + 1, task_count = task_count + added_tasks, task_bytes = task_bytes + added_bytes
    where id = owner returning event_seq, task_count, task_bytes into next_seq, tasks, bytes;
    -- A user who has more than a limit that was lowered can still change and delete tasks.
    if added_tasks > 0 and tasks > max_tasks then
        raise exception 'a user can have at most % tasks', max_tasks
            using errcode = 'check_violation', constraint = 'max_tasks_per_user';
    end if;
    if added_bytes > 0 and bytes > max_bytes then
        raise exception 'the tasks of a user can have at most % bytes of titles and descriptions', max_bytes
            using errcode = 'check_violation', constraint = 'max_task_bytes_per_user';
    end if;
    insert into task_events (user_id, seq, kind, task_ids)
    values (owner, next_seq, kind, case when cardinality(ids) > 200 then '{}' else ids end);
    perform pg_notify('wake', owner::text);
end $$;

create or replace function tasks_inserted() returns trigger language plpgsql as $$
begin
    perform record_task_event(user_id, 'created', array_agg(id order by id), count(*),
        sum(octet_length(title) + octet_length(description)))
    from new_rows group by user_id;
    return null;
end $$;

create or replace function tasks_updated() returns trigger language plpgsql as $$
begin
    perform record_task_event(user_id, kind, array_agg(id order by id), 0, sum(added_bytes))
    from (
        select n.user_id, n.id,
            octet_length(n.title) + octet_length(n.description)
                - octet_length(o.title) - octet_length(o.description) as added_bytes,
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

drop function record_task_event(uuid, text, uuid[]);

-- The deletion of an account removes its tasks after its row, which is then no more there to be counted in.
create function tasks_removed() returns trigger language plpgsql as $$
begin
    -- Rows are locked in the order of their ids, so that two clean-ups cannot wait for each other.
    perform from users where id in (select user_id from old_rows) order by id for no key update;
    update users set task_count = task_count - removed.tasks, task_bytes = task_bytes - removed.bytes
    from (select user_id, count(*) as tasks, sum(octet_length(title) + octet_length(description)) as bytes
          from old_rows group by user_id) as removed
    where users.id = removed.user_id;
    return null;
end $$;

create trigger tasks_removed after delete on tasks
    referencing old table as old_rows for each statement execute function tasks_removed();
