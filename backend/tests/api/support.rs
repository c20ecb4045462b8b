//! The service in the process of the test, and clients that send requests to it.

use std::{
    future::IntoFuture,
    net::{IpAddr, SocketAddr},
    pin::Pin,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, Method, Request, Response, header, request},
};
use http_body_util::BodyExt;
use proptest::{
    strategy::Strategy,
    test_runner::{Config as PropertyConfig, TestRunner},
};
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgConnectOptions};
use todo_backend::{
    db::Database,
    notifier::CONNECTION_SETTING,
    server::{config::Config, router::router, state::AppState},
};
use tokio::task::JoinSet;
use tower::ServiceExt;

pub const PASSWORD: &str = "correct horse battery";
/// A valid id that no row has.
pub const UNKNOWN_ID: &str = "0199b5f0-0000-7000-8000-000000000000";

/// One replica of the service.
pub struct App {
    pub state: AppState,
    pub router: Router,
}

impl App {
    pub fn new(pool: &PgPool) -> Self {
        Self::with_settings(pool, &[])
    }

    /// Adds settings to the two that every start needs.
    pub fn with_settings(pool: &PgPool, settings: &[(&str, &str)]) -> Self {
        Self::with_database(database(pool), settings)
    }

    pub fn with_database(database: Database, settings: &[(&str, &str)]) -> Self {
        Self::with_config(database, Self::config(settings))
    }

    pub fn with_config(database: Database, config: Config) -> Self {
        let state = AppState::new(config, database).unwrap();
        Self { router: router(state.clone()), state }
    }

    pub fn config(settings: &[(&str, &str)]) -> Config {
        let needed = [("DATABASE_URL", "postgres://unused"), ("SECRET_KEY", "a key for tests, 32 characters or more")];
        let config = Config::from_lookup(|name| {
            settings.iter().chain(&needed).find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        });
        config.unwrap()
    }

    /// A client without a credential.
    pub fn anonymous(&self) -> Client {
        Client { router: self.router.clone(), credential: None }
    }

    /// Signs up a user, and returns a client with their session.
    pub async fn user(&self, name: &str) -> Client {
        let form = json!({ "email": email(name), "password": PASSWORD, "name": name });
        let reply = self.anonymous().post("/api/auth/sign-up").json(&form).await;
        reply.ok(201);
        self.session(&reply)
    }

    /// Signs a user in, and returns a client with the new session.
    pub async fn sign_in(&self, name: &str, password: &str) -> Client {
        let reply = self.try_sign_in(&email(name), password).await;
        reply.ok(200);
        self.session(&reply)
    }

    pub fn try_sign_in(&self, email: &str, password: &str) -> Call {
        self.anonymous().post("/api/auth/sign-in").json(&json!({ "email": email, "password": password }))
    }

    /// A client that sends the session's cookie which this reply sets.
    pub fn session(&self, reply: &Reply) -> Client {
        Client { router: self.router.clone(), credential: Some((header::COOKIE, reply.cookie("todo_session"))) }
    }

    /// A client that sends this API token.
    pub fn bearer(&self, token: &str) -> Client {
        Client { router: self.router.clone(), credential: Some((header::AUTHORIZATION, format!("Bearer {token}"))) }
    }

    /// A client that sends a new API token of the user.
    pub async fn token_client(&self, user: &Client) -> Client {
        self.bearer(user.token("program").await["token"].as_str().unwrap())
    }

    /// The metrics in the text format of Prometheus.
    pub async fn metrics(&self) -> String {
        String::from_utf8(self.state.metrics.render(false).await.unwrap()).unwrap()
    }
}

/// The database as the service connects to it: transactions do not notify, because the service does so after them.
pub fn database(pool: &PgPool) -> Database {
    let options = PgConnectOptions::clone(&pool.connect_options()).options([CONNECTION_SETTING]);
    pool.set_connect_options(options.clone());
    // Connections that exist do not have the setting.
    while let Some(connection) = pool.try_acquire() {
        drop(connection.detach());
    }
    Database::from_pool(pool.clone(), options)
}

pub fn email(name: &str) -> String {
    format!("{name}@example.com")
}

#[derive(Clone)]
pub struct Client {
    router: Router,
    pub credential: Option<(HeaderName, String)>,
}

impl Client {
    pub fn call(&self, method: Method, path: &str) -> Call {
        let mut request = Request::builder().method(method).uri(path);
        if let Some((name, value)) = &self.credential {
            request = request.header(name, value);
        }
        Call { router: self.router.clone(), request, body: Body::empty() }.sent_from("192.0.2.1")
    }

    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    pub fn patch(&self, path: &str) -> Call {
        self.call(Method::PATCH, path)
    }

    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// Creates a task, and returns its JSON.
    pub async fn task(&self, title: &str) -> Value {
        self.post("/api/tasks").json(&json!({ "title": title })).await.ok(201)
    }

    /// Creates an API token, and returns its JSON.
    pub async fn token(&self, name: &str) -> Value {
        self.post("/api/auth/tokens").json(&json!({ "name": name })).await.ok(201)
    }

    /// The number of the user's tasks.
    pub async fn task_count(&self) -> u64 {
        self.get("/api/tasks").await.ok(200)["counts"]["all"].as_u64().unwrap()
    }

    /// The same user on another replica.
    pub fn on(&self, app: &App) -> Self {
        Self { router: app.router.clone(), credential: self.credential.clone() }
    }
}

/// A request that is being built. `.await` sends it and reads the whole response.
#[must_use]
pub struct Call {
    router: Router,
    request: request::Builder,
    body: Body,
}

impl Call {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub fn body(self, content_type: &str, body: impl Into<Body>) -> Self {
        let call = self.header("content-type", content_type);
        Self { body: body.into(), ..call }
    }

    /// Sets the address from which the connection seems to come.
    pub fn sent_from(mut self, address: &str) -> Self {
        let address: IpAddr = address.parse().unwrap();
        self.request = self.request.extension(ConnectInfo(SocketAddr::new(address, 4000)));
        self
    }

    /// Sends the request without reading the body of the response, which may be a stream.
    pub async fn open(self) -> Response<Body> {
        self.router.oneshot(self.request.body(self.body).unwrap()).await.unwrap()
    }
}

impl IntoFuture for Call {
    type Output = Reply;
    type IntoFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async {
            let (head, body) = self.open().await.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Reply { status: head.status.as_u16(), headers: head.headers, body }
        })
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name} in {self:?}")).to_str().unwrap()
    }

    /// The cookie of this name that the reply sets, as a client sends it.
    pub fn cookie(&self, name: &str) -> String {
        let cookies = self.headers.get_all(header::SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap());
        let mut pairs = cookies.filter_map(|cookie| cookie.split(';').next());
        let found = pairs.find(|pair| pair.split_once('=').is_some_and(|(found, _)| found == name));
        found.unwrap_or_else(|| panic!("no cookie {name} in {self:?}")).to_owned()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The body of a successful response; null if it is empty.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The problem of an error response, after checking the fields that every problem has.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["request_id"], self.header("x-request-id"), "{problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{problem}");
        problem
    }

    /// Asserts a 422 with one error, which names `field` and contains `rule`.
    #[track_caller]
    pub fn expect_field_error(&self, field: &str, rule: &str) {
        let problem = self.problem(422, "validation");
        let errors = problem["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{problem}");
        assert_eq!(errors[0]["field"], field, "{problem}");
        assert!(errors[0]["rule"].as_str().unwrap().contains(rule), "{problem}");
    }
}

/// Sends all of the requests at the same time.
pub async fn send_concurrently(calls: impl IntoIterator<Item = Call>) -> Vec<Reply> {
    calls.into_iter().map(IntoFuture::into_future).collect::<JoinSet<_>>().join_all().await
}

/// The `id`s in a list of tasks, sessions or tokens.
pub fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

/// The text of one field of every entry in a list.
pub fn pluck<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|entry| entry[field].as_str().unwrap()).collect()
}

/// A task as tools give it: what is absent has no field.
pub fn without_nulls(task: &Value) -> Value {
    let fields = task.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
    Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The path of a task in the API.
pub fn path(task: &Value) -> String {
    format!("/api/tasks/{}", task["id"].as_str().unwrap())
}

/// Checks an asynchronous property with `cases` generated values, and shrinks a value that fails.
pub async fn check_property<S: Strategy + Send + 'static>(
    cases: u32,
    strategy: S,
    property: impl AsyncFn(S::Value) + Send + 'static,
) {
    let runtime = tokio::runtime::Handle::current();
    let run = move || {
        let config = PropertyConfig { cases, failure_persistence: None, ..PropertyConfig::default() };
        let check = |value| {
            runtime.block_on(property(value));
            Ok(())
        };
        TestRunner::new(config).run(&strategy, check).unwrap_or_else(|failure| panic!("{failure}"));
    };
    tokio::task::spawn_blocking(run).await.unwrap();
}
