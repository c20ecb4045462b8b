//! A language model for the application on the cluster: it plays a script in this process.

use std::net::SocketAddr;

use anyhow::Result;
use todo_llm::{Model, Script};

use crate::cluster::Cluster;

/// Starts a model that the cluster's pods reach, and returns the values that point the backend to it.
pub async fn start(cluster: &Cluster, script: Script) -> Result<(Model, Vec<String>)> {
    let address = cluster.address_of_this_machine().await?;
    let model = Model::listen(script, SocketAddr::new(address, 0)).await?;
    let prefix = if address.is_ipv4() { 32 } else { 128 };
    let values = vec![
        format!("config.openaiBaseUrl={}", model.url()),
        // By default a model in a private network may not be reached.
        format!("networkPolicy.openaiTo[0].ipBlock.cidr={address}/{prefix}"),
        format!("networkPolicy.openaiPorts[0]={}", model.address().port()),
    ];
    Ok((model, values))
}
