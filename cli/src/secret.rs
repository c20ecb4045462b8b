//! Passwords and keys of our own making.

use std::{io::Write, path::Path};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

use crate::digest;

/// 256 random bits as 64 hexadecimal digits.
pub fn generate() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(digest::hex(&bytes))
}

/// Writes a file whole or not at all, which only its owner can read, whatever was there.
pub fn write(path: &Path, text: &str) -> Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = || {
        let mut temporary = NamedTempFile::new_in(directory)?;
        temporary.write_all(text.as_bytes())?;
        temporary.persist(path)?;
        std::io::Result::Ok(())
    };
    written().with_context(|| format!("cannot write {}", path.display()))
}
