//! The `todo` program: runs and tests the application from a checkout.
//!
//! Start with the subcommands, one module each: [`dev`], [`mod@test`], [`prepare`]. They share
//!
//! - [`postgres`]: a real PostgreSQL server without set-up; the backend's tests use it too
//! - [`database`]: that server, or the one `DATABASE_URL` names
//! - [`process`]: programs that end together with everything they started
//! - [`stack`]: backend and frontend as processes
//! - [`node`]: Node.js and the frontend's packages
//! - [`workspace`]: where things are

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
