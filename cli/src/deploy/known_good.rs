//! The last revision of a release that was seen to run: the one to go back to. Helm does not know it, since it does not
//! wait here.

use std::path::PathBuf;

use anyhow::Result;

use crate::{kubernetes::KubeContext, workspace::Workspace};

fn file(workspace: &Workspace, context: &KubeContext) -> Result<PathBuf> {
    workspace.state(&format!("{}/good-revision", context.directory()))
}

pub fn record(workspace: &Workspace, context: &KubeContext, revision: u32) -> Result<()> {
    Ok(std::fs::write(file(workspace, context)?, revision.to_string())?)
}

/// Called when the release is removed, since its revisions are removed with it.
pub fn clear(workspace: &Workspace, context: &KubeContext) -> Result<()> {
    // It is no failure if the file does not exist.
    let _ = std::fs::remove_file(file(workspace, context)?);
    Ok(())
}

/// The revision to go back to from `newest`: the last that was seen to run, else the one before it.
pub fn rollback_target(workspace: &Workspace, context: &KubeContext, newest: u32) -> Option<u32> {
    let known = file(workspace, context).ok().and_then(|file| std::fs::read_to_string(file).ok());
    let known = known.and_then(|text| text.trim().parse().ok()).filter(|&revision: &u32| revision < newest);
    known.or_else(|| newest.checked_sub(1).filter(|&revision| revision > 0))
}
