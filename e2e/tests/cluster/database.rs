//! The database's image may change under its data: the chart names the official one, and the
//! flake has one without locales.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use todo_e2e::{
    program,
    release::{NAME, Release},
    suite::{Skip, Suite},
    user::User,
    wait::wait_until,
};

/// The image in the box, which is made as the flake's.
const BOX_IMAGE: &str = "box.local/todo-postgres:1";

/// The value with which volumes were made before the chart had options for `initdb`.
const NO_INITDB_ARGS: &str = "postgres.initdbArgs=";

const TITLES: &[&str] = &[
    "ÄPFEL kaufen",
    "äpfel schälen",
    "Straße fegen",
    "STRASSE fegen",
    "Жук и ЖАБА",
    "жёлтый лист",
    "漢字を練習する",
    "かなとカナ",
    // The same word with a combining accent and with a letter that has one; a search for either finds both.
    "Cafe\u{301} suchen",
    "CAFÉ finden",
    "🎉 Fest",
    "👩🏽‍🚀 Flug",
    "Zebra",
    "anders",
];

/// A text to search for, and how many of the titles have it in any case.
const SEARCHES: &[(&str, usize)] = &[
    ("Äpfel", 2),
    ("straße", 1),
    ("Strasse", 1),
    ("жук И жаба", 1),
    ("ЖЁЛТЫЙ", 1),
    ("漢字", 1),
    ("カナ", 1),
    ("CAFE\u{301}", 2),
    ("café", 2),
    ("🎉 FEST", 1),
    ("👩🏽‍🚀", 1),
    ("zEBRA", 1),
    ("an", 1),
];

/// A query for what both images have to make alike. The version of ICU's rules may differ.
const CLUSTER: &str = "
    select jsonb_agg(to_jsonb(d) - '{oid,datfrozenxid,datminmxid,datcollversion}'::text[] order by datname)
    from pg_database d;
    select name, setting from pg_settings where name in ('block_size', 'data_checksums', 'default_text_search_config',
        'lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time', 'listen_addresses', 'password_encryption',
        'server_encoding', 'wal_segment_size') order by name;
    select type, database, user_name, address, auth_method from pg_hba_file_rules order by rule_number";

pub async fn sc_003_the_data_outlives_a_change_of_the_databases_image(suite: &Suite) -> Result<()> {
    let other = other_image(suite).await?;
    let other = as_strs(&other);
    // This builds the images, if no test has yet.
    suite.images().await?;
    let start = Instant::now();
    let mut clusters = Vec::new();
    for (purpose, first, second) in [("chart-first", &[][..], &other[..]), ("other-first", &other[..], &[][..])] {
        let release = suite.release(purpose).await?;
        release.ensure_values(first).await?;
        let exec = release.kubectl(["exec", &format!("{NAME}-postgres-0"), "--", "psql", "--username", NAME]);
        clusters.push(psql(exec).await?);
        let proxy = release.proxy().await?;
        let user = User::sign_up(&proxy.url).await?;
        let (before, after) = TITLES.split_at(TITLES.len() / 2);
        create_tasks(&user, before).await?;
        for (image, titles) in [(second, after), (first, &[][..]), (second, &[][..])] {
            change_image(&release, image, &user).await?;
            create_tasks(&user, titles).await?;
            ensure_tasks(&user).await.with_context(|| format!("{purpose}, then {image:?}"))?;
        }
        suite.remove(&release.namespace).await?;
    }
    ensure!(clusters[0] == clusters[1], "the images make unlike clusters:\n{}\n{}", clusters[0], clusters[1]);
    let took = format!("{:.0} s", start.elapsed().as_secs_f64());
    suite.report.add("SC-003 data after changes of the database's image", "kept", format!("kept; 6 changes, {took}"));
    Ok(())
}

pub async fn sc_003_a_volume_with_a_locale_keeps_its_image(suite: &Suite) -> Result<()> {
    let other = other_image(suite).await?;
    let release = suite.release("locale").await?;
    release.ensure_values(&[NO_INITDB_ARGS]).await?;
    let proxy = release.proxy().await?;
    let user = User::sign_up(&proxy.url).await?;
    create_tasks(&user, TITLES).await?;
    ensure_tasks(&user).await?;
    change_image(&release, &[], &user).await?;
    ensure_tasks(&user).await.context("with the chart's options of initdb, which come too late")?;

    release.apply(&as_strs(&other)).await?;
    let output = wait_until("the image without locales refuses the volume", Duration::from_mins(1), async || {
        let pod = release.pod("postgres").await?;
        ensure!(image(&pod) == other_name(&other), "still {:?}", image(&pod));
        let log = release.log(&pod.name_any()).await?;
        ensure!(!log.is_empty(), "it has printed nothing");
        Ok(log)
    })
    .await?;
    let way_out = output.contains("the locale en_US.utf8") && output.contains("docker.io/library/postgres:");
    ensure!(way_out && output.lines().count() == 1, "it says:\n{output}");

    change_image(&release, &[], &user).await?;
    ensure_tasks(&user).await.context("after it was refused")?;
    suite.report.add("an image without the volume's locale", "one line, nothing changed", "one line, nothing changed");
    suite.remove(&release.namespace).await
}

/// The values of the image that `TODO_E2E_POSTGRES_IMAGE` names, else of the box's.
async fn other_image(suite: &Suite) -> Result<[String; 2]> {
    let image = match std::env::var("TODO_E2E_POSTGRES_IMAGE") {
        Ok(image) => image,
        Err(_) if has_box_image(suite).await? => BOX_IMAGE.to_owned(),
        Err(_) => return Err(Skip("TODO_E2E_POSTGRES_IMAGE names no image, and only the box has one".into()).into()),
    };
    let (repository, tag) = image.rsplit_once(':').with_context(|| format!("{image} has no tag"))?;
    Ok([format!("postgres.image.repository={repository}"), format!("postgres.image.tag={tag}")])
}

async fn has_box_image(suite: &Suite) -> Result<bool> {
    if suite.cluster.minikube.is_none() {
        return Ok(false);
    }
    Ok(suite.cluster.minikube(["image", "ls"]).await?.stdout.lines().any(|image| image == BOX_IMAGE))
}

/// `repository:tag`, from the values of [`other_image`].
fn other_name(values: &[String; 2]) -> String {
    let [repository, tag] = values.each_ref().map(|value| value.split_once('=').map_or("", |(_, value)| value));
    format!("{repository}:{tag}")
}

fn image(pod: &k8s_openapi::api::core::v1::Pod) -> String {
    let container = pod.spec.as_ref().and_then(|spec| spec.containers.first());
    container.and_then(|container| container.image.clone()).unwrap_or_default()
}

fn as_strs(values: &[String; 2]) -> [&str; 2] {
    values.each_ref().map(String::as_str)
}

async fn change_image(release: &Release, values: &[&str], user: &User) -> Result<()> {
    release.ensure_values(values).await?;
    // The backend asks twice a second whether the database is back.
    wait_until("the database answers", Duration::from_mins(1), async || user.tasks().await.map(drop)).await
}

async fn psql(mut exec: tokio::process::Command) -> Result<String> {
    exec.args(["--no-psqlrc", "--no-align", "--tuples-only", "--command", CLUSTER]);
    program::stdout(exec).await
}

async fn create_tasks(user: &User, titles: &[&str]) -> Result<()> {
    for title in titles {
        let task = user.create(title, &uuid::Uuid::new_v4().to_string()).await?;
        ensure!(task.title == *title, "{title} was made {}", task.title);
    }
    Ok(())
}

/// Fails unless every title is found byte for byte, in order and by searches.
async fn ensure_tasks(user: &User) -> Result<()> {
    let mut titles = TITLES.to_vec();
    titles.sort_by_key(|title| title.to_lowercase());
    let mut found = titles_of(user, "", "title").await?;
    ensure!(found == titles, "sorted by title: {found:?}");
    found = titles_of(user, "", "-title").await?;
    found.reverse();
    ensure!(found == titles, "sorted by title, descending: {found:?}");
    for (text, count) in SEARCHES {
        let found = titles_of(user, text, "title").await?;
        ensure!(found.len() == *count, "{text} was found in {found:?}");
    }
    Ok(())
}

async fn titles_of(user: &User, text: &str, sort: &str) -> Result<Vec<String>> {
    Ok(user.search(text, sort).await?.into_iter().map(|task| task.title).collect())
}
