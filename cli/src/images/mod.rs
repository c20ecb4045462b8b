//! The application's images: where they come from, and the tag that their content gives them.

pub mod archive;
mod builder;
mod nix;
mod revision;

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use tempfile::TempDir;

pub use self::builder::Builder;
use crate::{progress::Progress, tool, workspace::Workspace};

/// A part of the application that has an image of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// The name in the values of the chart.
    pub name: &'static str,
    pub image: &'static str,
    /// Whether the name is below `monitoring` in the values. Such an image is needed only with monitoring.
    pub monitoring: bool,
}

const BACKEND: Part = Part { name: "backend", image: "todo-backend", monitoring: false };
const FRONTEND: Part = Part { name: "frontend", image: "todo-frontend", monitoring: false };
// A Dockerfile builds none of these. Where Nix does not provide the image, the node pulls the chart's default.
const POSTGRES: Part = Part { name: "postgres", image: "todo-postgres", monitoring: false };
const PROMETHEUS: Part = Part { name: "prometheus", image: "todo-prometheus", monitoring: true };
const GRAFANA: Part = Part { name: "grafana", image: "todo-grafana", monitoring: true };

/// How a part's image is built from a checkout.
#[derive(Debug)]
pub struct Recipe {
    pub part: &'static Part,
    pub dockerfile: &'static str,
    pub context: &'static str,
    /// What the image is made from.
    pub inputs: &'static [&'static str],
}

pub const RECIPES: [Recipe; 2] = [
    Recipe {
        part: &BACKEND,
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
    Recipe {
        part: &FRONTEND,
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
    /// What `nix run .#deploy` hands over: for each part a directory as `nix/handover.nix` lays out, or a
    /// docker-archive.
    Nix(Vec<PathBuf>),
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if let Some(paths) = text.strip_prefix("nix:") {
            return Ok(Self::Nix(paths.split(',').filter(|path| !path.is_empty()).map(PathBuf::from).collect()));
        }
        let builder = Builder::ALL.into_iter().find(|builder| builder.program() == text);
        builder.map(Self::Builder).ok_or_else(|| "docker, podman, buildah or nix:PATH,PATH is wanted".into())
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
    pub async fn images(&self, workspace: &Workspace, progress: &Progress) -> Result<Vec<Image>> {
        match self {
            Self::Builder(builder) => {
                progress.println(&format!("{} builds the images", builder.program()));
                try_join_all(RECIPES.iter().map(|recipe| build_image(*builder, workspace, recipe, progress))).await
            }
            Self::Nix(paths) => nix::images(paths),
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
    /// The image is in the store of this builder, under the id that the builder uses.
    Builder(Builder, String),
    Archive(PathBuf),
    /// A program that writes the archive.
    Nix(PathBuf),
}

impl Image {
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.id[..12]
    }

    /// Writes a docker-archive of the image with the name `reference`.
    pub async fn archive(&self, workspace: &Workspace, reference: &str) -> Result<Archive> {
        let directory = scratch_directory(workspace)?;
        let source = match &self.origin {
            Origin::Archive(path) => path.clone(),
            Origin::Nix(program) => {
                let path = directory.path().join("written.tar");
                tool::text(tool::command(program.to_str().context("a path in text")?, [&path])).await?;
                path
            }
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

/// A file that is removed when the value is dropped.
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

async fn build_image(builder: Builder, workspace: &Workspace, recipe: &Recipe, progress: &Progress) -> Result<Image> {
    let revision = revision::of(workspace, recipe.inputs).await?;
    let local_id = builder.build(workspace, recipe, &revision, progress).await?;
    let id = config_digest(builder, workspace, &local_id).await?;
    Ok(Image { part: recipe.part, id, origin: Origin::Builder(builder, local_id) })
}

/// The digest of the configuration of an image in the builder's store. Docker with containerd's store uses the digest
/// of the manifest as id, so that the image has to be saved to find it. The result is kept for the next run.
async fn config_digest(builder: Builder, workspace: &Workspace, local_id: &str) -> Result<String> {
    let known = workspace.state(&format!("images/{local_id}"))?;
    if let Ok(id) = std::fs::read_to_string(&known)
        && id.len() == 64
    {
        return Ok(id);
    }
    let directory = scratch_directory(workspace)?;
    let path = directory.path().join("saved.tar");
    builder.save(local_id, &path).await?;
    let id = tokio::task::spawn_blocking(move || archive::read(&path)).await??.id;
    std::fs::write(known, &id)?;
    Ok(id)
}

fn scratch_directory(workspace: &Workspace) -> Result<TempDir> {
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
        assert_eq!("nix:/a,/b".parse(), Ok(Source::Nix(vec!["/a".into(), "/b".into()])));
        assert!("rocket".parse::<Source>().unwrap_err().contains("buildah"));
    }

    #[test]
    fn every_part_is_built_from_files_that_exist() {
        let workspace = Workspace::find().unwrap();
        for recipe in &RECIPES {
            for input in recipe.inputs.iter().chain([&recipe.dockerfile]) {
                assert!(workspace.path(input).exists(), "{input}");
            }
        }
    }
}
