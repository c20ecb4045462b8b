//! Images as the nodes of a cluster list them.

use serde::Deserialize;

/// One image of a list by `minikube image ls` or `crictl images`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedImage {
    id: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
}

impl ListedImage {
    /// 64 hexadecimal digits; containerd writes the algorithm before them, Docker does not.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.trim_start_matches("sha256:")
    }

    #[must_use]
    pub fn is_tagged(&self, reference: &str) -> bool {
        self.repo_tags.iter().flatten().any(|tag| full_reference(tag) == full_reference(reference))
    }
}

/// Whether the list contains the image with this id under this name.
#[must_use]
pub fn contains_image(images: &[ListedImage], reference: &str, id: &str) -> bool {
    images.iter().any(|image| image.id() == id && image.is_tagged(reference))
}

/// The id of the image that a pod's status names by its id or by a digest.
#[must_use]
pub fn resolve_image_id(images: &[ListedImage], image_id: &str) -> Option<String> {
    let name = image_id.split_once("://").map_or(image_id, |(_, name)| name);
    let Some((_, digest)) = name.split_once('@') else {
        return Some(name.trim_start_matches("sha256:").to_owned());
    };
    let image = images.iter().find(|image| {
        let mut digests = image.repo_digests.iter().flatten();
        digests.any(|known| known.split_once('@').is_some_and(|(_, known)| known == digest))
    });
    // An image that was loaded rather than pulled may have its id for a digest.
    image
        .or_else(|| images.iter().find(|image| image.id() == digest.trim_start_matches("sha256:")))
        .map(|image| image.id().to_owned())
}

/// The name with the registry that a short name implies.
fn full_reference(name: &str) -> String {
    match name.split_once('/') {
        None => format!("docker.io/library/{name}"),
        Some((registry, _)) if registry.contains(['.', ':']) || registry == "localhost" => name.to_owned(),
        Some(_) => format!("docker.io/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn containerd() -> Vec<ListedImage> {
        serde_json::from_str(include_str!("fixtures/containerd.json")).unwrap()
    }

    fn docker() -> Vec<ListedImage> {
        serde_json::from_str(include_str!("fixtures/docker.json")).unwrap()
    }

    const ID: &str = "51f47aff6ae2c5ea40017d72faa288d5987589e5b92d448f4181445cc3f4043a";

    #[test]
    fn an_image_is_there_only_with_both_its_name_and_its_id() {
        for images in [containerd(), docker()] {
            assert!(contains_image(&images, "docker.io/library/todo-backend:51f47aff6ae2", ID));
            assert!(contains_image(&images, "todo-backend:51f47aff6ae2", ID));
            assert!(!contains_image(&images, "todo-backend:other", ID));
            assert!(!contains_image(&images, "todo-backend:51f47aff6ae2", &ID.replace('5', "4")));
        }
    }

    #[test]
    fn names_get_the_registry_they_mean() {
        assert_eq!(full_reference("web:1"), "docker.io/library/web:1");
        assert_eq!(full_reference("shop/web:1"), "docker.io/shop/web:1");
        assert_eq!(full_reference("localhost:5000/web:1"), "localhost:5000/web:1");
        assert_eq!(full_reference("registry.k8s.io/pause:3"), "registry.k8s.io/pause:3");
    }

    #[test]
    fn a_running_image_is_found_by_id_and_by_digest() {
        let images = containerd();
        assert_eq!(resolve_image_id(&images, &format!("sha256:{ID}")).as_deref(), Some(ID));
        assert_eq!(resolve_image_id(&images, &format!("docker://sha256:{ID}")).as_deref(), Some(ID));
        let digest = images[0].repo_digests.as_ref().unwrap()[0].clone();
        assert_eq!(resolve_image_id(&images, &digest).as_deref(), Some(images[0].id()));
        assert_eq!(resolve_image_id(&images, "docker.io/library/x@sha256:0000"), None);
    }
}
