//! The PostgreSQL to work with: the one `DATABASE_URL` names, else a server of our own.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use sqlx::{Postgres, migrate::MigrateDatabase};
use url::Url;

use crate::postgres::Server;

#[derive(Debug)]
pub enum Databases {
    External(Url),
    Own(Server),
}

impl Databases {
    /// The server for development, whose data is kept after the run.
    pub async fn keeping(data_dir: PathBuf) -> Result<Self> {
        match external()? {
            Some(url) => Ok(Self::External(url)),
            None => Ok(Self::Own(Server::keeping(data_dir).await?)),
        }
    }

    /// The server for tests, whose data is removed after the run.
    pub async fn throwaway() -> Result<Self> {
        match external()? {
            Some(url) => Ok(Self::External(url)),
            None => Ok(Self::Own(Server::throwaway().await?)),
        }
    }

    /// The URL of the database an application works in: of `name` on our own server, made when missing; on another
    /// server the one it names itself.
    pub async fn application(&self, name: &str) -> Result<String> {
        match self {
            Self::External(url) => Ok(url.to_string()),
            Self::Own(server) => server.create_database(name).await,
        }
    }

    /// The URL of an empty database for one use.
    pub async fn empty(&self, name: &str) -> Result<String> {
        let url = self.url(name);
        let made = async {
            if Postgres::database_exists(&url).await? {
                Postgres::force_drop_database(&url).await?;
            }
            Postgres::create_database(&url).await
        };
        made.await.with_context(|| format!("cannot make the database {name}"))?;
        Ok(url)
    }

    /// The URL of a database that exists on any server, with the right to make others.
    #[must_use]
    pub fn administration(&self) -> String {
        match self {
            Self::External(url) => url.to_string(),
            Self::Own(server) => server.url("postgres"),
        }
    }

    /// What to try when the database refuses the application.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::External(_) => "see DATABASE_URL, or unset it to use a PostgreSQL of our own".into(),
            Self::Own(server) => {
                format!("if the data is to blame, delete {} to start empty", server.data_dir().display())
            }
        }
    }

    /// Completes when our own server has ended by itself.
    pub async fn fail_on_exit(&mut self) -> Result<()> {
        let Self::Own(server) = self else { return std::future::pending().await };
        while server.is_running() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!("PostgreSQL ended; its last lines:\n{}", server.log())
    }

    fn url(&self, database: &str) -> String {
        match self {
            Self::External(url) => {
                let mut url = url.clone();
                url.set_path(database);
                url.into()
            }
            Self::Own(server) => server.url(database),
        }
    }
}

fn external() -> Result<Option<Url>> {
    match std::env::var("DATABASE_URL") {
        Ok(url) if !url.is_empty() => {
            let url: Url = url.parse().context("DATABASE_URL is no URL")?;
            Ok(Some(url))
        }
        _ => Ok(None),
    }
}
