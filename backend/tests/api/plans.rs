//! What a list costs the database: how it is read, and in how many statements.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool, Row, postgres::PgPoolOptions};
use todo_backend::db::Database;
use uuid::Uuid;

use crate::support::{App, Client};

const SORTS: [&str; 6] = ["-created", "created", "-updated", "updated", "title", "-title"];
const STATUSES: [&str; 3] = ["all", "pending", "completed"];
/// Tasks of each user: so many that reading all of them is never the cheapest plan.
const TASKS: i32 = 4000;
/// Rows that one page reads: one more than it shows.
const PAGE_ROWS: f64 = 51.0;

/// A replica with a single connection, which plans each statement for all values of its parameters, as PostgreSQL does
/// for one that is used often.
async fn app_with_one_connection(pool: &PgPool) -> (App, PgPool) {
    let options = pool.connect_options().as_ref().clone().options([("plan_cache_mode", "force_generic_plan")]);
    let one = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await.unwrap();
    (App::with_database(Database::from_pool(one.clone(), options), &[]), one)
}

/// Gives two of many users tasks, so that statistics do not say that all rows are those of one.
async fn fill(pool: &PgPool, app: &App) -> Client {
    let ada = app.user("ada").await;
    app.user("bea").await;
    sqlx::query(
        "insert into tasks (id, user_id, title, description, created_at, updated_at, completed_at)
         select gen_random_uuid(), users.id, 'Task ' || md5(number::text), 'needle' || number, moment,
           moment + make_interval(secs => number % 1000), case when number % 3 = 0 then moment end
         from users, generate_series(1, $1) number, lateral (select now() - make_interval(secs => number) as moment) t",
    )
    .bind(TASKS)
    .execute(pool)
    .await
    .unwrap();
    sqlx::query(
        "insert into users (id, email, password_hash)
         select gen_random_uuid(), number || '@example.com', '' from generate_series(1, 1000) number",
    )
    .execute(pool)
    .await
    .unwrap();
    sqlx::query("vacuum analyze").execute(pool).await.unwrap();
    ada
}

/// The plans of the statements that the connection has prepared and whose text has `part`, as they were executed with
/// these arguments.
async fn plans(pool: &PgPool, part: &str, arguments: &str) -> Vec<Value> {
    let mut connection = pool.acquire().await.unwrap();
    let names: Vec<String> =
        sqlx::query_scalar("select name from pg_prepared_statements where strpos(statement, $1) > 0")
            .bind(part)
            .fetch_all(&mut *connection)
            .await
            .unwrap();
    let mut plans = Vec::new();
    for name in names {
        let explain = format!("explain (analyze, format json) execute {name}({arguments})");
        let row = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut *connection).await.unwrap();
        plans.push(row.get::<Value, _>(0)[0]["Plan"].clone());
    }
    plans
}

/// Every node of a plan.
fn nodes(plan: &Value) -> Vec<&Value> {
    let children = plan["Plans"].as_array().into_iter().flatten();
    std::iter::once(plan).chain(children.flat_map(nodes)).collect()
}

fn rows_read(node: &Value) -> f64 {
    let number = |field: &str| node[field].as_f64().unwrap_or_default();
    (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops")
}

/// No list sorts or reads more than the tasks of its page, at whatever place and however many tasks there are.
#[sqlx::test]
async fn a_list_reads_only_its_page(pool: PgPool) {
    let (app, one) = app_with_one_connection(&pool).await;
    let ada = fill(&pool, &app).await;
    let id = ada.get("/api/auth/me").await.ok(200)["id"].as_str().unwrap().to_owned();
    for sort in SORTS {
        for status in STATUSES {
            let page = ada.get(&format!("/api/tasks?sort={sort}&status={status}")).await.ok(200);
            assert_eq!(page["tasks"].as_array().unwrap().len(), 50);
            let pending = TASKS - TASKS / 3;
            assert_eq!(page["counts"], json!({ "all": TASKS, "pending": pending, "completed": TASKS / 3 }));
        }
    }
    // From the first place, and from one in the middle.
    for (time, title) in [("null", "null"), ("now() - interval '2000 seconds'", "'task 8'")] {
        for (pending, completed) in [(true, true), (true, false), (false, true)] {
            let mut checked = 0;
            for (key, value) in [("created_at", time), ("updated_at", time), ("title_key", title)] {
                for direction in ["asc", "desc"] {
                    let order = format!("order by {key} {direction}, id {direction} limit");
                    let place = if direction == "asc" { Uuid::nil() } else { Uuid::max() };
                    let arguments = format!("'{id}', {value}, '{place}', {PAGE_ROWS}, {pending}, {completed}");
                    for plan in plans(&one, &order, &arguments).await {
                        checked += 1;
                        assert_reads_a_page(&plan);
                    }
                }
            }
            assert_eq!(checked, SORTS.len());
        }
    }
}

fn assert_reads_a_page(plan: &Value) {
    assert!(rows_read(plan) >= PAGE_ROWS, "{plan:#}");
    for node in nodes(plan) {
        assert!(node["Node Type"] != "Seq Scan" && rows_read(node) <= PAGE_ROWS, "{plan:#}");
    }
}

#[sqlx::test]
async fn a_search_reads_only_the_tasks_that_it_finds(pool: PgPool) {
    let (app, one) = app_with_one_connection(&pool).await;
    let ada = fill(&pool, &app).await;
    let id = ada.get("/api/auth/me").await.ok(200)["id"].as_str().unwrap().to_owned();
    let page = ada.get("/api/tasks?q=NEEDLE3999").await.ok(200);
    assert_eq!(page["counts"]["all"], 1);
    let arguments = format!("'{id}', null, '{}', {PAGE_ROWS}, null, '%needle3999%'", Uuid::max());
    let found = plans(&one, "with found as materialized", &arguments).await;
    assert_eq!(found.len(), 1);
    assert!(nodes(&found[0]).iter().all(|node| rows_read(node) <= 10.0), "{:#}", found[0]);

    // For what has no three letters in a row, PostgreSQL would read all of the index, and all tasks too.
    let page = ada.get("/api/tasks?q=NE-ED").await.ok(200);
    assert_eq!(page["counts"]["all"], 0);
    let arguments = format!("'{id}', null, '{}', {PAGE_ROWS}, null, '%ne-ed%'", Uuid::max());
    let read = plans(&one, "is true", &arguments).await;
    assert_eq!(read.len(), 1);
    let condition = |node: &Value| node["Index Cond"].as_str().unwrap_or_default().to_owned();
    assert!(nodes(&read[0]).iter().all(|node| !condition(node).contains("search_text")), "{:#}", read[0]);
}

#[sqlx::test]
async fn an_export_reads_each_task_once(pool: PgPool) {
    let (app, one) = app_with_one_connection(&pool).await;
    let ada = fill(&pool, &app).await;
    let id = ada.get("/api/auth/me").await.ok(200)["id"].as_str().unwrap().to_owned();
    assert_eq!(ada.get("/api/tasks/export").await.ok(200).as_array().unwrap().len(), usize::try_from(TASKS).unwrap());
    let plans = plans(&one, "over (order by id)", &format!("'{id}', '{}', 500, 65536", Uuid::nil())).await;
    assert_eq!(plans.len(), 1);
    for node in nodes(&plans[0]) {
        assert!(
            node["Node Type"] != "Seq Scan" && node["Node Type"] != "Sort" && rows_read(node) <= 500.0,
            "{:#}",
            plans[0]
        );
    }
}
