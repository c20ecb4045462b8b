//! Checks the examples for kagent against the application. The check against kagent is manual (docs/kagent.md).

use std::collections::BTreeSet;

use serde_json::Value;
use todo::{helm::RELEASE, workspace::Workspace};

fn read(path: &str) -> String {
    std::fs::read_to_string(Workspace::find().unwrap().path(path)).unwrap()
}

/// The only object of a kind.
fn example(kind: &str) -> Value {
    let files = ["agent.yaml", "model.yaml"].map(|name| read(&format!("docs/examples/kagent/{name}")));
    let objects = files.iter().flat_map(|file| serde_saphyr::from_multiple::<Value>(file).unwrap());
    let mut found = objects.filter(|object| object["kind"] == kind);
    let object = found.next().unwrap();
    assert!(found.next().is_none(), "{kind} is not unique");
    object
}

fn names(list: &Value) -> BTreeSet<&str> {
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn the_agent_has_exactly_the_tools_of_the_application() {
    let sources = Workspace::find().unwrap().path("backend/src/tools");
    let sources =
        std::fs::read_dir(sources).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let names_in = |source: String| -> Vec<String> {
        let after_names = source.split("    name: \"").skip(1);
        after_names.filter_map(|text| Some(text.split_once('"')?.0.to_owned())).collect()
    };
    let expected: Vec<_> = sources.flat_map(names_in).collect();
    let agent = example("Agent");
    let tools = &agent["spec"]["declarative"]["tools"][0]["mcpServer"];
    assert_eq!(names(&tools["toolNames"]), expected.iter().map(String::as_str).collect());
    assert!(names(&tools["requireApproval"]).is_subset(&names(&tools["toolNames"])));
}

#[test]
fn the_url_is_that_of_the_service_in_the_chart() {
    let config = read("helm/todo/templates/_config.tpl");
    let (_, inside) = config.split_once("BACKEND_URL: ").unwrap();
    let inside = inside.lines().next().unwrap().replace(r#"{{ include "todo.fullname" . }}"#, RELEASE);
    let (service, port) = inside.rsplit_once(':').unwrap();
    assert_eq!(example("RemoteMCPServer")["spec"]["url"], format!("{service}.todo.svc:{port}/mcp"));
}

#[test]
fn the_objects_reference_each_other_and_the_allowed_namespace() {
    let (agent, server, model) = (example("Agent"), example("RemoteMCPServer"), example("ModelConfig"));
    let spec = &agent["spec"]["declarative"];
    assert_eq!(spec["modelConfig"], model["metadata"]["name"]);
    let tool = &spec["tools"][0]["mcpServer"];
    assert_eq!((&tool["kind"], &tool["name"]), (&server["kind"], &server["metadata"]["name"]));
    let values: Value = serde_saphyr::from_str(&read("docs/examples/kagent/todo-values.yaml")).unwrap();
    let allowed = &values["networkPolicy"]["backendFrom"][0]["namespaceSelector"]["matchLabels"];
    for object in [&agent, &server, &model] {
        assert_eq!(object["metadata"]["namespace"], allowed["kubernetes.io/metadata.name"]);
    }
}

#[test]
fn the_page_creates_the_referenced_secrets() {
    let page = read("docs/kagent.md");
    let model = example("ModelConfig");
    let header = example("RemoteMCPServer")["spec"]["headersFrom"][0]["valueFrom"].clone();
    let values: Value = serde_saphyr::from_str(&read("docs/examples/kagent/values.yaml")).unwrap();
    let provider = &values["providers"]["openAI"];
    for (name, key) in [
        (&model["spec"]["apiKeySecret"], &model["spec"]["apiKeySecretKey"]),
        (&provider["apiKeySecretRef"], &provider["apiKeySecretKey"]),
        (&header["name"], &header["key"]),
    ] {
        let (name, key) = (name.as_str().unwrap(), key.as_str().unwrap());
        assert!(page.contains(&format!("secret generic {name} --from-literal={key}=")), "{name} has no {key}");
    }
}
