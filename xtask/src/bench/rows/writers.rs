use anyhow::Result;

use crate::bench::{
    lean,
    measurement::{Measurement, both, mean},
    pgbench::Pgbench,
    section::{Section, thousands},
    stage::Stage,
};

const USERS: usize = 1_000;

/// What the triggers cost when many users write at the same time.
pub async fn run(stage: &Stage) -> Result<Section> {
    // Its start migrates the database.
    stage.backend().await?.stop().await;
    stage
        .sql(&format!(
            "insert into users (id, email, password_hash)
             select {}, 'writer-' || n || '@example.com', '' from generate_series(1, {USERS}) as n;
             create table bench_plain (like tasks including all);
             alter table bench_plain add foreign key (user_id) references users on delete cascade;",
            user("n")
        ))
        .await?;
    let mut section = Section::new(&["writers", "plain table, inserts/s", "`tasks`, inserts/s", "share"]);
    for clients in [4, 16, 64] {
        let inserts = async |table: &str| {
            let script = format!("\\set n random(1, {USERS})\n{}", lean::create(table, &user(":n")));
            let pgbench = Pgbench { script, clients, duration: stage.duration() };
            stage.tidy().await?;
            stage.pgbench_twice(&pgbench).await
        };
        let (plain, tasks) = (inserts("bench_plain").await?, inserts("tasks").await?);
        let rate = |round: &Measurement| thousands(round.rate());
        let share = mean(&tasks, Measurement::rate) / mean(&plain, Measurement::rate);
        section.row([clients.to_string(), both(&plain, rate), both(&tasks, rate), format!("{:.0} %", share * 100.0)]);
    }
    stage.sql("drop table bench_plain").await?;
    Ok(section)
}

/// The id of a user with a number, as an expression.
fn user(number: &str) -> String {
    format!("('00000000-0000-7000-8000-' || lpad({number}::text, 12, '0'))::uuid")
}
