//! Docker archives: tar files that hold `manifest.json`, an image's configuration and its layers.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use tar::{Archive, Builder, Header};

use crate::digest;

const MANIFEST: &str = "manifest.json";

/// Other descriptions of the same image. containerd prefers them, and they hold the old name or none.
const OTHER_MANIFESTS: &[&str] = &["index.json", "oci-layout", "repositories"];

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// 64 hexadecimal digits: SHA-256 of the configuration.
    pub id: String,
    pub tags: Vec<String>,
}

pub fn read(path: &Path) -> Result<Contents> {
    read_from(&mut open(path)?).with_context(|| format!("{} is no image archive", path.display()))
}

fn read_from(file: &mut File) -> Result<Contents> {
    let entry = manifest(file)?;
    let config =
        member(file, &entry.config)?.with_context(|| format!("its configuration {} is missing", entry.config))?;
    Ok(Contents { id: digest::sha256(&config), tags: entry.repo_tags.unwrap_or_default() })
}

/// Writes the archive again with `reference` as the image's only name.
pub fn retag(from: &Path, to: &Path, reference: &str) -> Result<()> {
    let copied = || -> Result<()> {
        let mut source = open(from)?;
        let mut entry = manifest(&mut source)?;
        entry.repo_tags = Some(vec![reference.to_owned()]);
        let manifest = serde_json::to_vec(&[entry])?;
        source.rewind()?;
        let mut target = Builder::new(File::create(to)?);
        for member in Archive::new(&source).entries_with_seek()? {
            let member = member?;
            let name = member.path()?.to_string_lossy().into_owned();
            if name != MANIFEST && !OTHER_MANIFESTS.contains(&name.as_str()) {
                target.append(&member.header().clone(), member)?;
            }
        }
        let mut header = Header::new_gnu();
        header.set_size(manifest.len() as u64);
        header.set_mode(0o644);
        target.append_data(&mut header, MANIFEST, manifest.as_slice())?;
        target.into_inner()?;
        Ok(())
    };
    copied().with_context(|| format!("cannot write {} from {}", to.display(), from.display()))
}

/// Opens an archive, and decompresses it if needed: of a compressed one Minikube loads nothing, and reports no error.
fn open(path: &Path) -> Result<File> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut magic = [0; 2];
    let compressed = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    file.rewind()?;
    if !compressed {
        return Ok(file);
    }
    let mut plain = tempfile::tempfile()?;
    std::io::copy(&mut GzDecoder::new(file), &mut plain)?;
    plain.rewind()?;
    Ok(plain)
}

fn manifest(file: &mut File) -> Result<Entry> {
    let text = member(file, MANIFEST)?.with_context(|| format!("it has no {MANIFEST}; wanted is a docker-archive"))?;
    let mut entries: Vec<Entry> = serde_json::from_slice(&text)?;
    ensure!(entries.len() == 1, "it holds {} images; wanted is one", entries.len());
    entries.pop().context("it holds no image")
}

fn member(file: &mut File, name: &str) -> Result<Option<Vec<u8>>> {
    file.seek(SeekFrom::Start(0))?;
    for member in Archive::new(&*file).entries_with_seek()? {
        let mut member = member?;
        if member.path()?.to_str().map(|path| path.trim_start_matches("./")) == Some(name) {
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes)?;
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// The name without registry and tag: `todo-backend` of `docker.io/library/todo-backend:1`.
pub fn base_name(reference: &str) -> Result<&str> {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    match name.split([':', '@']).next() {
        Some(name) if !name.is_empty() => Ok(name),
        _ => bail!("`{reference}` is no image name"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// An archive as `docker save` of an id writes it.
    fn archive(path: &Path, config: &[u8]) {
        let mut builder = Builder::new(File::create(path).unwrap());
        let mut add = |name: &str, bytes: &[u8]| {
            let mut header = Header::new_gnu();
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, name, bytes).unwrap();
        };
        add("blobs/sha256/layer", b"layer");
        add("blobs/sha256/config", config);
        add("index.json", b"{}");
        add("oci-layout", b"{}");
        add(MANIFEST, br#"[{"Config":"blobs/sha256/config","RepoTags":null,"Layers":["blobs/sha256/layer"]}]"#);
        builder.into_inner().unwrap();
    }

    fn names(path: &Path) -> Vec<String> {
        let mut archive = Archive::new(File::open(path).unwrap());
        archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
    }

    #[test]
    fn the_id_is_the_digest_of_the_configuration() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image.tar");
        archive(&path, b"{}");
        let contents = read(&path).unwrap();
        assert_eq!(contents.id, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        assert!(contents.tags.is_empty());
    }

    #[test]
    fn a_new_name_replaces_every_other_and_keeps_the_id() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from.tar"), directory.path().join("to.tar"));
        archive(&from, b"{}");
        retag(&from, &to, "docker.io/library/shop:1").unwrap();
        let contents = read(&to).unwrap();
        assert_eq!(contents.tags, ["docker.io/library/shop:1"]);
        assert_eq!(contents.id, read(&from).unwrap().id);
        assert_eq!(names(&to), ["blobs/sha256/layer", "blobs/sha256/config", MANIFEST]);
    }

    #[test]
    fn a_compressed_archive_is_unpacked() {
        let directory = tempfile::tempdir().unwrap();
        let (plain, packed, to) =
            ["plain.tar", "packed.tar.gz", "to.tar"].map(|name| directory.path().join(name)).into();
        archive(&plain, b"{}");
        let mut encoder = flate2::write::GzEncoder::new(File::create(&packed).unwrap(), flate2::Compression::fast());
        encoder.write_all(&std::fs::read(&plain).unwrap()).unwrap();
        encoder.finish().unwrap();
        assert_eq!(read(&packed).unwrap(), read(&plain).unwrap());
        retag(&packed, &to, "shop:1").unwrap();
        assert_eq!(read(&to).unwrap().tags, ["shop:1"]);
    }

    #[test]
    fn what_is_no_archive_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image.tar");
        std::fs::write(&path, [0_u8; 1024]).unwrap();
        let error = format!("{:#}", read(&path).unwrap_err());
        assert!(error.contains("image.tar is no image archive") && error.contains(MANIFEST), "{error}");
        let error = format!("{:#}", read(&directory.path().join("missing.tar")).unwrap_err());
        assert!(error.contains("missing.tar"), "{error}");
    }

    #[test]
    fn the_name_of_a_reference() {
        for reference in
            ["todo-backend", "todo-backend:1", "docker.io/library/todo-backend:1", "host:5000/x/todo-backend"]
        {
            assert_eq!(base_name(reference).unwrap(), "todo-backend");
        }
        assert!(base_name("host/").is_err());
    }
}
