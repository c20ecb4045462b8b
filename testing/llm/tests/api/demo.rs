//! The demo's phrases, and the example that names everything.

use serde_json::{Value, json};
use todo_llm::{Model, Script};

use crate::support::{called, message, user};

/// The calls that a phrase leads to, and the sentence that follows on their results.
async fn turn(phrase: &str, results: &[Value]) -> (Vec<(String, Value)>, String) {
    let model = Model::start(Script::demo()).await;
    let mut messages = vec![user(phrase)];
    let asking = message(&model, &messages).await;
    let calls = asking["tool_calls"].as_array().expect("a call").iter().map(|call| {
        let arguments = call["function"]["arguments"].as_str().unwrap();
        (call["function"]["name"].as_str().unwrap().to_owned(), serde_json::from_str(arguments).unwrap())
    });
    let calls = calls.collect();
    messages.push(asking.clone());
    for (call, result) in asking["tool_calls"].as_array().unwrap().iter().zip(results) {
        messages.push(json!({ "role": "tool", "tool_call_id": call["id"], "content": result.to_string() }));
    }
    let text = message(&model, &messages).await["content"].as_str().unwrap().to_owned();
    (calls, text)
}

fn one(title: &str) -> [Value; 1] {
    [json!({ "task": { "id": "0", "title": title, "status": "pending" } })]
}

fn call(name: &str, arguments: Value) -> Vec<(String, Value)> {
    vec![(name.to_owned(), arguments)]
}

#[tokio::test]
async fn phrases_become_calls_and_results_sentences() {
    for phrase in ["add Buy milk", "Please add a task: Buy milk", "Add \"Buy milk\"."] {
        let (calls, text) = turn(phrase, &one("Buy milk")).await;
        assert_eq!(calls, call("add_task", json!({ "title": "Buy milk" })), "{phrase}");
        assert_eq!(text, "I added *Buy milk* to your list.");
    }
    for phrase in ["complete buy milk", "done buy milk", "Done with buy milk"] {
        let (calls, text) = turn(phrase, &one("Buy milk")).await;
        assert_eq!(calls, call("complete_task", json!({ "task": "buy milk" })), "{phrase}");
        assert_eq!(text, "I completed *Buy milk*.");
    }
    let (calls, text) = turn("rename Go to town to Go to the city", &one("Go to the city")).await;
    assert_eq!(calls[0].0, "update_task");
    assert_eq!(text, "It is called *Go to the city* now.");
    let (calls, _) = turn("reopen Buy milk", &one("Buy milk")).await;
    assert_eq!(calls, call("update_task", json!({ "task": "Buy milk", "status": "pending" })));
    let (calls, text) = turn("delete Buy milk", &one("Buy milk")).await;
    assert_eq!(calls, call("delete_task", json!({ "task": "Buy milk" })));
    assert_eq!(text, "I deleted *Buy milk*.");
}

#[tokio::test]
async fn several_are_deleted_at_once() {
    let results = [one("A")[0].clone(), one("B")[0].clone()];
    let (calls, text) = turn("delete A, B", &results).await;
    let deleting = |task| ("delete_task".to_owned(), json!({ "task": task }));
    assert_eq!(calls, [deleting("A"), deleting("B")]);
    assert_eq!(text, "I deleted *A* and *B*.");
}

#[tokio::test]
async fn lists_are_read_out() {
    let counts = json!({ "all": 3, "pending": 2, "completed": 1 });
    let page = json!({ "tasks": [{ "title": "A" }, { "title": "B" }], "next_cursor": null, "counts": counts });
    for phrase in ["list", "What is open?", "show my tasks", "what's left"] {
        let (calls, text) = turn(phrase, std::slice::from_ref(&page)).await;
        assert_eq!(calls, call("list_tasks", json!({ "status": "pending" })), "{phrase}");
        assert_eq!(text, "2 open, 1 completed:\n\n- A\n- B");
    }
    let empty = json!({ "tasks": [], "next_cursor": null, "counts": { "all": 0, "pending": 0, "completed": 0 } });
    let (calls, text) = turn("list completed", &[empty]).await;
    assert_eq!(calls, call("list_tasks", json!({ "status": "completed" })));
    assert_eq!(text, "0 open, 0 completed. Say *add* and what is to be done.");
}

#[tokio::test]
async fn refusals_are_told() {
    for (error, said) in [
        (json!({ "error": "validation", "detail": "title is too long" }), "That did not work: title is too long"),
        (json!({ "error": "not_found", "detail": "-" }), "There is no such task. *list all* shows yours."),
        (json!({ "error": "declined", "detail": "-" }), "Then I leave it as it is."),
        (
            json!({ "error": "ambiguous", "detail": "-", "candidates": [{ "title": "Buy milk" }, { "title": "Buy bread" }] }),
            "Which one do you mean?\n\n- Buy milk\n- Buy bread",
        ),
    ] {
        let (_, text) = turn("complete buy", &[error]).await;
        assert_eq!(text, said);
    }
    // A title is no refusal.
    let (_, text) = turn("add x", &one(r#"{"error": 1}"#)).await;
    assert!(text.starts_with("I added"), "{text}");
}

#[tokio::test]
async fn anything_else_gets_help() {
    let model = Model::start(Script::demo()).await;
    for phrase in ["hello", "", "make me a coffee"] {
        let said = message(&model, &[user(phrase)]).await;
        assert!(said["content"].as_str().unwrap().contains("*add Buy milk*"), "{said}");
    }
    let [called, result] = called("list_tasks", &json!({}));
    let said = message(&model, &[user("hello"), called, result]).await;
    assert!(said["tool_calls"].is_null(), "{said}");
}

#[test]
fn the_example_can_be_read() {
    Script::parse(include_str!("../../scripts/example.yaml")).unwrap();
}
