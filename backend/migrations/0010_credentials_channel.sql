-- Channel `credentials`, payload: the id of a user, a credential of whom has ended. Who remembers credentials listens to
-- it. Channel `wake` gets it too, for the user's event streams. Both are sent in the transaction, unlike those of tasks:
-- sessions end rarely, and nobody may miss it.
create or replace function credential_ended() returns trigger language plpgsql as $$
begin
    perform pg_notify('wake', old.user_id::text), pg_notify('credentials', old.user_id::text);
    return null;
end $$;
