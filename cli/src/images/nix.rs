//! Images that Nix built, as `nix/handover.nix` lays them out: a directory with
//!
//! - `name`: the image's name
//! - `id`: 64 hexadecimal digits, the digest of its configuration
//! - `archive`: a program that writes the image as a docker-archive into the file it is given

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::{BACKEND, FRONTEND, GRAFANA, Image, Origin, POSTGRES, PROMETHEUS, Part, archive};

/// The images of the application at these paths, which may also be docker-archives. Only those of backend and frontend
/// must be there: others are pulled by the cluster.
pub fn images(paths: &[PathBuf]) -> Result<Vec<Image>> {
    let images: Vec<Image> = paths.iter().map(|path| image(path)).collect::<Result<_>>()?;
    for part in [&BACKEND, &FRONTEND] {
        ensure!(images.iter().any(|image| image.part == part), "--images names no image of {}", part.image);
    }
    Ok(images)
}

fn image(path: &Path) -> Result<Image> {
    if !path.is_dir() {
        let contents = archive::read(path)?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let named = contents.tags.iter().find_map(|tag| part_of(archive::base_name(tag).ok()?));
        let part =
            named.or_else(|| part_of(&file)).with_context(|| format!("{} has no name of ours", path.display()))?;
        return Ok(Image { part, id: contents.id, origin: Origin::Archive(path.to_owned()) });
    }
    let text = |name: &str| {
        let path = path.join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let (name, id) = (text("name")?, text("id")?);
    let Some(part) = part_of(&name) else { bail!("{} holds an unknown image, {name}", path.display()) };
    ensure!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}/id is no id", path.display());
    Ok(Image { part, id, origin: Origin::Nix(path.join("archive")) })
}

/// The part whose image has this name, or a file named after it.
fn part_of(name: &str) -> Option<&'static Part> {
    [&BACKEND, &FRONTEND, &POSTGRES, &PROMETHEUS, &GRAFANA].into_iter().find(|part| name.contains(part.image))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ID: &str = "51f47aff6ae2c5ea40017d72faa288d5987589e5b92d448f4181445cc3f4043a";

    fn hand_over(directory: &Path, name: &str, id: &str) -> PathBuf {
        let path = directory.join(format!("{name}-handover"));
        fs::create_dir(&path).unwrap();
        fs::write(path.join("name"), name).unwrap();
        fs::write(path.join("id"), id).unwrap();
        path
    }

    #[test]
    fn what_nix_hands_over_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let paths =
            ["todo-frontend", "todo-postgres", "todo-backend"].map(|name| hand_over(directory.path(), name, ID));
        let found: Vec<_> =
            images(&paths).unwrap().iter().map(|image| (image.part.name, image.tag().to_owned())).collect();
        let tag = || ID[..12].to_owned();
        assert_eq!(found, [("frontend", tag()), ("postgres", tag()), ("backend", tag())]);
        let error = images(&paths[..2]).unwrap_err().to_string();
        assert!(error.contains("todo-backend"), "{error}");
    }

    #[test]
    fn what_is_no_image_of_ours_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let other = hand_over(directory.path(), "other", ID);
        assert!(images(&[other]).unwrap_err().to_string().contains("unknown image, other"));
        let broken = hand_over(directory.path(), "todo-backend", "51f4");
        assert!(images(&[broken]).unwrap_err().to_string().contains("is no id"));
        let missing = format!("{:#}", images(&[directory.path().join("missing")]).unwrap_err());
        assert!(missing.contains("missing"), "{missing}");
    }
}
