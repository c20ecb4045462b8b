//! The `todo` program: runs, tests and deploys the application from a checkout.
//!
//! Start with the subcommands, one module each: [`dev`], [`mod@test`], [`prepare`], [`deploy`], [`status`], [`verify`],
//! [`down`], [`doctor`], [`aiops`] for `ask` and `ai-kubeconfig`, and [`sandbox`] for `box`. They share
//!
//! - [`postgres`]: a real PostgreSQL server without set-up; the backend's tests use it too
//! - [`database`]: that server, or the one `DATABASE_URL` names
//! - [`process`]: programs that end together with everything they started
//! - [`stack`]: backend and frontend as processes
//! - [`node`]: Node.js and the frontend's packages
//! - [`workspace`]: where things are
//! - [`images`]: the images, by whoever builds them
//! - [`cluster`]: how images get into a cluster, and how it is started
//! - [`rollout`]: waiting for pods, and why they fail
//! - [`forward`]: the frontend on a port of this machine
//! - [`monitoring`]: the dashboards, and Prometheus's answers
//! - [`kubectl`], [`helm`], [`tool`]: other programs

pub mod aiops;
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
pub mod kubectl;
pub mod live;
pub mod monitoring;
pub mod node;
pub mod output;
pub mod postgres;
pub mod prepare;
pub mod process;
pub mod rollout;
pub mod sandbox;
pub mod secret;
pub mod stack;
pub mod status;
pub mod table;
pub mod test;
pub mod tool;
pub mod verify;
pub mod workspace;
