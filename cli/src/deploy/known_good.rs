//! The last revision of a release that was seen to run: the one to go back to. Helm does not know it, since it does not
//! wait here.

use std::path::PathBuf;

use anyhow::Result;

use crate::{kubectl::Kubectl, workspace::Workspace};

fn file(workspace: &Workspace, kubectl: &Kubectl) -> Result<PathBuf> {
    workspace.state(&format!("{}/good-revision", kubectl.directory()))
}

pub fn remember(workspace: &Workspace, kubectl: &Kubectl, revision: u32) -> Result<()> {
    Ok(std::fs::write(file(workspace, kubectl)?, revision.to_string())?)
}

/// With the release its revisions are gone.
pub fn forget(workspace: &Workspace, kubectl: &Kubectl) -> Result<()> {
    // There may be none.
    let _ = std::fs::remove_file(file(workspace, kubectl)?);
    Ok(())
}

/// The one to go back to from `newest`; where none is known the one before it.
pub fn before(workspace: &Workspace, kubectl: &Kubectl, newest: u32) -> Option<u32> {
    let known = file(workspace, kubectl).ok().and_then(|file| std::fs::read_to_string(file).ok());
    let known = known.and_then(|text| text.trim().parse().ok()).filter(|&revision: &u32| revision < newest);
    known.or_else(|| newest.checked_sub(1).filter(|&revision| revision > 0))
}
