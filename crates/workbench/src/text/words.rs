//! The words of any text, as those of a corpus are told apart.

use std::path::Path;

use super::published;
use super::read::{read_text, whole};
use super::tokenizer::{TextOptions, paragraphs};
use super::vocabulary::END;
use crate::Result;

/// The words of a text, [`END`] after each paragraph of plain text; without options, after each line of
/// words that white space separates, as in the files of published corpora.
pub fn words_of(text: &str, options: Option<&TextOptions>) -> Vec<String> {
    let mut all = Vec::new();
    let mut push = |words: Vec<String>| {
        all.extend(words);
        all.push(END.to_string());
    };
    match options {
        Some(options) => paragraphs(text)
            .iter()
            .for_each(|paragraph| push(options.words(paragraph))),
        None => text
            .lines()
            .for_each(|line| push(published::words(line).map(String::from).collect())),
    }
    all
}

/// The words of a file as [`words_of`] has them.
///
/// # Errors
///
/// When the file cannot be read, is not in UTF-8 or has no word.
pub fn read_words(path: impl AsRef<Path>, options: Option<&TextOptions>) -> Result<Vec<String>> {
    let path = path.as_ref();
    let words = words_of(&read_text(path)?, options);
    match words.iter().any(|word| word != END) {
        true => Ok(words),
        false => Err(whole(
            &path.display().to_string(),
            "no word".into(),
            "a text of words in UTF-8",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_as_the_corpora_of_its_kind_are() {
        let text = "The cat,\nit sat.\n\nEnd";
        let shown = |options: Option<&TextOptions>| words_of(text, options).join(" ");
        let plain = TextOptions::default();
        assert_eq!(shown(Some(&plain)), "the cat , it sat . <eos> end <eos>");
        assert_eq!(shown(None), "The cat, <eos> it sat. <eos> <eos> End <eos>");
        assert!(words_of("", Some(&plain)).is_empty());
    }

    #[test]
    fn a_file_without_words_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, " \n\n").unwrap();
        let message = read_words(&path, None).unwrap_err().to_string();
        assert!(
            message.contains("a.txt") && message.contains("no word"),
            "{message}"
        );
        std::fs::write(&path, b"a\n\xff").unwrap();
        let message = read_words(&path, None).unwrap_err().to_string();
        assert!(message.contains("line 2"), "{message}");
    }
}
