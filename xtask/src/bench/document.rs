//! `docs/performance.md`: each row has a place for its table. The text around it is written by hand, and stays.

use anyhow::{Context, Result};
use todo::workspace::Workspace;

const TEXT: &str = "docs/performance.md";
const PLOT: &str = "docs/performance.svg";

#[derive(Clone, Debug)]
pub struct Document {
    text: String,
    /// The new plot, if there is one.
    pub plot: Option<String>,
}

impl Document {
    pub fn read(workspace: &Workspace) -> Result<Self> {
        let text = std::fs::read_to_string(workspace.path(TEXT)).with_context(|| format!("cannot read {TEXT}"))?;
        Ok(Self { text, plot: None })
    }

    /// Replaces what is between `<!-- begin NAME -->` and `<!-- end NAME -->`.
    pub fn replace(&mut self, name: &str, content: &str) -> Result<()> {
        let (begin, end) = (format!("<!-- begin {name} -->"), format!("<!-- end {name} -->"));
        let parts = self.text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
        let (before, after) = parts.with_context(|| format!("{TEXT} has no place for `{name}`"))?;
        self.text = format!("{before}{begin}\n\n{content}\n\n{end}{after}");
        Ok(())
    }

    pub fn write(&self, workspace: &Workspace) -> Result<()> {
        std::fs::write(workspace.path(TEXT), &self.text)?;
        if let Some(plot) = &self.plot {
            std::fs::write(workspace.path(PLOT), plot)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::rows::ROWS;

    #[test]
    fn a_table_is_replaced_and_the_text_around_it_stays() {
        let mut document =
            Document { text: "One.\n\n<!-- begin a -->\nold\n<!-- end a -->\n\nTwo.\n".to_owned(), plot: None };
        document.replace("a", "new").unwrap();
        assert_eq!(document.text, "One.\n\n<!-- begin a -->\n\nnew\n\n<!-- end a -->\n\nTwo.\n");
        let once = document.text.clone();
        document.replace("a", "new").unwrap();
        assert_eq!(document.text, once);
        assert!(document.replace("b", "new").is_err());
    }

    #[test]
    fn the_document_has_a_place_for_each_row() {
        let mut document = Document::read(&Workspace::find().unwrap()).unwrap();
        for name in ROWS.iter().map(|row| row.name).chain(["machine"]) {
            document.replace(name, "").unwrap();
        }
    }
}
