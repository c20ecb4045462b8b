//! The table of rows.

mod create;
mod health;
mod list;
mod proxy;

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
        /// All rows, in the order of the document.
        pub const ROWS: &[Row] =
            &[$(Row { name: stringify!($module), about: $about, run: |stage| $module::run(stage).boxed_local() }),*];
    };
}

rows! {
    list "a list of 50 of 1,000 tasks";
    create "creating a task";
    proxy "a list through the frontend";
    health "a plain answer, for scale";
}
