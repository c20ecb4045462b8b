//! The prompts, which a client offers its user in a menu.

use rmcp::{
    ErrorData,
    model::{ContentBlock, GetPromptRequestParams, GetPromptResult, Prompt, PromptArgument, PromptMessage, Role},
};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::resources;

const DESCRIPTION: &str = "A plan for today from the pending tasks";

const PLAN_MY_DAY: &str = "Plan my day from my pending tasks, which follow as data. Put what is urgent or blocks \
    other things first, group what goes together, keep it realistic, and say what can wait. Name each task by its \
    title. Change no task before I agree.";

pub fn plan_my_day() -> Prompt {
    let focus = PromptArgument::new("focus").with_description("What matters most today").with_required(false);
    Prompt::new("plan_my_day", Some(DESCRIPTION), Some(vec![focus])).with_title("Plan my day")
}

pub async fn get(pool: &PgPool, user_id: Uuid, request: GetPromptRequestParams) -> Result<GetPromptResult, ErrorData> {
    if request.name != "plan_my_day" {
        return Err(ErrorData::invalid_params("There is no such prompt. There is: plan_my_day.", None));
    }
    let mut text = PLAN_MY_DAY.to_owned();
    for (name, value) in request.arguments.unwrap_or_default() {
        match (name.as_str(), value) {
            ("focus", Value::String(focus)) if focus.chars().count() <= 200 => {
                text = format!("{text} What matters most today: {}", focus.trim());
            }
            ("focus", _) => {
                return Err(ErrorData::invalid_params("focus must be a text of at most 200 characters", None));
            }
            _ => return Err(ErrorData::invalid_params(format!("{name} is not a known argument"), None)),
        }
    }
    let tasks = resources::read(pool, user_id, resources::PENDING).await?;
    let messages = [ContentBlock::text(text), ContentBlock::resource(tasks)];
    let messages = messages.map(|content| PromptMessage::new(Role::User, content));
    Ok(GetPromptResult::new(messages.into()).with_description(DESCRIPTION))
}
