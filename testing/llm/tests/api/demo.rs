//! The phrases of the demo script, and the example script.

use serde_json::{Value, json};
use todo_llm::{Model, Script};

use crate::support::{message, tool_call, user};

/// The tool calls for a phrase, and the answer to their results.
async fn turn(phrase: &str, results: &[Value]) -> (Vec<(String, Value)>, String) {
    let model = Model::start(Script::demo()).await;
    let mut messages = vec![user(phrase)];
    let answer = message(&model, &messages).await;
    let calls = answer["tool_calls"].as_array().expect("a call").iter().map(|call| {
        let arguments = call["function"]["arguments"].as_str().unwrap();
        (call["function"]["name"].as_str().unwrap().to_owned(), serde_json::from_str(arguments).unwrap())
    });
    let calls = calls.collect();
    messages.push(answer.clone());
    for (call, result) in answer["tool_calls"].as_array().unwrap().iter().zip(results) {
        messages.push(json!({ "role": "tool", "tool_call_id": call["id"], "content": result.to_string() }));
    }
    let text = message(&model, &messages).await["content"].as_str().unwrap().to_owned();
    (calls, text)
}

fn task_result(title: &str) -> [Value; 1] {
    [json!({ "task": { "id": "0", "title": title, "status": "pending" } })]
}

fn call(name: &str, arguments: Value) -> Vec<(String, Value)> {
    vec![(name.to_owned(), arguments)]
}

#[tokio::test]
async fn phrases_lead_to_tool_calls_and_answers() {
    for phrase in ["add Buy milk", "Please add a task: Buy milk", "Add \"Buy milk\"."] {
        let (calls, text) = turn(phrase, &task_result("Buy milk")).await;
        assert_eq!(calls, call("add_task", json!({ "title": "Buy milk" })), "{phrase}");
        assert_eq!(text, "I added *Buy milk* to your list.");
    }
    for phrase in ["complete buy milk", "done buy milk", "Done with buy milk"] {
        let (calls, text) = turn(phrase, &task_result("Buy milk")).await;
        assert_eq!(calls, call("complete_task", json!({ "task": "buy milk" })), "{phrase}");
        assert_eq!(text, "I completed *Buy milk*.");
    }
    let (calls, text) = turn("rename Go to town to Go to the city", &task_result("Go to the city")).await;
    assert_eq!(calls[0].0, "update_task");
    assert_eq!(text, "It is called *Go to the city* now.");
    let (calls, _) = turn("reopen Buy milk", &task_result("Buy milk")).await;
    assert_eq!(calls, call("update_task", json!({ "task": "Buy milk", "status": "pending" })));
    let (calls, text) = turn("delete Buy milk", &task_result("Buy milk")).await;
    assert_eq!(calls, call("delete_task", json!({ "task": "Buy milk" })));
    assert_eq!(text, "I deleted *Buy milk*.");
}

#[tokio::test]
async fn several_tasks_are_deleted_in_one_round() {
    let results = [task_result("A")[0].clone(), task_result("B")[0].clone()];
    let (calls, text) = turn("delete A, B", &results).await;
    let delete_task = |task| ("delete_task".to_owned(), json!({ "task": task }));
    assert_eq!(calls, [delete_task("A"), delete_task("B")]);
    assert_eq!(text, "I deleted *A* and *B*.");
}

#[tokio::test]
async fn tasks_are_listed() {
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
async fn errors_of_tools_are_explained() {
    for (error, expected) in [
        (json!({ "error": "validation", "detail": "title is too long" }), "That did not work: title is too long"),
        (json!({ "error": "not_found", "detail": "-" }), "There is no such task. *list all* shows yours."),
        (json!({ "error": "declined", "detail": "-" }), "Then I leave it as it is."),
        (
            json!({ "error": "ambiguous", "detail": "-", "candidates": [{ "title": "Buy milk" }, { "title": "Buy bread" }] }),
            "Which one do you mean?\n\n- Buy milk\n- Buy bread",
        ),
    ] {
        let (_, text) = turn("complete buy", &[error]).await;
        assert_eq!(text, expected);
    }
    // A title that looks like an error is none.
    let (_, text) = turn("add x", &task_result(r#"{"error": 1}"#)).await;
    assert!(text.starts_with("I added"), "{text}");
}

#[tokio::test]
async fn other_phrases_get_help() {
    let model = Model::start(Script::demo()).await;
    for phrase in ["hello", "", "make me a coffee"] {
        let answer = message(&model, &[user(phrase)]).await;
        assert!(answer["content"].as_str().unwrap().contains("*add Buy milk*"), "{answer}");
    }
    let [call, result] = tool_call("list_tasks", &json!({}));
    let answer = message(&model, &[user("hello"), call, result]).await;
    assert!(answer["tool_calls"].is_null(), "{answer}");
}

#[test]
fn the_example_script_can_be_parsed() {
    Script::parse(include_str!("../../scripts/example.yaml")).unwrap();
}
