//! The application's images: where they come from, and the tag that their content gives them.

pub mod archive;
mod builder;
mod revision;

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, Result, bail};
use futures_util::future::try_join_all;
use tempfile::TempDir;

pub use self::builder::Builder;
use crate::{live::Live, workspace::Workspace};

/// A part of the application that has an image of its own.
#[derive(Debug)]
pub struct Part {
    /// As in the chart's values.
    pub name: &'static str,
    pub image: &'static str,
    pub dockerfile: &'static str,
    pub context: &'static str,
    /// What the image is made from.
    pub inputs: &'static [&'static str],
}

pub const PARTS: [Part; 2] = [
    Part {
        name: "backend",
        image: "todo-backend",
        dockerfile: "backend/Dockerfile",
        context: ".",
        inputs: &[
            "Cargo.lock",
            "Cargo.toml",
            "backend/.sqlx",
            "backend/Cargo.toml",
            "backend/Dockerfile",
            "backend/build.rs",
            "backend/migrations",
            "backend/src",
        ],
    },
    Part {
        name: "frontend",
        image: "todo-frontend",
        dockerfile: "frontend/Dockerfile",
        context: "frontend",
        inputs: &[
            "frontend/Dockerfile",
            "frontend/next.config.ts",
            "frontend/package-lock.json",
            "frontend/package.json",
            "frontend/postcss.config.mjs",
            "frontend/scripts",
            "frontend/src",
            "frontend/tsconfig.json",
        ],
    },
];

/// Where images come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Builder(Builder),
    /// Docker archives, one for each part.
    Archives(Vec<PathBuf>),
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if let Some(paths) = text.strip_prefix("nix:") {
            return Ok(Self::Archives(paths.split(',').filter(|path| !path.is_empty()).map(PathBuf::from).collect()));
        }
        let builder = Builder::ALL.into_iter().find(|builder| builder.program() == text);
        builder.map(Self::Builder).ok_or_else(|| "docker, podman, buildah or nix:ARCHIVE,ARCHIVE is wanted".into())
    }
}

impl Source {
    /// The first builder on this machine that works, or why none does.
    pub async fn find() -> std::result::Result<Self, String> {
        let mut reasons = Vec::new();
        for builder in Builder::ALL {
            match builder.version().await {
                Ok(_) => return Ok(Self::Builder(builder)),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(reasons.join("; "))
    }

    /// The images of all parts, built side by side.
    pub async fn images(&self, workspace: &Workspace, live: &Live) -> Result<Vec<Image>> {
        match self {
            Self::Builder(builder) => {
                live.say(&format!("{} builds the images", builder.program()));
                try_join_all(PARTS.iter().map(|part| built(*builder, workspace, part, live))).await
            }
            Self::Archives(paths) => PARTS.iter().map(|part| archived(paths, part)).collect(),
        }
    }
}

/// One part's image.
#[derive(Debug)]
pub struct Image {
    pub part: &'static Part,
    /// 64 hexadecimal digits: the digest of the image's configuration, whoever built it.
    pub id: String,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    /// In this builder's store, under the id it uses.
    Builder(Builder, String),
    Archive(PathBuf),
}

impl Image {
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.id[..12]
    }

    /// A docker-archive of the image under `reference`.
    pub async fn archive(&self, workspace: &Workspace, reference: &str) -> Result<Archive> {
        let directory = scratch(workspace)?;
        let source = match &self.origin {
            Origin::Archive(path) => path.clone(),
            Origin::Builder(builder, id) => {
                let path = directory.path().join("saved.tar");
                builder.save(id, &path).await?;
                path
            }
        };
        // The name is unique in the node that it is copied to.
        let path = directory.path().join(format!("{}-{}.tar", self.part.image, self.tag()));
        let (from, to, reference) = (source, path.clone(), reference.to_owned());
        tokio::task::spawn_blocking(move || archive::retag(&from, &to, &reference)).await??;
        Ok(Archive { path, _directory: directory })
    }
}

/// A file that is gone when dropped.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    _directory: TempDir,
}

impl Archive {
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

async fn built(builder: Builder, workspace: &Workspace, part: &'static Part, live: &Live) -> Result<Image> {
    let revision = revision::of(workspace, part.inputs).await?;
    let local_id = builder.build(workspace, part, &revision, live).await?;
    let id = config_digest(builder, workspace, &local_id).await?;
    Ok(Image { part, id, origin: Origin::Builder(builder, local_id) })
}

/// The digest of the configuration of an image in the builder's store. Docker with containerd's store gives the
/// manifest's digest as id, so only the saved image tells; what it told is kept.
async fn config_digest(builder: Builder, workspace: &Workspace, local_id: &str) -> Result<String> {
    let known = workspace.state(&format!("images/{local_id}"))?;
    if let Ok(id) = std::fs::read_to_string(&known)
        && id.len() == 64
    {
        return Ok(id);
    }
    let directory = scratch(workspace)?;
    let path = directory.path().join("saved.tar");
    builder.save(local_id, &path).await?;
    let id = tokio::task::spawn_blocking(move || archive::read(&path)).await??.id;
    std::fs::write(known, &id)?;
    Ok(id)
}

fn archived(paths: &[PathBuf], part: &'static Part) -> Result<Image> {
    for path in paths {
        let contents = archive::read(path)?;
        let named = contents.tags.iter().any(|tag| archive::base_name(tag).is_ok_and(|name| name == part.image));
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        if named || (contents.tags.is_empty() && file.contains(part.name)) {
            return Ok(Image { part, id: contents.id, origin: Origin::Archive(path.clone()) });
        }
    }
    bail!("--images names no archive of {}", part.image)
}

fn scratch(workspace: &Workspace) -> Result<TempDir> {
    let state = workspace.state("images/scratch")?;
    let parent = state.parent().context("the state has a directory")?;
    tempfile::tempdir_in(parent).with_context(|| format!("cannot write to {}", parent.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_named() {
        assert_eq!("podman".parse(), Ok(Source::Builder(Builder::Podman)));
        assert_eq!("nix:/a,/b".parse(), Ok(Source::Archives(vec!["/a".into(), "/b".into()])));
        assert!("rocket".parse::<Source>().unwrap_err().contains("buildah"));
    }

    #[test]
    fn every_part_is_built_from_files_that_exist() {
        let workspace = Workspace::find().unwrap();
        for part in &PARTS {
            for input in part.inputs.iter().chain([&part.dockerfile]) {
                assert!(workspace.path(input).exists(), "{input}");
            }
        }
    }
}
