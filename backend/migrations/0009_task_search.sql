-- Finds texts of three letters or more without reading all of a user's tasks. Its extensions belong to PostgreSQL, but
-- a server may lack them, or not allow them. A search then reads all of the user's tasks.
do $$
begin
    create extension if not exists pg_trgm;
    create extension if not exists btree_gin;
    create index tasks_by_text on tasks using gin (user_id, search_text gin_trgm_ops) where deleted_at is null;
exception when insufficient_privilege or undefined_file or feature_not_supported or undefined_object then
    raise warning 'a search reads all tasks of a user, because the extensions pg_trgm and btree_gin cannot be created: %',
        sqlerrm;
end $$;
