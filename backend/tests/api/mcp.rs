//! The protocol of `/mcp`. The step `mcp` of `cargo xtask test` tests it with third-party clients.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{App, Call, Client, path, without_nulls};

const HOST: &str = "localhost:8000";

/// A request with the headers that an MCP client sends.
fn send(client: &Client, body: &Value) -> Call {
    let accept = "application/json, text/event-stream";
    client.post("/mcp").header("host", HOST).header("accept", accept).json(body)
}

fn request(client: &Client, method: &str, params: &Value) -> Call {
    send(client, &json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
}

/// The result of a request that succeeds. It is JSON and not a stream.
async fn result_of(client: &Client, method: &str, params: Value) -> Value {
    let reply = request(client, method, &params).await;
    let answer = reply.ok(200);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(answer["error"], Value::Null, "{answer}");
    answer["result"].clone()
}

fn initialize(version: &str) -> Value {
    json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } })
}

#[sqlx::test]
async fn any_replica_answers_any_request(pool: PgPool) {
    let replicas = [App::new(&pool), App::new(&pool)];
    let ada = replicas[0].user("ada").await;
    let first = replicas[0].token_client(&ada).await;
    let second = first.on(&replicas[1]);
    let hello = result_of(&first, "initialize", initialize("2025-06-18")).await;
    assert_eq!((&hello["serverInfo"]["name"], &hello["protocolVersion"]), (&json!("todo"), &json!("2025-06-18")));
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(send(&second, &ready).await.status, 202);

    let added = result_of(&second, "tools/call", json!({ "name": "add_task", "arguments": { "title": "Milk" } })).await;
    let task = &added["structuredContent"]["task"];
    assert_eq!(without_nulls(&ada.get(&path(task)).await.ok(200)), *task);
    let listed = result_of(&first, "tools/call", json!({ "name": "list_tasks" })).await;
    assert_eq!(listed["structuredContent"]["tasks"], json!([task]));
}

#[sqlx::test]
async fn a_bearer_token_is_required(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    for nobody in [&app.anonymous(), &app.bearer("todo_wrong"), &ada] {
        let reply = request(nobody, "tools/list", &json!({})).await;
        reply.problem(401, "unauthorized");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
    }
    request(&app.token_client(&ada).await, "tools/list", &json!({})).await.ok(200);
}

#[sqlx::test]
async fn unlisted_hosts_and_other_origins_are_refused(pool: PgPool) {
    let app = App::with_settings(&pool, &[("MCP_ALLOWED_HOSTS", "todo-backend, todo.example:8443")]);
    let ada = app.user("ada").await;
    let ada = app.token_client(&ada).await;
    let list_tools = |host: &'static str| {
        let call = ada.post("/mcp").header("accept", "application/json, text/event-stream").header("host", host);
        call.json(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }))
    };
    for host in ["todo-backend", "todo-backend:8000", "todo.example:8443"] {
        list_tools(host).await.ok(200);
    }
    for host in ["localhost", "todo.example", "evil.example", "todo-backend.evil.example"] {
        let problem = list_tools(host).await.problem(403, "forbidden_host");
        assert!(problem["detail"].as_str().unwrap().contains("MCP_ALLOWED_HOSTS"));
    }
    list_tools("todo-backend").header("origin", "http://evil.example").await.problem(403, "forbidden_origin");
}

/// The browser asks before it sends a request of a page, without the token that the page sends.
#[sqlx::test]
async fn a_page_of_a_listed_origin_may_call(pool: PgPool) {
    let app = App::with_settings(&pool, &[("CORS_ORIGINS", "https://friend.example")]);
    let ada = app.user("ada").await;
    let ada = app.token_client(&ada).await;
    let asked = ["authorization", "content-type", "mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id"];
    let preflight = |origin| {
        let call = app.anonymous().call(Method::OPTIONS, "/mcp").header("host", HOST).header("origin", origin);
        let call = call.header("access-control-request-method", "POST");
        call.header("access-control-request-headers", &asked.join(","))
    };
    let reply = preflight("https://friend.example").await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, "https://friend.example"));
    let allowed: Vec<_> = reply.header("access-control-allow-headers").split(',').map(str::trim).collect();
    let refused: Vec<_> = asked.iter().filter(|name| !allowed.contains(name)).collect();
    assert!(refused.is_empty(), "{refused:?} are not in {allowed:?}");
    assert_eq!(preflight("https://evil.example").await.headers.get("access-control-allow-origin"), None);

    let list = request(&ada, "tools/list", &json!({})).header("sec-fetch-site", "cross-site");
    let reply = list.header("origin", "https://friend.example").header("mcp-protocol-version", "2025-06-18").await;
    reply.ok(200);
    assert_eq!(reply.header("access-control-allow-origin"), "https://friend.example");
}

#[sqlx::test]
async fn transport_errors_are_problems(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let ada = app.token_client(&ada).await;
    ada.get("/mcp").header("host", HOST).await.problem(405, "method_not_allowed");
    ada.delete("/mcp").header("host", HOST).await.problem(405, "method_not_allowed");
    let post = || ada.post("/mcp").header("host", HOST).header("accept", "application/json, text/event-stream");
    post().body("text/plain", "{}").await.problem(415, "bad_request");
    post().body("application/json", "x".repeat(64 * 1024 + 1)).await.problem(413, "payload_too_large");
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let html = ada.post("/mcp").header("host", HOST).header("accept", "text/html").json(&list);
    let problem = html.await.problem(406, "bad_request");
    assert!(problem["detail"].as_str().unwrap().contains("application/json"));
}

/// The protocol wants both media types, but every answer is JSON.
#[sqlx::test]
async fn whoever_accepts_json_is_answered(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let ada = app.token_client(&ada).await;
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    for accept in ["*/*", "application/json", "text/html, Application/*;q=0.8", "application/json; charset=utf-8"] {
        let reply = ada.post("/mcp").header("host", HOST).header("accept", accept).json(&list).await;
        assert_eq!(reply.status, 200, "{accept}: {reply:?}");
    }
    ada.post("/mcp").header("host", HOST).json(&list).await.ok(200);
}

#[sqlx::test]
async fn parameters_that_do_not_fit_are_named(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let ada = app.token_client(&ada).await;
    let info = json!({ "name": "test", "version": "1" });
    for (method, params, field) in [
        ("initialize", json!({ "capabilities": {}, "clientInfo": info }), "protocolVersion"),
        ("initialize", json!({ "protocolVersion": "2025-06-18", "capabilities": {} }), "clientInfo"),
        ("tools/call", json!({ "arguments": {} }), "name"),
        ("tools/call", json!({ "name": "list_tasks", "arguments": "{}" }), "arguments"),
        ("tools/call", json!([]), "params"),
        ("tools/call", Value::Null, "name"),
        ("resources/read", json!({}), "uri"),
        ("prompts/get", json!({ "name": 7 }), "name"),
    ] {
        let answer = request(&ada, method, &params).await.ok(200);
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32602)), "{method}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(field), "{method}: {answer}");
        assert_eq!(answer["error"]["data"]["errors"][0]["field"], field, "{method}: {answer}");
    }
    let answer = send(&ada, &json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read" })).await.ok(200);
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let answer = request(&ada, "tasks/invent", &json!({})).await.ok(200);
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
}

#[sqlx::test]
async fn a_body_that_is_no_message_is_an_error_of_the_protocol(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let ada = app.token_client(&ada).await;
    let post = |body: &str| {
        let call = ada.post("/mcp").header("host", HOST).header("accept", "application/json, text/event-stream");
        call.body("application/json", body.to_owned())
    };
    for (body, code) in [
        ("{bad", -32700),
        ("", -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"\ud800"}}"#, -32700),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        ("7", -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
    ] {
        let reply = post(body).await;
        let answer = reply.ok(400);
        assert_eq!(reply.header("content-type"), "application/json", "{body}");
        assert_eq!((&answer["jsonrpc"], &answer["error"]["code"]), (&json!("2.0"), &json!(code)), "{body}: {answer}");
    }
    for id in ["1.0", "7", r#""7""#] {
        post(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)).await.ok(200);
    }
}

/// Some clients drop a tool whose schema has a list of types.
#[sqlx::test]
async fn schemas_have_plain_types(pool: PgPool) {
    fn lists_of_types(schema: &Value) -> Vec<&Value> {
        let own = schema.get("type").filter(|types| types.is_array());
        let parts = schema
            .as_object()
            .map(|object| object.values().collect())
            .or_else(|| schema.as_array().map(Vec::from_iter));
        own.into_iter().chain(parts.into_iter().flatten().flat_map(lists_of_types)).collect()
    }
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let ada = app.token_client(&ada).await;
    let tools = result_of(&ada, "tools/list", json!({})).await;
    assert_eq!(lists_of_types(&tools), Vec::<&Value>::new());
}

#[sqlx::test]
async fn a_tool_error_is_a_result_and_a_database_error_is_not(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let ada = app.token_client(&ada).await;
    let refused = result_of(&ada, "tools/call", json!({ "name": "add_task", "arguments": { "title": "" } })).await;
    assert_eq!((&refused["isError"], &refused["structuredContent"]), (&json!(true), &Value::Null));
    let refusal: Value = serde_json::from_str(refused["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!((&refusal["error"], &refusal["errors"][0]["field"]), (&json!("validation"), &json!("title")));

    sqlx::query("alter table tasks rename to elsewhere").execute(&pool).await.unwrap();
    let answer = request(&ada, "tools/call", &json!({ "name": "list_tasks" })).await.ok(200);
    assert_eq!(answer["error"]["code"], -32603);
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("on our side") && !message.contains("tasks"), "{message}");
}

#[sqlx::test]
async fn resources_contain_only_the_users_own_tasks(pool: PgPool) {
    let app = App::new(&pool);
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let (milk, eggs) = (ada.task("Milk").await, ada.task("Eggs").await);
    let eggs = ada.post(&format!("{}/complete", path(&eggs))).await.ok(200);
    let (ada, bob) = (app.token_client(&ada).await, app.token_client(&bob).await);
    let read = async |client: &Client, uri: &str| -> Value {
        let contents = result_of(client, "resources/read", json!({ "uri": uri })).await["contents"][0].clone();
        assert_eq!((&contents["uri"], &contents["mimeType"]), (&json!(uri), &json!("application/json")));
        serde_json::from_str(contents["text"].as_str().unwrap()).unwrap()
    };
    assert_eq!(read(&ada, "tasks://pending").await["tasks"], json!([milk]));
    assert_eq!(read(&ada, "tasks://completed").await["tasks"], json!([eggs]));
    assert_eq!(read(&ada, "tasks://all").await["counts"]["all"], 2);
    assert_eq!(read(&bob, "tasks://all").await["counts"]["all"], 0);
    let own = format!("tasks://{}", milk["id"].as_str().unwrap());
    assert_eq!(read(&ada, &own).await, milk);
    for (client, uri) in [(&bob, own.as_str()), (&ada, "tasks://nothing"), (&ada, "file:///etc/passwd"), (&ada, "")] {
        let answer = request(client, "resources/read", &json!({ "uri": uri })).await.ok(200);
        assert_eq!(answer["error"]["code"], -32002, "{uri}: {answer}");
    }
}

#[sqlx::test]
async fn the_prompt_contains_the_pending_tasks(pool: PgPool) {
    let app = App::new(&pool);
    let user = app.user("ada").await;
    user.task("Milk").await;
    let ada = app.token_client(&user).await;
    let get = |arguments: Value| json!({ "name": "plan_my_day", "arguments": arguments });
    let prompt = result_of(&ada, "prompts/get", get(json!({ "focus": "the garden" }))).await;
    let messages = prompt["messages"].as_array().unwrap();
    assert!(messages[0]["content"]["text"].as_str().unwrap().ends_with("today: the garden"));
    assert_eq!(messages[1]["content"]["resource"]["uri"], "tasks://pending");
    assert!(messages[1]["content"]["resource"]["text"].as_str().unwrap().contains("Milk"));
    for wrong in [get(json!({ "focus": "f".repeat(201) })), get(json!({ "mood": "" })), json!({ "name": "other" })] {
        let answer = request(&ada, "prompts/get", &wrong).await.ok(200);
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
}

#[sqlx::test]
async fn metrics_count_requests_and_tool_calls(pool: PgPool) {
    let app = App::new(&pool);
    let user = app.user("ada").await;
    let ada = app.token_client(&user).await;
    result_of(&ada, "tools/call", json!({ "name": "list_tasks" })).await;
    let metrics = app.metrics().await;
    for line in [
        r#"http_requests_total{method="POST",route="/mcp",status="2xx"} 1"#,
        r#"tool_calls_total{result="ok",source="mcp",tool="list_tasks"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
}
