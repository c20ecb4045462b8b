//! An API server with what `todo` uses of the real one, as strict as that about paths, selectors and content types.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::derive_accept_key, protocol::Role},
};

/// Runs until it is dropped.
pub struct ApiServer {
    pub address: SocketAddr,
    store: Store,
    _runtime: Runtime,
}

/// What was created, by the resource's path and its name: `/api/v1/namespaces/todo/secrets`, `todo-secrets`.
pub type Objects = Vec<(String, String, Value)>;

#[derive(Clone)]
struct Store {
    /// The machine's directory. The objects of the release and the events are files, which tests and programs change;
    /// every request is written to `calls`.
    directory: PathBuf,
    objects: Arc<Mutex<Objects>>,
}

impl ApiServer {
    pub fn start(directory: PathBuf, objects: Objects) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let store = Store { directory, objects: Arc::new(Mutex::new(objects)) };
        let router = Router::new().fallback(serve).with_state(store.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, store, _runtime: runtime }
    }

    /// Everything that was created.
    pub fn objects(&self) -> Objects {
        self.store.objects.lock().unwrap().clone()
    }

    /// Creates an object, as somebody else would.
    pub fn create(&self, resource: &str, object: Value) {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        self.store.objects.lock().unwrap().push((resource.to_owned(), name, object));
    }

    /// An object, if it is there.
    pub fn object(&self, resource: &str, name: &str) -> Option<Value> {
        self.store.list(resource).into_iter().find(|object| object["metadata"]["name"] == name)
    }
}

impl Store {
    /// The objects of a kind, from the files and from those created.
    fn list(&self, resource: &str) -> Vec<Value> {
        let read = |file: &str| -> Vec<Value> {
            let text = fs::read_to_string(self.directory.join(file)).unwrap();
            let list: Value = serde_json::from_str(&text).unwrap();
            list["items"].as_array().unwrap().clone()
        };
        let kind = match resource.rsplit('/').next().unwrap() {
            "deployments" => "Deployment",
            "statefulsets" => "StatefulSet",
            "replicasets" => "ReplicaSet",
            "pods" => "Pod",
            "ingresses" => "Ingress",
            "events" => return read("events.json"),
            _ => "",
        };
        let objects = self.objects.lock().unwrap();
        let created = objects.iter().filter(|(found, ..)| found == resource).map(|(.., object)| object.clone());
        read("objects.json").into_iter().filter(|object| object["kind"] == kind).chain(created).collect()
    }
}

async fn serve(State(store): State<Store>, request: Request) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    // Each context of the kubeconfig has an address of its own, which begins with its name.
    let mut calls = fs::OpenOptions::new().append(true).create(true).open(store.directory.join("calls")).unwrap();
    // kube writes `?` before no parameter, and `?&` before the first.
    let shown = uri.to_string().replace("?&", "?");
    writeln!(calls, "{method} {}", shown.trim_end_matches('?')).unwrap();
    let path: Vec<_> = uri.path().split('/').skip(2).collect();
    // A group's version, then a namespace if the kind has one, the kind, a name, and a part of the object.
    let version = if path[0] == "api" { 2 } else { 3 };
    let is_namespaced = path.get(version) == Some(&"namespaces") && path.len() > version + 2;
    let kind = if is_namespaced { version + 2 } else { version };
    let resource = format!("/{}", path[..path.len().min(kind + 1)].join("/"));
    match (&method, &path[path.len().min(kind)..]) {
        (&Method::GET, []) if path == ["version"] => {
            Json(json!({ "major": "1", "minor": "34", "gitVersion": "v1.34.1", "gitCommit": "", "gitTreeState": "",
                "buildDate": "", "goVersion": "", "compiler": "", "platform": "" }))
            .into_response()
        }
        _ if !RESOURCES.iter().any(|known| path.starts_with(known.0) && path.get(kind) == Some(&known.1)) => {
            status(StatusCode::NOT_FOUND, "the server could not find the requested resource")
        }
        (&Method::GET, [_]) => list(&store, &resource, &request),
        (&Method::POST, [_]) => create(&store, &resource, request).await,
        (_, [kind, name, rest @ ..]) => {
            let found = store.list(&resource).into_iter().find(|object| object["metadata"]["name"] == **name);
            match (&method, found, rest) {
                (&Method::PATCH, _, []) => apply(&store, &resource, name, request).await,
                (_, None, _) => status(StatusCode::NOT_FOUND, &format!("{kind} \"{name}\" not found")),
                (&Method::GET, Some(object), []) => Json(represented(object, &request)).into_response(),
                (&Method::DELETE, Some(object), []) => {
                    store.objects.lock().unwrap().retain(|(found, its, _)| (found, &**its) != (&resource, *name));
                    Json(object).into_response()
                }
                (&Method::POST, Some(_), ["token"]) => token(request).await,
                (&Method::GET, Some(pod), ["log"]) => log(&uri, &pod),
                (&Method::GET, Some(pod), ["portforward"]) => port_forward(&uri, &pod, request),
                _ => status(StatusCode::METHOD_NOT_ALLOWED, "the server does not allow this method"),
            }
        }
        _ => status(StatusCode::METHOD_NOT_ALLOWED, "the server does not allow this method"),
    }
}

/// The kinds that it knows, each with its group and version.
const RESOURCES: &[(&[&str], &str)] = &[
    (&["api", "v1"], "namespaces"),
    (&["api", "v1"], "events"),
    (&["api", "v1"], "persistentvolumeclaims"),
    (&["api", "v1"], "pods"),
    (&["api", "v1"], "secrets"),
    (&["api", "v1"], "serviceaccounts"),
    (&["api", "v1"], "services"),
    (&["apis", "apps", "v1"], "deployments"),
    (&["apis", "apps", "v1"], "replicasets"),
    (&["apis", "apps", "v1"], "statefulsets"),
    (&["apis", "networking.k8s.io", "v1"], "ingresses"),
    (&["apis", "rbac.authorization.k8s.io", "v1"], "rolebindings"),
    (&["apis", "rbac.authorization.k8s.io", "v1"], "roles"),
];

/// What a failure looks like.
fn status(code: StatusCode, message: &str) -> Response {
    let reason = code.canonical_reason().unwrap().replace(' ', "");
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code.as_u16() });
    (code, Json(status)).into_response()
}

fn query(uri: &Uri, name: &str) -> Option<String> {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    query.into_iter().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// The pairs of a selector such as `a=b,c=d`.
fn pairs(selector: &str) -> Vec<(&str, &str)> {
    selector.split(',').map(|pair| pair.split_once('=').unwrap()).collect()
}

fn list(store: &Store, resource: &str, request: &Request) -> Response {
    let mut objects = store.list(resource);
    if let Some(selector) = query(request.uri(), "labelSelector") {
        let labels = pairs(&selector);
        objects.retain(|object| labels.iter().all(|(name, value)| object["metadata"]["labels"][name] == *value));
    }
    if let Some(selector) = query(request.uri(), "fieldSelector") {
        for (field, value) in pairs(&selector) {
            if field != "involvedObject.name" || !resource.ends_with("/events") {
                return status(StatusCode::BAD_REQUEST, &format!("field label not supported: {field}"));
            }
            objects.retain(|object| object["involvedObject"]["name"] == value);
        }
    }
    let objects: Vec<_> = objects.into_iter().map(|object| represented(object, request)).collect();
    Json(json!({ "kind": "List", "apiVersion": "v1", "metadata": {}, "items": objects })).into_response()
}

/// The object as it is accepted: whole, or only its metadata.
fn represented(mut object: Value, request: &Request) -> Value {
    let accepted = request.headers().get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    if accepted.is_some_and(|accepted| accepted.contains("as=PartialObjectMetadata")) {
        return json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": object["metadata"].take() });
    }
    object
}

async fn json_body(request: Request) -> Value {
    serde_json::from_slice(&axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap()).unwrap()
}

async fn create(store: &Store, resource: &str, request: Request) -> Response {
    let object = json_body(request).await;
    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
    if store.list(resource).iter().any(|found| found["metadata"]["name"] == *name) {
        return status(StatusCode::CONFLICT, &format!("\"{name}\" already exists"));
    }
    store.objects.lock().unwrap().push((resource.to_owned(), name, object.clone()));
    (StatusCode::CREATED, Json(object)).into_response()
}

async fn apply(store: &Store, resource: &str, name: &str, request: Request) -> Response {
    if request.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/apply-patch+yaml") {
        return status(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body of the request was in an unknown format");
    }
    if query(request.uri(), "fieldManager").is_none() {
        return status(StatusCode::BAD_REQUEST, "fieldManager is required for apply patch");
    }
    let object = json_body(request).await;
    let is_typed = ["apiVersion", "kind"].iter().all(|field| object[field].is_string());
    if !is_typed || object["metadata"]["name"] != name || !object["metadata"]["managedFields"].is_null() {
        return status(StatusCode::BAD_REQUEST, "the object has no kind, another name or managed fields");
    }
    let mut objects = store.objects.lock().unwrap();
    objects.retain(|(found, its, _)| (&**found, &**its) != (resource, name));
    objects.push((resource.to_owned(), name.to_owned(), object.clone()));
    Json(object).into_response()
}

async fn token(request: Request) -> Response {
    let mut token = json_body(request).await;
    if token["spec"]["expirationSeconds"].as_u64().is_none_or(|seconds| seconds < 600) {
        return status(StatusCode::UNPROCESSABLE_ENTITY, "may not specify a duration less than 10 minutes");
    }
    token["status"] = json!({ "token": "a-token", "expirationTimestamp": "2030-01-02T03:04:05Z" });
    (StatusCode::CREATED, Json(token)).into_response()
}

fn log(uri: &Uri, pod: &Value) -> Response {
    let container = query(uri, "container").unwrap_or_default();
    let statuses = ["initContainerStatuses", "containerStatuses"].map(|field| pod["status"][field].as_array().cloned());
    if !statuses.into_iter().flatten().flatten().any(|status| status["name"] == container) {
        return status(StatusCode::BAD_REQUEST, &format!("container {container} is not valid for pod"));
    }
    "{\"level\":\"ERROR\",\"message\":\"LOG_LEVEL must be one of off, error\"}\n".into_response()
}

/// Answers every HTTP request with the pod's name, as the frontend would with a page.
fn port_forward(uri: &Uri, pod: &Value, mut request: Request) -> Response {
    let port: u16 = query(uri, "ports").unwrap().parse().unwrap();
    let header = |name| request.headers().get(name).cloned();
    let (Some(key), Some(protocols)) = (header("sec-websocket-key"), header("sec-websocket-protocol")) else {
        return status(StatusCode::BAD_REQUEST, "an upgrade to WebSocket is required");
    };
    assert!(protocols.to_str().unwrap().contains("v4.channel.k8s.io"), "{protocols:?}");
    let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let stream = TokioIo::new(upgrade.await.unwrap());
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        for channel in [0, 1] {
            let [low, high] = port.to_le_bytes();
            socket.send(Message::binary(vec![channel, low, high])).await.unwrap();
        }
        while let Some(Ok(message)) = socket.next().await {
            if message.is_binary() {
                let length = name.len();
                let answer =
                    format!("\0HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{name}");
                socket.send(Message::binary(answer)).await.unwrap();
                let _ = socket.close(None).await;
            }
        }
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header("sec-websocket-accept", derive_accept_key(key.as_bytes()))
        .header("sec-websocket-protocol", "v4.channel.k8s.io")
        .body(Body::empty())
        .unwrap()
}
