//! `todo-backend mcp`: the server of `TODO_URL` on standard input and output, for clients that start a program.
//!
//! Standard output carries the protocol and nothing else; logs go to standard error.

mod failure;
mod stdio;

use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Url;
use rmcp::{
    ErrorData, RoleClient, RoleServer, ServerHandler, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResponse, GetPromptRequestParams, GetPromptResponse, ListPromptsResult,
        ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProtocolVersion,
        ReadResourceRequestParams, ReadResourceResponse, ServerConfig, ServerPeerInfo,
    },
    service::{ClientLifecycleMode, ClientServiceExt, Peer, RequestContext},
    transport::{StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig},
};

use self::{failure::error_data, stdio::Stdio};
use crate::http::client;

/// How long an answer may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves until the client closes standard input.
pub async fn run() -> anyhow::Result<()> {
    let url = url(&required_variable("TODO_URL", "the address of the application, such as http://localhost:8000")?)?;
    let token = required_variable("TODO_TOKEN", "an API token, which the account page makes")?;
    let client = client::builder_for(&url).timeout(REQUEST_TIMEOUT).build()?;
    let config = StreamableHttpClientTransportConfig::with_uri(url.as_str()).auth_header(token);
    // The library removes what the newest version adds to answers for clients of an older version, but adds nothing for
    // clients of a newer one.
    let lifecycle = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
    let remote = ().serve_with_lifecycle(StreamableHttpClientTransport::with_client(client, config), lifecycle).await;
    let remote = remote.map_err(|error| {
        let hint = if error.auth_challenge().is_some() {
            format!("{url} does not accept TODO_TOKEN: make a new API token on the account page")
        } else {
            format!("{url} does not answer as the application does: check TODO_URL")
        };
        anyhow::Error::from(error).context(hint)
    })?;
    let info = remote.peer_info().context("the server did not introduce itself")?;
    tracing::info!(%url, "connected");
    let forwarder = Forwarder { info: server_config(&info), remote: remote.peer().clone(), url };
    forwarder.serve(Stdio::open()).await?.waiting().await?;
    Ok(())
}

fn required_variable(name: &str, meaning: &str) -> anyhow::Result<String> {
    let value = std::env::var(name).unwrap_or_default().trim().to_owned();
    ensure!(!value.is_empty(), "{name} is not set: {meaning}");
    Ok(value)
}

fn url(text: &str) -> anyhow::Result<Url> {
    let rule = "TODO_URL must be an http:// or https:// URL such as http://localhost:3000";
    let mut url = Url::parse(text).context(rule)?;
    ensure!(matches!(url.scheme(), "http" | "https"), rule);
    let path = format!("{}/mcp", url.path().trim_end_matches('/').trim_end_matches("/mcp"));
    url.set_path(&path);
    Ok(url)
}

fn server_config(remote: &ServerPeerInfo) -> ServerConfig {
    let mut info = ServerConfig::new(remote.capabilities.clone());
    if let Some(server) = &remote.server_info {
        info = info.with_server_info(server.clone());
    }
    info.instructions.clone_from(&remote.instructions);
    info
}

/// Forwards each request to the server over HTTP.
struct Forwarder {
    remote: Peer<RoleClient>,
    info: ServerConfig,
    url: Url,
}

type ClientContext = RequestContext<RoleServer>;
type Pages = Option<PaginatedRequestParams>;

impl ServerHandler for Forwarder {
    fn get_info(&self) -> ServerConfig {
        self.info.clone()
    }

    async fn list_tools(&self, pages: Pages, _: ClientContext) -> Result<ListToolsResult, ErrorData> {
        self.remote.list_tools(pages).await.map_err(|error| error_data(error, &self.url))
    }

    async fn call_tool(&self, call: CallToolRequestParams, _: ClientContext) -> Result<CallToolResponse, ErrorData> {
        self.remote.call_tool_once(call).await.map_err(|error| error_data(error, &self.url))
    }

    async fn list_resources(&self, pages: Pages, _: ClientContext) -> Result<ListResourcesResult, ErrorData> {
        self.remote.list_resources(pages).await.map_err(|error| error_data(error, &self.url))
    }

    async fn list_resource_templates(
        &self,
        pages: Pages,
        _: ClientContext,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.remote.list_resource_templates(pages).await.map_err(|error| error_data(error, &self.url))
    }

    async fn read_resource(
        &self,
        read: ReadResourceRequestParams,
        _: ClientContext,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.remote.read_resource_once(read).await.map_err(|error| error_data(error, &self.url))
    }

    async fn list_prompts(&self, pages: Pages, _: ClientContext) -> Result<ListPromptsResult, ErrorData> {
        self.remote.list_prompts(pages).await.map_err(|error| error_data(error, &self.url))
    }

    async fn get_prompt(&self, get: GetPromptRequestParams, _: ClientContext) -> Result<GetPromptResponse, ErrorData> {
        self.remote.get_prompt_once(get).await.map_err(|error| error_data(error, &self.url))
    }
}
