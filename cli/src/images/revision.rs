//! The revision of the source an image is built from.

use anyhow::Result;

use crate::{tool, workspace::Workspace};

/// The last commit that touched `inputs`, with `-dirty` where they differ from it; `unknown` outside a repository.
pub async fn of(workspace: &Workspace, inputs: &[&str]) -> Result<String> {
    let git = |arguments: &[&str]| {
        let mut git = tool::command("git", arguments);
        git.arg("--").args(inputs).current_dir(workspace.root());
        tool::output(git)
    };
    let (Ok(commit), Ok(changes)) = tokio::join!(git(&["log", "-1", "--format=%H"]), git(&["status", "--porcelain"]))
    else {
        return Ok("unknown".into());
    };
    let commit = String::from_utf8_lossy(&commit.stdout).trim().to_owned();
    Ok(match commit.is_empty() {
        true => "unknown".into(),
        false if changes.stdout.is_empty() => commit,
        false => format!("{commit}-dirty"),
    })
}
