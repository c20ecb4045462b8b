//! The table of rows.

mod create;
mod events;
mod export;
mod growth;
mod health;
mod list;
mod proxy;
mod search;
mod wire;
mod writers;

use anyhow::Result;
use futures_util::future::{FutureExt, LocalBoxFuture};

use super::{section::Section, stage::Stage};

type Run = for<'a> fn(&'a Stage) -> LocalBoxFuture<'a, Result<Section>>;

pub struct Row {
    pub name: &'static str,
    pub about: &'static str,
    pub run: Run,
}

macro_rules! rows {
    ($($module:ident $about:literal;)*) => {
        /// All rows, in the order in which they are measured. Those that write small amounts come before those that fill
        /// the tables.
        pub const ROWS: &[Row] =
            &[$(Row { name: stringify!($module), about: $about, run: |stage| $module::run(stage).boxed_local() }),*];
    };
}

rows! {
    list "a list of 50 of 1,000 tasks";
    create "creating a task";
    health "a plain answer, for scale";
    writers "creating by many writers of 1,000 users: pgbench with and without the triggers";
    growth "a page of a list, by the number of the user's tasks";
    search "searching in 100,000 tasks";
    export "the export of all tasks";
    events "a change until another client on another replica has it";
    proxy "a list through the frontend";
    wire "the size of a list of 50 tasks";
}
