//! The Kubernetes API, always with an explicit context and namespace.

mod config;
mod error;

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Namespace};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};

pub use self::config::{cluster_of, current_context, is_local, load, read_config};
use crate::boxes;

/// How long the answer to a request may take, so that an API server that does not answer cannot block a command.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// How long an object may take to be gone after it was deleted. A volume or a namespace is held back by finalizers.
const DELETION_TIMEOUT: Duration = Duration::from_mins(3);
const POLL: Duration = Duration::from_millis(200);

/// The label of the objects that we create in addition to the release.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of that label, and the name under which the API server records the fields that we set.
pub const FIELD_MANAGER: &str = "cargo-todo";

/// A context of the kubeconfig, and a namespace in its cluster.
#[derive(Clone, Debug)]
pub struct KubeContext {
    pub name: String,
    pub namespace: String,
}

impl KubeContext {
    /// The directory for this context and namespace, below the checkout's state.
    #[must_use]
    pub fn directory(&self) -> String {
        let plain = |text: &str| text.replace(|it: char| !it.is_ascii_alphanumeric() && it != '.' && it != '_', "-");
        format!("deploy/{}/{}", plain(&self.name), plain(&self.namespace))
    }

    /// A `kubectl` command to show to the user.
    #[must_use]
    pub fn kubectl(&self, arguments: &str) -> String {
        boxes::command_line(&format!("kubectl --context {} --namespace {} {arguments}", self.name, self.namespace))
    }

    /// A client from the current kubeconfig. Nothing is sent yet.
    ///
    /// Starting a cluster changes the kubeconfig, so this has to be called after that.
    pub async fn connect(&self) -> Result<KubeClient> {
        KubeClient::new(self.clone(), load(&self.name).await?)
    }
}

/// A client for the objects of one namespace. Every request has a time limit, and every error names the context.
#[derive(Clone)]
pub struct KubeClient {
    pub context: KubeContext,
    /// `HOST:PORT` of the API server.
    server: String,
    client: Client,
}

/// A kind of object that lives in a namespace.
pub trait Namespaced:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned
{
}

impl<K> Namespaced for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned
{
}

impl KubeClient {
    pub fn new(context: KubeContext, config: Config) -> Result<Self> {
        // Without a user's name and password, since it is shown in errors.
        let authority = config.cluster_url.authority().map_or("", |authority| authority.as_str());
        let server = authority.rsplit('@').next().unwrap_or_default().to_owned();
        let client = Client::try_from(config).map_err(|error| error::describe(&error, &context, &server))?;
        Ok(Self { context, server, client })
    }

    /// The same client for another namespace.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        let context = KubeContext { namespace: namespace.to_owned(), ..self.context.clone() };
        Self { context, ..self.clone() }
    }

    /// The client of `kube` itself, which has no time limit.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The API of one kind, for requests that have no method here; they are made within [`KubeClient::request`].
    #[must_use]
    pub fn api<K: Namespaced>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.context.namespace)
    }

    fn namespaces(&self) -> Api<Namespace> {
        Api::all(self.client.clone())
    }

    /// Waits for the answer to a request, and turns its failure into words for the user.
    pub async fn request<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<T> {
        match tokio::time::timeout(REQUEST_TIMEOUT, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(error::describe(&error, &self.context, &self.server)),
            Err(_) => Err(error::unreachable(
                &self.context,
                &self.server,
                &format!("no answer within {} s", REQUEST_TIMEOUT.as_secs()),
            )),
        }
    }

    /// The version of the API server, such as `v1.34.1`.
    pub async fn version(&self) -> Result<String> {
        Ok(self.request(self.client.apiserver_version()).await?.git_version)
    }

    pub async fn get<K: Namespaced>(&self, name: &str) -> Result<K> {
        self.request(self.api().get(name)).await
    }

    pub async fn list<K: Namespaced>(&self, parameters: &ListParams) -> Result<Vec<K>> {
        // The future is on the heap, since callers hold several of them at the same time.
        Ok(self.request(Box::pin(self.api().list(parameters))).await?.items)
    }

    /// The names of the objects with these labels. Only their metadata is requested, since their content may be secret.
    pub async fn names<K: Namespaced>(&self, labels: &str) -> Result<Vec<String>> {
        let list = ListParams::default().labels(labels);
        let objects = self.request(self.api::<K>().list_metadata(&list)).await?;
        Ok(objects.iter().map(ResourceExt::name_any).collect())
    }

    /// Creates an object, or gives an existing one this state, whoever has changed it.
    pub async fn apply<K: Namespaced + Serialize>(&self, object: &K) -> Result<()> {
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        self.request(self.api::<K>().patch(&object.name_any(), &parameters, &Patch::Apply(object))).await.map(drop)
    }

    /// Deletes an object, if it is there, and waits until it is gone.
    pub async fn delete<K: Namespaced>(&self, name: &str) -> Result<()> {
        self.delete_from(&self.api::<K>(), name).await
    }

    /// The namespace, if there is one of this name.
    pub async fn namespace(&self) -> Result<Option<Namespace>> {
        self.request(self.namespaces().get_opt(&self.context.namespace)).await
    }

    /// Creates the namespace if there is none, with Pod Security `restricted` and the label of our objects. Returns
    /// whether it had to be created.
    pub async fn ensure_namespace(&self) -> Result<bool> {
        if self.namespace().await?.is_some() {
            return Ok(false);
        }
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(self.context.namespace.clone());
        let labels = [(MANAGED_BY, FIELD_MANAGER), ("pod-security.kubernetes.io/enforce", "restricted")];
        namespace.labels_mut().extend(labels.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let parameters = PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() };
        self.request(self.namespaces().create(&parameters, &namespace)).await?;
        Ok(true)
    }

    /// Whether the namespace is one that [`KubeClient::ensure_namespace`] created.
    pub async fn owns_namespace(&self) -> Result<bool> {
        let namespace = self.namespace().await?;
        Ok(namespace.is_some_and(|it| it.labels().get(MANAGED_BY).is_some_and(|manager| manager == FIELD_MANAGER)))
    }

    /// Deletes the namespace with all that is in it, and waits until it is gone.
    pub async fn delete_namespace(&self) -> Result<()> {
        self.delete_from(&self.namespaces(), &self.context.namespace).await
    }

    async fn delete_from<K>(&self, api: &Api<K>, name: &str) -> Result<()>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let is_deleted = async {
            match api.delete(name, &DeleteParams::background()).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => Ok(false),
                answer => answer.map(|_| true),
            }
        };
        if !self.request(is_deleted).await? {
            return Ok(());
        }
        let end = Instant::now() + DELETION_TIMEOUT;
        while self.request(api.get_metadata_opt(name)).await?.is_some() {
            let kind = K::kind(&()).to_lowercase();
            ensure!(
                Instant::now() < end,
                "{kind}/{name} is still there {} s after it was deleted; what holds it back: `{}`",
                DELETION_TIMEOUT.as_secs(),
                self.context.kubectl(&format!("describe {kind} {name}")),
            );
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}
