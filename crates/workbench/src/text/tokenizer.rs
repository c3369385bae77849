//! Plain text to words.

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::{Result, WorkbenchError};

/// How plain text becomes words: a paragraph, which ends with a blank line, is cut at the word boundaries
/// of Unicode (UAX 29); a mark is a word, and so is one that is repeated without a space (`--`);
/// underscores around a word, which mark emphasis, are dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextOptions {
    /// Whether letters are put in lower case.
    pub lowercase: bool,
    /// Number of words at most: the most frequent ones of the training text stay, and the others become
    /// `<unk>`. That word and `<eos>` are among them.
    pub vocabulary: usize,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self {
            lowercase: true,
            vocabulary: 10_000,
        }
    }
}

impl TextOptions {
    /// Checks the values.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<()> {
        if self.vocabulary < 3 {
            let valid = "3 or more: `<unk>`, `<eos>` and a word";
            let found = self.vocabulary;
            return Err(WorkbenchError::field("data.text.vocabulary", found, valid));
        }
        Ok(())
    }

    /// The words of a paragraph.
    pub(super) fn words(&self, paragraph: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        // The mark that the last word is made of, while nothing has come between.
        let mut repeated = "";
        for piece in paragraph.split_word_bounds() {
            if piece == repeated
                && let Some(last) = words.last_mut()
            {
                last.push_str(piece);
                continue;
            }
            let is_mark = !piece.contains(|c: char| c.is_alphanumeric() || c.is_whitespace());
            repeated = if is_mark { piece } else { "" };
            let word = piece.trim_matches(|c: char| c == '_' || c.is_whitespace());
            if !word.is_empty() {
                words.push(match self.lowercase {
                    true => word.to_lowercase(),
                    false => word.into(),
                });
            } else {
                repeated = "";
            }
        }
        words
    }
}

/// The paragraphs of a text: lines up to a blank one, joined by spaces.
pub(super) fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            open = false;
            continue;
        }
        match paragraphs.last_mut() {
            Some(last) if open => {
                let last: &mut String = last;
                last.push(' ');
                last.push_str(line);
            }
            _ => paragraphs.push(line.to_string()),
        }
        open = true;
    }
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, lowercase: bool) -> String {
        let options = TextOptions {
            lowercase,
            ..TextOptions::default()
        };
        options.words(text).join(" ")
    }

    #[test]
    fn words_and_marks_are_told_apart() {
        for (text, expected) in [
            (
                "_We_ must begin; her sister's--you know?",
                "we must begin ; her sister's -- you know ?",
            ),
            (
                "\"Oh!\" said Mr. Été, £20,000...",
                "\" oh ! \" said mr . été , £ 20,000 ...",
            ),
            ("a - - b  (c)", "a - - b ( c )"),
            ("__ _", ""),
            ("* * *", "* * *"),
        ] {
            assert_eq!(words(text, true), expected);
        }
        assert_eq!(words("The End", false), "The End");
    }

    #[test]
    fn a_blank_line_ends_a_paragraph() {
        let text = "\n  One two\nthree.\n \t\nFour.\n\n\n";
        assert_eq!(paragraphs(text), ["One two three.", "Four."]);
        assert!(paragraphs(" \n").is_empty());
    }

    #[test]
    fn too_few_words_are_refused() {
        let options = TextOptions {
            vocabulary: 2,
            ..TextOptions::default()
        };
        let message = options.validate().unwrap_err().to_string();
        assert!(
            message.contains("`data.text.vocabulary` is 2; valid: 3 or more"),
            "{message}"
        );
    }
}
