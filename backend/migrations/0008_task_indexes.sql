-- What a search looks through, in one form of each letter. To make it for each task takes a search five times as long as
-- to look through it. A text of ASCII has one form, and is not looked at for others, which takes long.
alter table tasks add column search_text text collate "C" not null generated always as (
    lower(case when octet_length(title || description) = char_length(title || description)
        then title || chr(10) || description else normalize(title || chr(10) || description) end)
) stored;

-- Each order of the list is read from one index for each status, which ends after a page however many tasks there are.
-- A list of all tasks merges the two. The previous release sorts a user's tasks instead, which gives the same list.
create index tasks_by_status_and_creation on tasks (user_id, status, created_at, id) where deleted_at is null;
create index tasks_by_status_and_update on tasks (user_id, status, updated_at, id) where deleted_at is null;
create index tasks_by_status_and_title on tasks (user_id, status, title_key, id) where deleted_at is null;
drop index tasks_by_creation, tasks_by_update, tasks_by_title;

-- For exports, which read all tasks in the order of their ids, and for the deletion of an account.
create index tasks_by_user_and_id on tasks (user_id, id);
drop index tasks_by_user;

-- Rows are stored in the order of their age, so that a summary of each block is enough.
drop index task_events_by_age;
create index task_events_by_age on task_events using brin (created_at);
