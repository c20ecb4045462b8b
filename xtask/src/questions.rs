//! The questions of `docs/aiops.md`, whose commands the tests run.

/// A question, and the commands that find its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub text: String,
    pub commands: Vec<String>,
}

/// Parses the questions of a page: each is a heading of the third level with one `sh` block.
#[must_use]
pub fn of_page(markdown: &str) -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    let mut section = "";
    let mut inside = false;
    for line in markdown.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading;
        } else if section != SECTION {
        } else if let Some(text) = line.strip_prefix("### ") {
            questions.push(Question { text: text.into(), commands: Vec::new() });
        } else if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside && let Some(question) = questions.last_mut() {
            question.commands.push(line.into());
        }
    }
    questions
}

/// The heading of the second level above the questions.
const SECTION: &str = "Questions";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_parsed_with_their_commands() {
        let page = "
## Other
### not one
## Questions
### what is there?
```sh
kubectl get pods
kubectl get services
```
text
### and where?
```sh
kubectl get nodes
```
## Further
### no question
";
        let read: Vec<_> = of_page(page).into_iter().map(|question| (question.text, question.commands)).collect();
        let expected = [
            ("what is there?".to_owned(), vec!["kubectl get pods".to_owned(), "kubectl get services".to_owned()]),
            ("and where?".to_owned(), vec!["kubectl get nodes".to_owned()]),
        ];
        assert_eq!(read, expected);
    }

    /// kubectl-ai runs a single command with a reading verb without asking for permission.
    #[test]
    fn the_questions_of_the_page_need_only_reading_commands() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/aiops.md");
        let questions = of_page(&std::fs::read_to_string(page).unwrap());
        assert!(questions.len() >= 12, "{}", questions.len());
        for question in questions {
            assert!(!question.commands.is_empty(), "{}", question.text);
            for command in question.commands {
                let reads = ["get ", "describe ", "logs ", "top ", "events ", "rollout status ", "rollout history "];
                let arguments = command.strip_prefix("kubectl ").unwrap_or_default();
                assert!(reads.iter().any(|verb| arguments.starts_with(verb)), "{command}");
                assert!(!command.contains(['|', ';', '&', '`', '>', '$']), "{command}");
            }
        }
    }
}
