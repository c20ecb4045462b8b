//! The tools that the chat and MCP clients call.

use serde_json::{Value, json};
use sqlx::PgPool;
use todo_backend::tools::{Source, TOOLS, ToolError, Tools, find, tokens::Estimate};
use uuid::Uuid;

use crate::support::{App, Client, path, pluck, without_nulls};

/// A language model that calls tools for a user.
struct Model {
    tools: Tools,
    source: Source,
    user_id: Uuid,
}

impl Model {
    async fn new(app: &App, user: &Client) -> Self {
        let me = user.get("/api/auth/me").await.ok(200);
        let user_id = me["id"].as_str().unwrap().parse().unwrap();
        Self { tools: app.state.tools.clone(), source: Source::Chat, user_id }
    }

    /// The same model in a client of MCP.
    fn in_program(self) -> Self {
        Self { source: Source::Mcp, ..self }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Result<Value, ToolError> {
        self.tools.call(self.source, self.user_id, tool, arguments).await.unwrap()
    }

    /// The result of a call that succeeds.
    async fn ok(&self, tool: &str, arguments: Value) -> Value {
        self.call(tool, arguments).await.unwrap()
    }

    /// The error of a call that is refused.
    async fn refusal(&self, tool: &str, arguments: Value) -> Value {
        serde_json::to_value(self.call(tool, arguments).await.unwrap_err()).unwrap()
    }

    /// Asserts that the tool refuses one argument.
    async fn expect_field_error(&self, tool: &str, arguments: Value, field: &str, rule: &str) {
        let call = format!("{tool} {arguments}");
        let refusal = self.refusal(tool, arguments).await;
        assert_eq!(refusal["error"], "validation", "{call}: {refusal}");
        assert_eq!(refusal["errors"][0]["field"], field, "{call}: {refusal}");
        assert!(refusal["errors"][0]["rule"].as_str().unwrap().contains(rule), "{call}: {refusal}");
        assert!(!refusal["detail"].as_str().unwrap().is_empty(), "{refusal}");
    }
}

#[sqlx::test]
async fn tools_create_change_and_delete_a_task(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let model = Model::new(&app, &ada).await;
    let added = model.ok("add_task", json!({ "title": "  Buy milk ", "description": "2 l" })).await;
    assert_eq!((&added["task"]["title"], &added["task"]["status"]), (&json!("Buy milk"), &json!("pending")));
    assert_eq!(without_nulls(&ada.get(&path(&added["task"])).await.ok(200)), added["task"]);

    let changed = model.ok("update_task", json!({ "task": "Buy milk", "title": "Buy oat milk", "status": null })).await;
    assert_eq!((&changed["task"]["title"], &changed["task"]["description"]), (&json!("Buy oat milk"), &json!("2 l")));
    let done = model.ok("complete_task", json!({ "task": added["task"]["id"] })).await;
    assert_eq!(done["task"]["status"], "completed");
    assert_eq!(model.ok("complete_task", json!({ "task": "buy OAT milk" })).await, done);
    let reopened = model.ok("update_task", json!({ "task": "oat", "status": "pending", "description": "" })).await;
    assert_eq!(
        (&reopened["task"]["status"], &reopened["task"]["description"], &reopened["task"]["completed_at"]),
        (&json!("pending"), &json!(""), &Value::Null)
    );
    let deleted = model.ok("delete_task", json!({ "task": "Buy oat milk" })).await;
    assert_eq!(deleted, reopened);
    ada.get(&path(&added["task"])).await.problem(404, "not_found");
    assert_eq!(model.refusal("delete_task", json!({ "task": added["task"]["id"] })).await["error"], "not_found");
}

#[sqlx::test]
async fn a_list_has_pages_filters_and_counts(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let model = Model::new(&app, &ada).await;
    for number in 1..=5 {
        ada.task(&format!("task {number}")).await;
    }
    model.ok("complete_task", json!({ "task": "task 3" })).await;
    let first = model.ok("list_tasks", json!({ "limit": 3 })).await;
    assert_eq!(pluck(&first["tasks"], "title"), ["task 5", "task 4", "task 3"]);
    assert_eq!(first["counts"], json!({ "all": 5, "pending": 4, "completed": 1 }));
    let second = model.ok("list_tasks", json!({ "limit": 3, "cursor": first["next_cursor"] })).await;
    assert_eq!(pluck(&second["tasks"], "title"), ["task 2", "task 1"]);
    assert!(second.as_object().unwrap().get("next_cursor").is_none(), "{second}");
    let completed = model.ok("list_tasks", json!({ "status": "completed" })).await;
    assert_eq!(pluck(&completed["tasks"], "title"), ["task 3"]);
    assert_eq!(pluck(&model.ok("list_tasks", json!({ "q": "K 4" })).await["tasks"], "title"), ["task 4"]);
    // Models omit arguments in different ways.
    for arguments in [Value::Null, json!({}), json!({ "status": null, "q": null, "limit": null, "cursor": null })] {
        assert_eq!(model.ok("list_tasks", arguments).await["counts"]["all"], 5);
    }
}

/// Some models write every number with a fraction.
#[sqlx::test]
async fn a_whole_number_may_have_a_fraction(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    ada.task("Milk").await;
    ada.task("Eggs").await;
    let model = Model::new(&app, &ada).await;
    let page = model.ok("list_tasks", serde_json::from_str(r#"{ "limit": 1.0 }"#).unwrap()).await;
    assert_eq!(pluck(&page["tasks"], "title"), ["Eggs"]);
    model.expect_field_error("list_tasks", json!({ "limit": 1.5 }), "limit", "is not valid").await;
}

/// A result that is too long for a model ends with a whole task, and the next page begins with the one after it.
#[sqlx::test]
async fn a_long_list_loses_no_task(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let model = Model::new(&app, &ada).await;
    // A letter of many bytes, and one of many tokens.
    let descriptions = ["\u{3042}".repeat(900), "{}".repeat(450)];
    for number in 0..60 {
        let description = &descriptions[number % 2];
        let task = json!({ "title": format!("task {number}"), "description": description });
        ada.post("/api/tasks").json(&task).await.ok(201);
    }
    let (mut seen, mut arguments) = (Vec::new(), json!({ "status": "pending" }));
    loop {
        let page = model.ok("list_tasks", arguments.clone()).await;
        // What has more is cut by the chat.
        let tokens = Estimate::of(&page.to_string()).tokens();
        assert!(tokens <= 8_000, "{tokens} tokens");
        assert_eq!(page["counts"]["all"], 60);
        let tasks = page["tasks"].as_array().unwrap();
        assert!(
            !tasks.is_empty() && tasks.iter().all(|task| descriptions.iter().any(|it| task["description"] == **it))
        );
        seen.extend(pluck(&page["tasks"], "title").into_iter().map(str::to_owned));
        arguments["cursor"] = page["next_cursor"].clone();
        if arguments["cursor"].is_null() {
            break;
        }
    }
    let all: Vec<_> = (0..60).rev().map(|number| format!("task {number}")).collect();
    assert_eq!(seen, all);
}

#[sqlx::test]
async fn a_title_is_found_however_its_letters_are_composed(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let model = Model::new(&app, &ada).await;
    let decomposed = ada.task("Cafe\u{301} besuchen").await;
    let composed = ada.task("M\u{fc}sli kaufen").await;
    for (name, task) in [
        ("caf\u{e9} BESUCHEN", &decomposed),
        ("CAF\u{c9}", &decomposed),
        ("Cafe\u{301}", &decomposed),
        ("MU\u{308}SLI", &composed),
        ("m\u{fc}sli kaufen", &composed),
    ] {
        let changed = model.ok("update_task", json!({ "task": name, "description": name })).await;
        assert_eq!(changed["task"]["id"], task["id"], "{name}");
    }
}

#[sqlx::test]
async fn a_unique_title_identifies_a_task(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let model = Model::new(&app, &ada).await;
    let milk = ada.task("Milk").await;
    ada.task("Milk for the cat").await;
    let eggs = ada.task("Eggs 100%").await;
    for (name, task) in [("milk", &milk), (" MILK ", &milk), ("eggs", &eggs), ("0%", &eggs)] {
        let changed = model.ok("update_task", json!({ "task": name, "description": name })).await;
        assert_eq!(changed["task"]["id"], task["id"], "{name}");
    }
    // Titles are compared without wildcards.
    for name in ["M_lk", "100%%", "nothing like it", "018f0000-0000-7000-8000-000000000000"] {
        let refusal = model.refusal("complete_task", json!({ "task": name })).await;
        assert_eq!(
            (&refusal["error"], &refusal["errors"][0]["field"]),
            (&json!("not_found"), &json!("task")),
            "{name}"
        );
    }
    let refusal = model.refusal("delete_task", json!({ "task": "mil" })).await;
    assert_eq!(refusal["error"], "ambiguous");
    assert_eq!(pluck(&refusal["candidates"], "title"), ["Milk for the cat", "Milk"]);
    assert_eq!(refusal["candidates"][1], json!({ "id": milk["id"], "title": "Milk", "status": "pending" }));
    assert_eq!(model.ok("list_tasks", json!({})).await["counts"]["all"], 3);
}

#[sqlx::test]
async fn a_shared_title_identifies_the_only_task_that_can_change(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let model = Model::new(&app, &ada).await;
    let (old, new) = (ada.task("Water plants").await, ada.task("Water plants").await);
    let plants = json!({ "task": "water plants" });
    assert_eq!(model.refusal("complete_task", plants.clone()).await["error"], "ambiguous");
    model.ok("complete_task", json!({ "task": old["id"] })).await;
    assert_eq!(model.ok("complete_task", plants.clone()).await["task"]["id"], new["id"]);
    let refusal = model.refusal("complete_task", plants.clone()).await;
    assert_eq!(pluck(&refusal["candidates"], "status"), ["completed", "completed"]);

    model.ok("update_task", json!({ "task": new["id"], "status": "pending" })).await;
    let reopened = model.ok("update_task", json!({ "task": "plants", "status": "pending" })).await;
    assert_eq!(reopened["task"]["id"], old["id"]);
    model.ok("complete_task", json!({ "task": old["id"] })).await;
    // A deletion cannot be undone by a tool, so the task must be unambiguous.
    assert_eq!(model.refusal("delete_task", plants).await["error"], "ambiguous");
}

#[sqlx::test]
async fn an_ambiguous_title_lists_at_most_ten_candidates(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    for number in 0..12 {
        ada.task(&format!("call {number}")).await;
    }
    let refusal = Model::new(&app, &ada).await.refusal("complete_task", json!({ "task": "call" })).await;
    assert_eq!(refusal["candidates"].as_array().unwrap().len(), 10);
}

#[sqlx::test]
async fn a_title_that_looks_like_an_id_is_found(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let title = "018f0000-0000-7000-8000-000000000000";
    let task = ada.task(title).await;
    let done = Model::new(&app, &ada).await.ok("complete_task", json!({ "task": title })).await;
    assert_eq!(done["task"]["id"], task["id"]);
}

#[sqlx::test]
async fn tasks_of_another_user_are_not_found(pool: PgPool) {
    let app = App::new(&pool);
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let secret = ada.task("secret plan").await;
    let model = Model::new(&app, &bob).await;
    for task in [&secret["id"], &json!("secret plan")] {
        for (tool, arguments) in [
            ("complete_task", json!({ "task": task })),
            ("update_task", json!({ "task": task, "title": "found" })),
            ("delete_task", json!({ "task": task })),
        ] {
            let refusal = model.refusal(tool, arguments).await;
            assert_eq!(refusal["error"], "not_found", "{tool}");
            assert_eq!(refusal["candidates"], Value::Null);
        }
    }
    assert_eq!(model.ok("list_tasks", json!({})).await["tasks"], json!([]));
    model.expect_field_error("list_tasks", json!({ "user_id": secret["id"] }), "user_id", "is not a known field").await;
    assert_eq!(ada.get(&path(&secret)).await.ok(200), secret);
}

#[sqlx::test]
async fn invalid_arguments_are_refused_by_field(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let task = ada.task("Milk").await;
    let model = Model::new(&app, &ada).await;
    let title = "must be 1 to 200 characters";
    for (tool, arguments, field, rule) in [
        ("add_task", json!({}), "title", "is required"),
        ("add_task", Value::Null, "title", "is required"),
        ("add_task", json!(["Milk"]), "arguments", "must be a JSON object"),
        ("add_task", json!("Milk"), "arguments", "must be a JSON object"),
        ("add_task", json!({ "title": " " }), "title", title),
        ("add_task", json!({ "title": 7 }), "title", "is not valid"),
        ("add_task", json!({ "title": "é".repeat(201) }), "title", title),
        ("add_task", json!({ "title": "a\u{0}b" }), "title", "control characters"),
        ("add_task", json!({ "title": "a\nb" }), "title", "line breaks"),
        ("add_task", json!({ "title": "a", "description": "\u{0}" }), "description", "NUL"),
        ("add_task", json!({ "title": "a", "description": "d".repeat(1001) }), "description", "at most 1000"),
        ("add_task", json!({ "title": "a", "priority": "high" }), "priority", "is not a known field"),
        ("list_tasks", json!({ "status": "open" }), "status", "is not valid"),
        ("list_tasks", json!({ "limit": 0 }), "limit", "must be 1 to 200"),
        ("list_tasks", json!({ "limit": 201 }), "limit", "must be 1 to 200"),
        ("list_tasks", json!({ "limit": "ten" }), "limit", "is not valid"),
        ("list_tasks", json!({ "cursor": "nonsense" }), "cursor", "next_cursor"),
        ("list_tasks", json!({ "q": "\u{0}" }), "q", "NUL"),
        ("list_tasks", json!({ "q": "q".repeat(201) }), "q", "at most 200"),
        ("complete_task", json!({}), "task", "is required"),
        ("complete_task", json!({ "task": " " }), "task", "1 to 200"),
        ("complete_task", json!({ "task": null }), "task", "is not valid"),
        ("complete_task", json!({ "task": "a\u{0}" }), "task", "NUL"),
        ("complete_task", json!({ "task": "a".repeat(201) }), "task", "1 to 200"),
        ("update_task", json!({ "task": task["id"] }), "arguments", "at least one of"),
        ("update_task", json!({ "task": task["id"], "title": "" }), "title", title),
        ("update_task", json!({ "task": task["id"], "status": "gone" }), "status", "is not valid"),
        ("update_task", json!({ "task": "", "title": "a" }), "task", "1 to 200"),
        ("delete_task", json!({ "task": "" }), "task", "1 to 200"),
        ("delete_task", json!({ "task": task["id"], "confirmed": true }), "confirmed", "is not a known field"),
    ] {
        model.expect_field_error(tool, arguments, field, rule).await;
    }
    let refusal = model.refusal("drop_tables", json!({})).await;
    assert_eq!(refusal["error"], "unknown_tool");
    assert!(refusal["detail"].as_str().unwrap().contains("add_task, list_tasks"), "{refusal}");
    assert_eq!(ada.get(&path(&task)).await.ok(200), task);
}

#[sqlx::test]
async fn calls_are_counted_by_tool_result_and_source(pool: PgPool) {
    let app = App::new(&pool);
    let model = Model::new(&app, &app.user("ada").await).await;
    model.ok("add_task", json!({ "title": "Milk" })).await;
    model.refusal("add_task", json!({})).await;
    model.refusal("invented 1", json!({})).await;
    model.refusal("invented 2", json!({})).await;
    pool.close().await;
    model.tools.call(Source::Mcp, model.user_id, "list_tasks", json!({})).await.unwrap_err();
    let metrics = app.metrics().await;
    for line in [
        r#"tool_calls_total{result="ok",source="chat",tool="add_task"} 1"#,
        r#"tool_calls_total{result="validation",source="chat",tool="add_task"} 1"#,
        r#"tool_calls_total{result="unknown_tool",source="chat",tool="unknown"} 2"#,
        r#"tool_calls_total{result="failed",source="mcp",tool="list_tasks"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
}

#[sqlx::test]
async fn many_tasks_are_changed_in_one_call(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let model = Model::new(&app, &ada).await.in_program();
    let tasks: Vec<_> = (1..=50).map(|number| json!({ "title": format!("task {number:02}") })).collect();
    let added = model.ok("add_tasks", json!({ "tasks": tasks })).await;
    assert_eq!((added["tasks"].as_array().unwrap().len(), ada.task_count().await), (50, 50));
    let named = json!({ "tasks": ["TASK 02", added["tasks"][0]["id"], "03"] });
    let done = model.ok("complete_tasks", named.clone()).await;
    assert_eq!(pluck(&done["tasks"], "title"), ["task 01", "task 02", "task 03"]);
    assert_eq!(pluck(&done["tasks"], "status"), ["completed"; 3]);
    assert_eq!(model.ok("complete_tasks", named).await, done);
    let changes = json!([{ "task": "task 04", "title": "Four" }, { "task": "task 01", "status": "pending" }]);
    let changed = model.ok("update_tasks", json!({ "tasks": changes })).await;
    assert_eq!(pluck(&changed["tasks"], "title"), ["task 01", "Four"]);
    assert_eq!(pluck(&changed["tasks"], "status"), ["pending"; 2]);
    let deleted = model.ok("delete_tasks", json!({ "tasks": ["Four", "task 01"] })).await;
    assert_eq!(deleted, changed);
    assert_eq!(ada.task_count().await, 48);
    // The chat confirms each change of its own.
    let refusal = Model::new(&app, &ada).await.refusal("delete_tasks", json!({ "tasks": ["task 05"] })).await;
    assert_eq!(refusal["error"], "unknown_tool");
}

#[sqlx::test]
async fn many_tasks_are_changed_or_none(pool: PgPool) {
    let app = App::new(&pool);
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let foreign = bob.task("Bob's").await;
    for title in ["Milk", "Eggs", "Call Al", "Call Bo"] {
        ada.task(title).await;
    }
    let before = ada.get("/api/tasks").await.ok(200);
    let model = Model::new(&app, &ada).await.in_program();
    let many: Vec<_> = (0..51).map(|_| "Milk").collect();
    for (tool, tasks, error, field) in [
        ("add_tasks", json!([]), "validation", "tasks"),
        ("complete_tasks", json!([]), "validation", "tasks"),
        ("delete_tasks", json!([]), "validation", "tasks"),
        ("update_tasks", json!([]), "validation", "tasks"),
        ("delete_tasks", json!(many), "validation", "tasks"),
        ("add_tasks", json!([{ "title": "Tea" }, { "title": " " }]), "validation", "tasks[1].title"),
        ("add_tasks", json!([{ "title": "Tea" }, { "titel": "x" }]), "validation", "tasks[1].titel"),
        ("delete_tasks", json!(["Milk", " "]), "validation", "tasks[1]"),
        ("delete_tasks", json!(["Milk", "milk"]), "validation", "tasks[1]"),
        ("delete_tasks", json!(["Milk", "Bread"]), "not_found", "tasks[1]"),
        ("complete_tasks", json!(["Milk", foreign["id"]]), "not_found", "tasks[1]"),
        (
            "update_tasks",
            json!([{ "task": "Milk", "title": "Oat" }, { "task": "Eggs" }]),
            "validation",
            "tasks[1].arguments",
        ),
        (
            "update_tasks",
            json!([{ "task": "Milk", "title": "Oat" }, { "task": "Bread", "title": "x" }]),
            "not_found",
            "tasks[1].task",
        ),
    ] {
        let refusal = model.refusal(tool, json!({ "tasks": tasks })).await;
        assert_eq!(
            (&refusal["error"], &refusal["errors"][0]["field"]),
            (&json!(error), &json!(field)),
            "{tool} {tasks}"
        );
    }
    let refusal = model.refusal("delete_tasks", json!({ "tasks": ["Milk", "call"] })).await;
    assert_eq!(refusal["error"], "ambiguous", "{refusal}");
    assert!(refusal["detail"].as_str().unwrap().contains("tasks[1]"), "{refusal}");
    model.expect_field_error("delete_tasks", json!({}), "tasks", "is required").await;
    assert_eq!(ada.get("/api/tasks").await.ok(200), before);
}

/// Models choose tools by these texts, so a change of them has to be reviewed.
#[test]
fn tool_definitions() {
    let definitions = Source::Mcp.tools().map(|tool| {
        json!({
            "name": tool.name, "title": tool.title, "description": tool.description,
            "input": (tool.input)(), "output": (tool.output)(),
            "read_only": tool.read_only, "destructive": tool.destructive, "idempotent": tool.idempotent,
        })
    });
    insta::assert_json_snapshot!(definitions.collect::<Vec<_>>());
    assert!(TOOLS.iter().all(|tool| find(tool.name).is_some()) && find("").is_none());
    assert_eq!(Source::Chat.tools().count(), TOOLS.len());
}
