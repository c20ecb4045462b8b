-- The other indexes of tasks by user leave out deleted ones. Deleting an account would read the whole table while it
-- holds the user's lock.
create index tasks_by_user on tasks (user_id);
