-- A transaction that notifies keeps all others of the database from committing meanwhile. A connection with the setting
-- `todo.notifies_after_commit` = 'on' belongs to a process that sends the wake of a conversation's event itself, after
-- the commit. For every other one, such as that of the previous release, the function still notifies. Deleting a
-- conversation notifies in the transaction as before: it is rare, happens with an account too, and leaves no number by
-- which a stream could find out later.

create or replace function record_conversation_event(conversation uuid, name text, data json) returns bigint
language plpgsql as $$
declare
    next_seq bigint;
begin
    update conversations set event_seq = event_seq + 1 where id = conversation returning event_seq into next_seq;
    insert into conversation_events (conversation_id, seq, name, data) values (conversation, next_seq, name, data);
    if current_setting('todo.notifies_after_commit', true) is distinct from 'on' then
        perform pg_notify('wake', conversation::text);
    end if;
    return next_seq;
end $$;
