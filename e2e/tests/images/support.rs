//! Images as `docker build` makes them, of this tree or of a changed copy.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

pub struct Image {
    pub name: &'static str,
    dockerfile: &'static str,
    context: &'static str,
    root: PathBuf,
    arguments: Vec<String>,
    stage: Option<&'static str>,
}

fn image(name: &'static str, dockerfile: &'static str, context: &'static str) -> Image {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    Image { name, dockerfile, context, root, arguments: Vec::new(), stage: None }
}

pub fn backend() -> Image {
    image("backend", "backend/Dockerfile", ".")
}

pub fn frontend() -> Image {
    image("frontend", "frontend/Dockerfile", "frontend")
}

pub fn images() -> [Image; 2] {
    [backend(), frontend()]
}

impl Image {
    /// The same Dockerfile of another tree.
    pub fn of(mut self, tree: &Tree) -> Self {
        tree.path().clone_into(&mut self.root);
        self
    }

    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        self
    }

    /// Builds only up to a stage of the Dockerfile.
    pub fn stage(mut self, stage: &'static str) -> Self {
        self.stage = Some(stage);
        self
    }

    /// Builds the image, if anything has changed, and returns its id.
    pub fn build(&self) -> String {
        self.try_build().unwrap_or_else(|error| panic!("{} does not build:\n{error}", self.name))
    }

    pub fn try_build(&self) -> Result<String, String> {
        let mut build = Command::new("docker");
        build.args(["build", "--quiet", "--file"]).arg(self.root.join(self.dockerfile));
        for argument in &self.arguments {
            build.args(["--build-arg", argument]);
        }
        if let Some(stage) = self.stage {
            build.args(["--target", stage]);
        }
        if let Some(authorities) = std::env::var_os("SSL_CERT_FILE") {
            build.arg(format!("--secret=id=ca,src={}", Path::new(&authorities).display()));
        }
        run(build.arg(self.root.join(self.context)))
    }

    /// What a Go template prints of the image.
    pub fn inspect(&self, format: &str) -> String {
        docker(&["image", "inspect", "--format", format, &self.build()])
    }

    /// The paths of its files, relative to its root.
    pub fn files(&self) -> Vec<String> {
        let container = docker(&["create", &self.build()]);
        let listing = Command::new("sh")
            .args(["-c", "docker export \"$1\" | tar --list --file=-", "sh", &container])
            .output()
            .unwrap();
        docker(&["rm", &container]);
        let files = text(listing).unwrap();
        files.lines().map(str::to_owned).collect()
    }
}

/// Runs docker, which has to succeed, and returns its output without the end of the last line.
pub fn docker(arguments: &[&str]) -> String {
    run(Command::new("docker").args(arguments)).unwrap_or_else(|error| panic!("docker {arguments:?}: {error}"))
}

fn run(command: &mut Command) -> Result<String, String> {
    text(command.output().expect("docker is installed"))
}

fn text(output: Output) -> Result<String, String> {
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// A copy of the checkout's files that git knows of, or would add.
pub struct Tree(TempDir);

impl Tree {
    pub fn copy() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        let copied = Command::new("sh")
            .args(["-c", "git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- -c | tar -x -C \"$1\"", "sh"])
            .arg(tree.path())
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
            .status()
            .unwrap();
        assert!(copied.success(), "the checkout cannot be copied");
        tree
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path().join(file)).unwrap()
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}
