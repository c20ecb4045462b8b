//! Thoughts that a model writes in the text of its answer.

const BEGIN: &str = "<think>";
const END: &str = "</think>";

/// Parts a text that begins with `<think>…</think>` into thoughts and answer, as it comes. Later tags are text.
#[derive(Default)]
pub struct Thoughts {
    place: Place,
    /// The end of what came, as long as it may be a part of a tag.
    held: String,
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Beginning,
    Thoughts,
    /// Space before the answer is no part of it.
    BeforeAnswer,
    Answer,
}

impl Thoughts {
    /// More thoughts, and more of the answer.
    pub fn feed(&mut self, text: &str) -> (String, String) {
        let mut text = std::mem::take(&mut self.held) + text;
        let mut thoughts = String::new();
        if let Place::Beginning = self.place {
            let beginning = text.trim_start();
            if let Some(rest) = beginning.strip_prefix(BEGIN) {
                text.drain(..text.len() - rest.len());
                self.place = Place::Thoughts;
            } else if BEGIN.starts_with(beginning) {
                self.held = text;
                return Default::default();
            } else {
                self.place = Place::Answer;
            }
        }
        if let Place::Thoughts = self.place {
            if let Some(end) = text.find(END) {
                let after = text.split_off(end + END.len());
                text.truncate(end);
                thoughts = std::mem::replace(&mut text, after);
                self.place = Place::BeforeAnswer;
            } else {
                let held = (1..END.len()).rev().find(|length| text.ends_with(&END[..*length])).unwrap_or_default();
                self.held = text.split_off(text.len() - held);
                return (text, String::new());
            }
        }
        if let Place::BeforeAnswer = self.place {
            text.drain(..text.len() - text.trim_start().len());
            if !text.is_empty() {
                self.place = Place::Answer;
            }
        }
        (thoughts, text)
    }

    /// What was held back, when nothing more comes.
    pub fn end(&mut self) -> (String, String) {
        let held = std::mem::take(&mut self.held);
        if let Place::Thoughts = self.place { (held, String::new()) } else { (String::new(), held) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_are_parted_wherever_the_text_is_split() {
        for (text, expected) in [
            ("<think>a\nb</think>\n\nc </think> d", ("a\nb", "c </think> d")),
            (" <think></think>c", ("", "c")),
            ("<think>a </thin", ("a </thin", "")),
            ("a <think>b</think>", ("", "a <think>b</think>")),
            ("<thin air", ("", "<thin air")),
            ("\n <", ("", "\n <")),
            ("<think>ü</think>世", ("ü", "世")),
        ] {
            for size in [1, 2, 3, 100] {
                let mut thoughts = Thoughts::default();
                let characters: Vec<char> = text.chars().collect();
                let pieces = characters.chunks(size).map(|piece| thoughts.feed(&piece.iter().collect::<String>()));
                let mut parted: Vec<_> = pieces.collect();
                parted.push(thoughts.end());
                let (thoughts, answer): (String, String) = parted.into_iter().unzip();
                assert_eq!((thoughts.as_str(), answer.as_str()), expected, "{size}");
            }
        }
    }
}
