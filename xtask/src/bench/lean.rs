//! The leanest statements that give what the API answers, for pgbench.

const COLUMNS: &str = "id, title, description, status, created_at, updated_at, completed_at, version";
/// The title of a created task.
pub const TITLE: &str = "Buy milk";

/// The newest tasks of a user and their number by status: those of a page of 50, and one to know whether there are more.
pub fn list(user: &str) -> String {
    let order = "order by created_at desc, id desc limit 51";
    let of_status = |status| {
        format!(
            "(select {COLUMNS} from tasks where user_id = '{user}' and deleted_at is null and status = '{status}' {order})"
        )
    };
    format!(
        "select * from (select pending_count, completed_count from users where id = '{user}') as counts \
         left join ({} union all {} {order}) as page on true;\n",
        of_status("pending"),
        of_status("completed")
    )
}

/// An id of a task that was created at a time, as an expression. Such ids grow with time, as those of the application do,
/// so that inserts hit the same pages of the index.
pub fn id_at(time: &str) -> String {
    format!(
        "(lpad(to_hex((extract(epoch from {time}) * 1000)::bigint), 12, '0') || substr(md5(random()::text), 13))::uuid"
    )
}

/// A new task. `user` is an expression.
pub fn create(table: &str, user: &str) -> String {
    format!(
        "insert into {table} (id, user_id, title, description) values ({}, {user}, '{TITLE}', '') \
         returning {COLUMNS};\n",
        id_at("clock_timestamp()")
    )
}
