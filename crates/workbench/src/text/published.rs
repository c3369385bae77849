//! The token files of Penn Treebank and WikiText-2.

use std::path::{Path, PathBuf};

use super::corpus::{Corpus, push_line};
use super::read::{read_text, whole};
use super::vocabulary::Vocabulary;
use crate::Result;

/// How a published corpus is laid out: words are separated by white space, rare ones have been replaced.
pub(super) struct Layout {
    /// Names of the files for training, validation and test: as published, and as published code
    /// renames them.
    pub(super) files: [[&'static str; 3]; 2],
    /// Folders that the files may lie in.
    pub(super) folders: &'static [&'static str],
}

pub(super) const PTB: Layout = Layout {
    files: [
        ["ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"],
        ["train.txt", "valid.txt", "test.txt"],
    ],
    folders: &["", "penn", "ptb", "simple-examples/data"],
};

pub(super) const WIKITEXT2: Layout = Layout {
    files: [
        ["wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"],
        ["train.txt", "valid.txt", "test.txt"],
    ],
    folders: &["", "wikitext-2"],
};

/// Reads a corpus; words are numbered in the order of their first appearance in the three files, one
/// after the other.
///
/// # Errors
///
/// When a file is missing, is not in UTF-8 or holds no word.
pub(super) fn read(name: &str, layout: &Layout, root: &Path) -> Result<Corpus> {
    let mut vocabulary = Vocabulary::default();
    let mut tokens = <[Vec<u32>; 3]>::default();
    for (path, tokens) in layout.find(root)?.iter().zip(&mut tokens) {
        let text = read_text(path)?;
        if text.trim().is_empty() {
            let valid = "words separated by spaces, a sentence or paragraph a line";
            return Err(whole(&path.display().to_string(), "no word".into(), valid));
        }
        for line in text.lines() {
            push_line(words(line), &mut vocabulary, tokens);
        }
    }
    Corpus::new(name, vocabulary, tokens)
}

/// What stands between white space as published code understands it: it takes four control characters
/// for white space that Unicode does not.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    let between = |c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
    line.split(between).filter(|word| !word.is_empty())
}

impl Layout {
    /// The three files, where the first folder with one of them has all.
    fn find(&self, root: &Path) -> Result<[PathBuf; 3]> {
        for folder in self.folders.iter().map(|folder| root.join(folder)) {
            for names in self.files {
                let paths = names.map(|name| folder.join(name));
                let missing: Vec<String> = names
                    .iter()
                    .zip(&paths)
                    .filter(|(_, path)| !path.is_file())
                    .map(|(name, _)| format!("`{name}`"))
                    .collect();
                match missing.len() {
                    0 => return Ok(paths),
                    3 => {}
                    _ => {
                        let found = format!("no file {}", missing.join(", "));
                        return Err(self.refused(&folder, found));
                    }
                }
            }
        }
        Err(self.refused(root, "none of its files".into()))
    }

    fn refused(&self, folder: &Path, found: String) -> crate::WorkbenchError {
        let names = self
            .files
            .map(|[train, valid, test]| format!("{train}, {valid} and {test}"));
        let valid = format!("a folder with {}", names.join(", or "));
        whole(&folder.display().to_string(), found, &valid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Split;
    use std::fs;

    fn write(folder: &Path, names: [&str; 3], contents: [&str; 3]) {
        fs::create_dir_all(folder).unwrap();
        for (name, content) in names.iter().zip(contents) {
            fs::write(folder.join(name), content).unwrap();
        }
    }

    /// As published: a space before and after each line of Penn Treebank, empty lines and titles in
    /// WikiText.
    const PTB_TEXT: [&str; 3] = [
        " the <unk> cat \n N dogs \n",
        " a dog <unk> \n",
        " the end \n",
    ];
    const WIKI_TEXT: [&str; 3] = [
        " \n = Robert <unk> = \n \n Robert is an actor @-@ writer . \n",
        " \n = Café = \n",
        " \n = Du Fu = \n",
    ];

    fn shown(corpus: &Corpus, split: Split) -> String {
        let words = corpus.tokens(split).iter();
        let words = words.map(|&token| corpus.vocabulary().word(token).unwrap());
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn both_corpora_are_read_under_published_and_usual_names_wherever_they_lie() {
        for (layout, text, words) in [(PTB, PTB_TEXT, 9), (WIKITEXT2, WIKI_TEXT, 13)] {
            let mut read_so_far: Option<Corpus> = None;
            for folder in layout.folders {
                for names in layout.files {
                    let root = tempfile::tempdir().unwrap();
                    write(&root.path().join(folder), names, text);
                    let corpus = read("x", &layout, root.path()).unwrap();
                    assert_eq!(corpus.vocabulary().len(), words);
                    assert!(read_so_far.is_none_or(|before| before == corpus));
                    read_so_far = Some(corpus);
                }
            }
            let corpus = read_so_far.unwrap();
            if layout.folders.contains(&"penn") {
                let train = "the <unk> cat <eos> N dogs <eos>";
                assert_eq!(shown(&corpus, Split::Weights), train);
                assert_eq!(shown(&corpus, Split::Test), "the end <eos>");
            } else {
                assert_eq!(shown(&corpus, Split::Validation), "<eos> = Café = <eos>");
            }
        }
    }

    #[test]
    fn white_space_is_what_published_code_takes_for_it() {
        let found: Vec<&str> = words(" a\tb\u{a0}c\u{1f}d\u{2003}e \u{200b} ").collect();
        assert_eq!(found, ["a", "b", "c", "d", "e", "\u{200b}"]);
    }

    #[test]
    fn a_missing_split_is_named() {
        let root = tempfile::tempdir().unwrap();
        let refusal = || read("ptb", &PTB, root.path()).unwrap_err().to_string();
        assert!(
            refusal().contains("found none of its files; valid is a folder with ptb.train.txt")
        );
        write(root.path(), PTB.files[0], PTB_TEXT);
        fs::remove_file(root.path().join("ptb.valid.txt")).unwrap();
        assert!(
            refusal().contains("found no file `ptb.valid.txt`; valid is"),
            "{}",
            refusal()
        );
    }

    #[test]
    fn an_empty_file_and_another_encoding_are_refused() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), PTB.files[0], [PTB_TEXT[0], " \n", PTB_TEXT[2]]);
        let message = read("ptb", &PTB, root.path()).unwrap_err().to_string();
        assert!(
            message.contains("ptb.valid.txt`, as a whole: found no word"),
            "{message}"
        );
        fs::write(root.path().join("ptb.valid.txt"), b" caf\xe9 \n").unwrap();
        let message = read("ptb", &PTB, root.path()).unwrap_err().to_string();
        assert!(
            message.contains("line 1: found bytes that are not UTF-8"),
            "{message}"
        );
    }
}
