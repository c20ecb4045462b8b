//! Export and import.

use std::{convert::Infallible, future::IntoFuture};

use axum::body::{Body, Bytes};
use futures_util::{TryStreamExt, stream::poll_fn};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::mpsc::channel;

use crate::support::{App, Call, Client, path, pluck};

const FIELDS: [&str; 6] = ["title", "description", "status", "created_at", "updated_at", "completed_at"];

fn import_csv(client: &Client, file: &str) -> Call {
    client.post("/api/tasks/import").body("text/csv", file.to_owned())
}

fn import_json(client: &Client, file: &Value) -> Call {
    client.post("/api/tasks/import").json(file)
}

/// The exported tasks without their ids, since an import creates new ones.
async fn exported_tasks(client: &Client) -> Vec<Value> {
    let file = client.get("/api/tasks/export").await.ok(200);
    let tasks = file.as_array().unwrap().iter();
    tasks.map(|task| FIELDS.iter().map(|field| ((*field).to_owned(), task[field].clone())).collect()).collect()
}

/// The errors of a refused import, each as "line field rule".
async fn validation_errors(call: Call) -> Vec<String> {
    let problem = call.await.problem(422, "validation");
    let errors = problem["errors"].as_array().unwrap().iter();
    errors
        .map(|error| {
            format!("{} {} {}", error["line"], error["field"].as_str().unwrap(), error["rule"].as_str().unwrap())
        })
        .collect()
}

/// Asserts that an import is refused with errors that start with the expected ones.
async fn assert_validation_errors(import: Call, expected: &[&str]) {
    let errors = validation_errors(import).await;
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "{error}\n{expected}");
    }
}

#[sqlx::test]
async fn an_export_is_a_download_of_the_users_own_tasks(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let task = ada.task("a").await;
    ada.delete(&path(&ada.task("deleted").await)).await.ok(204);

    let reply = ada.get("/api/tasks/export").await;
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"tasks.json\"");
    let mut expected = task.clone();
    expected.as_object_mut().unwrap().remove("version");
    assert_eq!(reply.ok(200), json!([expected]));

    let reply = ada.get("/api/tasks/export?format=csv").await;
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"tasks.csv\"");
    let time = task["created_at"].as_str().unwrap();
    let line = format!("{},a,,pending,{time},{time},", task["id"].as_str().unwrap());
    let lines: Vec<_> = reply.text().lines().collect();
    assert_eq!(lines, ["id,title,description,status,created_at,updated_at,completed_at", &line]);
}

#[sqlx::test]
async fn an_export_without_tasks_is_empty(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    assert_eq!(ada.get("/api/tasks/export?format=json").await.ok(200), json!([]));
    let csv = ada.get("/api/tasks/export?format=csv").await;
    assert_eq!(csv.text().lines().count(), 1);
    assert_eq!(import_csv(&ada, csv.text()).await.ok(201), json!({ "imported": 0 }));
    assert_eq!(import_json(&ada, &json!([])).await.ok(201), json!({ "imported": 0 }));
}

/// The tasks need several pages, and have texts that need quoting or escaping.
#[sqlx::test]
async fn an_export_can_be_imported(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let titles =
        ["\"quoted\", 'single'", "comma, semicolon;", "🦀 名前 é", "=1+1", "\\n", "null", "12", "true", "a\u{feff}b"];
    let descriptions = ["", "two\nlines", "\r\n\"a\",\n\n", " space "];
    let file = (0..1201).map(|number| {
        json!({
            "title": titles.get(number).map_or_else(|| format!("task {number}"), ToString::to_string),
            "description": descriptions[number % 4],
            "status": if number % 2 == 0 { "pending" } else { "completed" },
            "created_at": format!("2026-02-{:02}T10:{:02}:00.123456+02:00", 1 + number % 28, number % 60),
        })
    });
    import_json(&ada, &file.collect()).await.ok(201);
    let exported = exported_tasks(&ada).await;
    assert_eq!(exported.len(), 1201);
    assert_eq!(exported[0]["title"], titles[0]);
    assert_eq!(exported[0]["created_at"], "2026-02-01T08:00:00.123456Z");

    for (format, content_type) in [("json", "application/json"), ("csv", "text/csv; charset=utf-8")] {
        let file = ada.get(&format!("/api/tasks/export?format={format}")).await;
        let other = app.user(format).await;
        let import = other.post("/api/tasks/import").body(content_type, file.body);
        assert_eq!(import.await.ok(201), json!({ "imported": 1201 }));
        assert_eq!(exported_tasks(&other).await, exported, "{format}");
    }
}

/// The number of tasks is a multiple of the page size.
#[sqlx::test]
async fn an_export_of_full_pages_is_complete(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let file: Vec<Value> = (0..500).map(|number| json!({ "title": format!("{number}") })).collect();
    import_json(&ada, &file.into()).await.ok(201);
    assert_eq!(exported_tasks(&ada).await.len(), 500);
    assert_eq!(ada.get("/api/tasks/export?format=csv").await.text().lines().count(), 501);
}

/// A client that reads slowly costs the memory of one part.
#[sqlx::test]
async fn an_export_is_read_in_small_parts(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let task = json!({ "title": "a", "description": "é".repeat(1000) });
    import_json(&ada, &vec![task; 200].into()).await.ok(201);
    for format in ["json", "csv"] {
        let export = ada.get(&format!("/api/tasks/export?format={format}")).open().await;
        let parts: Vec<Bytes> = export.into_body().into_data_stream().try_collect().await.unwrap();
        let largest = parts.iter().map(Bytes::len).max().unwrap();
        assert!(largest < 80 * 1024, "{largest} bytes of {format}");
    }
}

#[sqlx::test]
async fn missing_columns_and_cells_get_defaults(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    // Spreadsheets write a byte order mark and CRLF, and the columns can be in any order.
    let file = "\u{feff}status, title ,description\r\ncompleted,  a  ,\r\n,b,text\r\n";
    assert_eq!(import_csv(&ada, file).await.ok(201), json!({ "imported": 2 }));
    let page = ada.get("/api/tasks?sort=title").await.ok(200);
    assert_eq!(pluck(&page["tasks"], "title"), ["a", "b"]);
    assert_eq!(pluck(&page["tasks"], "description"), ["", "text"]);
    assert_eq!(pluck(&page["tasks"], "status"), ["completed", "pending"]);
    assert!(page["tasks"][0]["completed_at"].is_string());
    assert_eq!(page["tasks"][0]["version"], 1);
}

#[sqlx::test]
async fn ids_in_a_file_are_ignored(pool: PgPool) {
    let app = App::new(&pool);
    let [ada, eve] = [app.user("ada").await, app.user("eve").await];
    let task = ada.task("ada's").await;
    for importer in [&ada, &eve] {
        import_json(importer, &json!([{ "id": task["id"], "title": "copy" }])).await.ok(201);
    }
    assert_eq!(ada.get(&path(&task)).await.ok(200), task);
    assert_eq!((ada.task_count().await, eve.task_count().await), (2, 1));
}

#[sqlx::test]
async fn invalid_csv_lines_are_reported_and_nothing_is_stored(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let file = "title,description,status,created_at,completed_at\n\
                good,,,,\n\
                ,no title,,,\n\
                \"two\nlines\",,,,\n\
                good,,done,,\n\
                good,,,yesterday,\n\
                good,,pending,,2026-01-01T00:00:00Z\n\
                good,,,1969-12-31T23:59:59Z,\n\
                good,,,9999-12-31T23:59:59-01:00,\n";
    let import = import_csv(&ada, file);
    let expected = [
        "3 title is required",
        "4 title must not contain line breaks or other control characters",
        "6 status is not valid: unknown variant `done`, expected `pending` or `completed`",
        "7 created_at is not valid",
        "8 completed_at must be absent for a pending task",
        "9 created_at must be a year from 1970 to 9999",
        "10 created_at must be a year from 1970 to 9999",
    ];
    assert_validation_errors(import, &expected).await;
    assert_eq!(ada.task_count().await, 0);
}

#[sqlx::test]
async fn invalid_json_entries_are_reported_and_nothing_is_stored(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let file = json!([
        { "title": "good" },
        {},
        { "title": 1 },
        { "title": "a", "color": "red" },
        { "title": "", "description": "x".repeat(1001) },
        ["a", "b"],
        null,
        { "title": "a", "status": null, "updated_at": null, "completed_at": "2026-01-01" },
        { "title": "a\u{0}" },
    ]);
    let import = import_json(&ada, &file);
    let expected = [
        "2 title is required",
        "3 title is not valid: invalid type: integer `1`, expected a string",
        "4 color is not a known field",
        "5 title must be 1 to 200 characters",
        "5 description must be at most 1000 characters",
        "6 body must be a JSON object",
        "7 body must be a JSON object",
        "8 completed_at is not valid",
        "9 title must not contain",
    ];
    assert_validation_errors(import, &expected).await;
    assert_eq!(ada.task_count().await, 0);
}

/// Each is an error of its line: the other lines are checked as well.
#[sqlx::test]
async fn odd_json_entries_are_reported_by_line(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let import = |entry: &str| {
        let file = format!(r#"[{{"title":"good"}},{entry},{{}}]"#);
        ada.post("/api/tasks/import").body("application/json", file)
    };
    let longest = format!(r#"{{"title":"{}"}}"#, "x".repeat(64 * 1024 - 12));
    let too_long = format!(r#"{{"title":"{}"}}"#, "x".repeat(64 * 1024 - 11));
    let nested = format!(r#"{{"title":{}"a"{}}}"#, "[".repeat(1000), "]".repeat(1000));
    let unknown = format!(r#"{{"{}":1}}"#, "é".repeat(1000));
    let unknown_error = format!("2 {}… is not a known field", "é".repeat(100));
    for (entry, expected) in [
        (r#"{"title":"\ud800"}"#, "2 body is not valid JSON: unexpected end of hex escape"),
        (r#"{"title":"\u0000"}"#, "2 title must not contain line breaks or other control characters"),
        (r#"{"title":"a","description":"\u0000"}"#, "2 description must not contain the NUL character"),
        (r#"{"title":1e999}"#, "2 body is not valid JSON: number out of range"),
        (r#"{"title":123456789012345678901234567890}"#, "2 title is not valid: invalid type: floating point"),
        (&longest, "2 title must be 1 to 200 characters"),
        (&too_long, "2 body must be at most 65536 bytes"),
        (&nested, "2 body is not valid JSON: recursion limit exceeded"),
        (&unknown, &unknown_error),
        ("[[[]]]", "2 body must be a JSON object"),
    ] {
        assert_validation_errors(import(entry), &[expected, "3 title is required"]).await;
    }
    assert_eq!(ada.task_count().await, 0);
}

#[sqlx::test]
async fn a_long_csv_line_is_refused(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let columns = format!("title{}\n", ",x".repeat(64 * 1024));
    assert_validation_errors(import_csv(&ada, &columns), &["1 line must be at most 65536 bytes"]).await;
    // Space around a title does not count.
    let cell = |length: usize| format!("title\na\n{}\nb\n", "b".to_owned() + &" ".repeat(length - 1));
    import_csv(&ada, &cell(60_000)).await.ok(201);
    assert_validation_errors(import_csv(&ada, &cell(100_000)), &["3 line must be at most 65536 bytes"]).await;
    assert_eq!(ada.task_count().await, 3);
}

#[sqlx::test]
async fn a_user_imports_one_file_at_a_time(pool: PgPool) {
    let app = App::new(&pool);
    let [ada, eve, ian] = [app.user("ada").await, app.user("eve").await, app.user("ian").await];
    let mut files = Vec::new();
    for client in [&ada, &eve] {
        let (sender, mut receiver) = channel::<Result<_, Infallible>>(1);
        let body = Body::from_stream(poll_fn(move |context| receiver.poll_recv(context)));
        let import = tokio::spawn(client.post("/api/tasks/import").body("text/csv", body).into_future());
        // The second part fits in the channel when the import reads the first.
        for part in ["title\n", "a\n"] {
            sender.send(Ok(Bytes::from(part))).await.unwrap();
        }
        files.push((sender, import));
        if files.len() == 1 {
            let refused = import_csv(&ada, "title\n").await;
            refused.problem(429, "too_many_at_a_time");
            assert_eq!(refused.header("retry-after"), "2");
            import_csv(&eve, "title\n").await.ok(201);
        }
    }
    import_csv(&ian, "title\n").await.problem(503, "overloaded");
    for (sender, import) in files {
        drop(sender);
        import.await.unwrap().ok(201);
    }
    import_csv(&ian, "title\n").await.ok(201);
}

#[sqlx::test]
async fn a_malformed_file_is_refused(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    import_json(&ada, &json!({ "title": "a" })).await.expect_field_error("body", "must be an array of tasks");
    for broken in ["", "[", "[{\"title\":\"a\"}", "title\na", "[{\"title\":\"a\"}] x"] {
        ada.post("/api/tasks/import").body("application/json", broken).await.problem(400, "bad_request");
    }
    let line =
        async |file: &[u8]| validation_errors(ada.post("/api/tasks/import").body("text/csv", file.to_vec())).await;
    assert_eq!(line(b"title,status\na,pending\nb\n").await, ["3 line has 1 cells where the header has 2"]);
    assert_eq!(line(b"title\na\n\xff\n").await, ["3 line must be UTF-8 text"]);
    assert_eq!(line(b"\xff\na\n").await, ["1 line must be UTF-8 text"]);
    assert_eq!(line(b"name\na\n").await, ["1 title is missing among the columns"]);
    assert_eq!(line(b"title,name\na,b\n").await, ["2 name is not a known field"]);
    assert_eq!(line(b"title,title\na,b\n").await, ["1 title must be given once"]);
    assert_eq!(ada.task_count().await, 0);
}

#[sqlx::test]
async fn a_file_of_20000_tasks_is_accepted_and_a_longer_one_refused(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let file = |tasks: usize| format!("title\n{}", "x\n".repeat(tasks));
    import_csv(&ada, &file(20_001)).await.expect_field_error("body", "must hold at most 20000 tasks");
    assert_eq!(import_csv(&ada, &file(20_000)).await.ok(201), json!({ "imported": 20_000 }));

    let wrong = format!("title\n{}", format!("{}\n", "x".repeat(201)).repeat(150));
    assert_eq!(validation_errors(import_csv(&ada, &wrong)).await.len(), 100);
}
