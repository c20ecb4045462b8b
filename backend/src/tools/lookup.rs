//! Finding the task that is meant: people and models speak of titles.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    error::{Candidate, Failure, ToolError},
    tool::Target,
};
use crate::{
    tasks::{self, MAX_TITLE_CHARACTERS, Status, Task, get},
    validation::FieldError,
};

/// Candidates that one refusal lists.
const MAX_CANDIDATES: usize = 10;

/// The task that was found before, if it still has the same version.
pub async fn get_version(connection: &mut PgConnection, user_id: Uuid, target: &Target) -> Result<Task, Failure> {
    let task = get(connection, user_id, target.id).await?;
    if task.version == target.version { Ok(task) } else { Err(Failure::Refused(ToolError::changed())) }
}

/// The task with this id, else the only one with this title, else the only one whose title contains it; in any case of
/// letters and in any composition of them from Unicode's characters; ASCII needs no normalization. Where `preferred` is
/// given, tasks of that status go before equal ones of the other.
pub async fn lookup(
    connection: &mut PgConnection,
    user_id: Uuid,
    task: &str,
    preferred: Option<Status>,
) -> Result<Task, Failure> {
    let name = task.trim();
    if name.is_empty() || name.chars().count() > MAX_TITLE_CHARACTERS || name.contains('\0') {
        let rule = "must be an id or a title: 1 to 200 characters, without the NUL character";
        return Err(FieldError::new("task", rule).into());
    }
    if let Ok(id) = name.parse() {
        match get(&mut *connection, user_id, id).await {
            // A title may look like an id.
            Err(tasks::Error::NotFound) => {}
            found => return Ok(found?),
        }
    }
    let found = sqlx::query!(
        r#"select id as "id!", title as "title!", status as "status!: Status",
             key = normalize(lower($2)) as "exact!", status is not distinct from $3 as "preferred!"
           from (
             select *,
               case when octet_length(title_key) = length(title_key) then title_key else normalize(title_key) end as key
             from tasks where user_id = $1 and deleted_at is null
           ) as tasks
           where strpos(key, normalize(lower($2))) > 0
           order by 4 desc, 5 desc, id desc limit $4"#,
        user_id,
        name,
        preferred.map(Status::as_str),
        i64::try_from(MAX_CANDIDATES).unwrap_or(i64::MAX),
    )
    .fetch_all(&mut *connection)
    .await?;
    let Some(first) = found.first() else { return Err(Failure::Refused(ToolError::not_found())) };
    let best = (first.exact, first.preferred);
    let equals = found.iter().take_while(|task| (task.exact, task.preferred) == best);
    let mut candidates: Vec<_> =
        equals.map(|task| Candidate { id: task.id, title: task.title.clone(), status: task.status }).collect();
    match candidates.pop() {
        Some(only) if candidates.is_empty() => Ok(get(connection, user_id, only.id).await?),
        last => {
            candidates.extend(last);
            Err(Failure::Refused(ToolError::ambiguous(candidates)))
        }
    }
}
