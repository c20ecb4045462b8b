//! The `todo` program: what a user of the application runs. What a person who changes it runs is the crate `xtask`,
//! which uses this one.
//!
//! Start with the subcommands, one module each: [`dev`], [`deploy`], [`status`], [`verify`], [`down`], [`doctor`], and
//! [`aiops`] for `ask` and `ai-kubeconfig`. They share
//!
//! - [`postgres`]: a real PostgreSQL server without set-up; the backend's tests use it too
//! - [`database`]: that server, or the one `DATABASE_URL` names
//! - [`process`]: programs that end together with everything they started
//! - [`stack`]: backend and frontend as processes
//! - [`node`]: Node.js and the frontend's packages
//! - [`workspace`]: where things are
//! - [`images`]: the images, by whoever builds them
//! - [`cluster`]: how images get into a cluster, and how it is started
//! - [`boxes`]: going on in the box of `e2e/box`
//! - [`rollout`]: waiting for pods, and why they fail
//! - [`forward`]: the frontend on a port of this machine
//! - [`progress`]: what is under way, on the terminal
//! - [`kubernetes`]: contexts, and requests to the API server
//! - [`helm`], [`tool`]: other programs

pub mod aiops;
pub mod boxes;
pub mod cluster;
pub mod database;
pub mod deploy;
pub mod dev;
pub mod digest;
pub mod doctor;
pub mod down;
pub mod forward;
pub mod helm;
pub mod images;
pub mod kubernetes;
pub mod node;
pub mod output;
pub mod postgres;
pub mod process;
pub mod progress;
pub mod rollout;
pub mod secret;
pub mod stack;
pub mod status;
pub mod table;
pub mod tool;
pub mod verify;
pub mod workspace;
