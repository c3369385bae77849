//! Corpora of plain text.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use super::corpus::{Corpus, push_line};
use super::read::{read_text, text_files, whole};
use super::tokenizer::{TextOptions, paragraphs};
use super::vocabulary::{END, UNKNOWN, Vocabulary};
use crate::Result;

/// Of so many paragraphs of a file that is not divided, the last but one is for validation and the last
/// for test.
const SHARES: usize = 10;

/// Paragraphs for training, validation and test.
pub(super) type Parts = [Vec<String>; 3];

/// Reads a folder: `train`, `valid` and `test`, each a file `NAME.txt` or a folder of `.txt` files, or
/// else `.txt` files of which each is divided: the first eight tenths of its paragraphs are for training,
/// the next for validation, the last for test.
///
/// # Errors
///
/// When a part is missing, has no word, or a file is not in UTF-8.
pub(super) fn read(name: &str, root: &Path, options: &TextOptions) -> Result<Corpus> {
    options.validate()?;
    let parts = match divided(root)? {
        Some(files) => {
            let mut parts = Parts::default();
            for (files, part) in files.iter().zip(&mut parts) {
                for file in files {
                    part.extend(paragraphs(&read_text(file)?));
                }
            }
            parts
        }
        None => divide(&text_files(root)?)?,
    };
    let place = root.display().to_string();
    for (part, name) in parts.iter().zip(["training", "validation", "test"]) {
        if part
            .iter()
            .all(|paragraph| options.words(paragraph).is_empty())
        {
            let found = format!("no word for {name}");
            let valid = "`train`, `valid` and `test`, each a file NAME.txt or a folder of .txt files \
                         with words, or .txt files of 10 paragraphs or more";
            return Err(whole(&place, found, valid));
        }
    }
    let (corpus, kept) = number(name, &parts, options)?;
    Ok(corpus.with_note(format!("`{place}`: {kept}")))
}

/// The files of each part, where the folder says which are whose.
fn divided(root: &Path) -> Result<Option<[Vec<PathBuf>; 3]>> {
    let names = ["train", "valid", "test"];
    let mut parts = <[Vec<PathBuf>; 3]>::default();
    let mut missing = Vec::new();
    for (part, name) in parts.iter_mut().zip(names) {
        let (file, folder) = (root.join(format!("{name}.txt")), root.join(name));
        if file.is_file() {
            part.push(file);
        } else if folder.is_dir() {
            *part = text_files(&folder)?;
        } else {
            missing.push(name);
        }
    }
    match missing.len() {
        0 => Ok(Some(parts)),
        3 => Ok(None),
        _ => {
            let found = format!("no `{}`", missing.join("`, no `"));
            let valid =
                "`train`, `valid` and `test`, each a file NAME.txt or a folder of .txt files";
            Err(whole(&root.display().to_string(), found, valid))
        }
    }
}

fn divide(files: &[PathBuf]) -> Result<Parts> {
    let mut parts = Parts::default();
    for file in files {
        let mut train = paragraphs(&read_text(file)?);
        let edge = |share: usize| train.len() * share / SHARES;
        let edges = [edge(SHARES - 1), edge(SHARES - 2)];
        let test = train.split_off(edges[0]);
        let validation = train.split_off(edges[1]);
        for (part, own) in parts.iter_mut().zip([train, validation, test]) {
            part.extend(own);
        }
    }
    Ok(parts)
}

/// Numbers the words: the most frequent ones of the training text in the order of their first appearance.
/// Also says what was kept.
///
/// # Errors
///
/// When a part has no word.
pub(super) fn number(name: &str, parts: &Parts, options: &TextOptions) -> Result<(Corpus, String)> {
    // All words first, so that counting and choosing are over numbers.
    let mut all = Vocabulary::default();
    let mut tokens = <[Vec<u32>; 3]>::default();
    for (part, tokens) in parts.iter().zip(&mut tokens) {
        for paragraph in part {
            let words = options.words(paragraph);
            push_line(words.iter().map(String::as_str), &mut all, tokens);
        }
    }
    let kept = most_frequent(&all, &tokens[0], options.vocabulary);
    let mut vocabulary = Vocabulary::default();
    let mut unknown = 0;
    for (part, tokens) in tokens.iter_mut().enumerate() {
        for token in tokens.iter_mut() {
            // A word that only validation or test has is in neither list.
            let word = all.word(*token).filter(|_| kept[*token as usize]);
            unknown += usize::from(part == 0 && word.is_none());
            *token = vocabulary.add(word.unwrap_or(UNKNOWN));
        }
        vocabulary.add(UNKNOWN);
    }
    let share = 100.0 * unknown as f64 / tokens[0].len().max(1) as f64;
    let said = format!(
        "of {} different words {} are told apart, and {share:.2} % of the training text is `{UNKNOWN}`",
        all.len(),
        vocabulary.len(),
    );
    Ok((Corpus::new(name, vocabulary, tokens)?, said))
}

/// Whether each word is among the `most` most frequent ones, `<eos>` and `<unk>` included; of equally
/// frequent ones those that come first.
fn most_frequent(all: &Vocabulary, tokens: &[u32], most: usize) -> Vec<bool> {
    let mut counts = vec![0_usize; all.len()];
    for &token in tokens {
        counts[token as usize] += 1;
    }
    let mut kept = vec![false; all.len()];
    let mut open = most;
    for special in [END, UNKNOWN] {
        open -= 1;
        if let Some(number) = all.number(special) {
            counts[number as usize] = 0;
            kept[number as usize] = true;
        }
    }
    let mut order: Vec<usize> = (0..all.len()).filter(|&word| counts[word] > 0).collect();
    order.sort_by_key(|&word| Reverse(counts[word]));
    for word in order.into_iter().take(open) {
        kept[word] = true;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Split;
    use std::fs;

    const OPTIONS: TextOptions = TextOptions {
        lowercase: true,
        vocabulary: 5,
    };

    fn write(root: &Path, name: &str, content: impl AsRef<[u8]>) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn shown(corpus: &Corpus, split: Split) -> String {
        let words = corpus.tokens(split).iter();
        let words = words.map(|&token| corpus.vocabulary().word(token).unwrap());
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_most_frequent_words_of_the_training_text_stay() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            "train.txt",
            "The cat, the\ndog.\n\nA dog, the cow.\n",
        );
        write(root.path(), "valid/b.txt", "cow horse");
        write(root.path(), "valid/a.txt", "the dog horse horse horse");
        write(root.path(), "test.txt", "the");
        let corpus = read("text", root.path(), &OPTIONS).unwrap();
        // `the` 3, `dog`, `,` and `.` 2 each, of which the last comes too late.
        assert_eq!(
            corpus.vocabulary().words(),
            ["the", "<unk>", ",", "dog", "<eos>"]
        );
        let train = "the <unk> , the dog <unk> <eos> <unk> dog , the <unk> <unk> <eos>";
        assert_eq!(shown(&corpus, Split::Weights), train);
        let validation = "the dog <unk> <unk> <unk> <eos> <unk> <unk> <eos>";
        assert_eq!(shown(&corpus, Split::Validation), validation);
        let note = &corpus.notes()[0];
        assert!(
            note.contains("of 9 different words 5 are told apart"),
            "{note}"
        );
        assert!(note.contains("35.71 % of the training text"), "{note}");
    }

    #[test]
    fn unknown_is_a_word_even_where_all_are_known() {
        let root = tempfile::tempdir().unwrap();
        for name in ["train.txt", "valid.txt", "test.txt"] {
            write(root.path(), name, "the dog");
        }
        let corpus = read("text", root.path(), &OPTIONS).unwrap();
        assert_eq!(
            corpus.vocabulary().words(),
            ["the", "dog", "<eos>", "<unk>"]
        );
    }

    #[test]
    fn files_that_are_not_divided_are_so_by_their_paragraphs() {
        let root = tempfile::tempdir().unwrap();
        let text: Vec<String> = (0..20).map(|at| format!("p{at}")).collect();
        write(root.path(), "b.txt", text.join("\n\n"));
        write(
            root.path(),
            "a.txt",
            text[..10].join("\n\n").replace('p', "q"),
        );
        write(root.path(), "notes.md", "left out");
        let options = TextOptions::default();
        let corpus = read("text", root.path(), &options).unwrap();
        assert_eq!(corpus.tokens(Split::Weights).len(), 2 * (8 + 16));
        assert!(shown(&corpus, Split::Weights).starts_with("q0 <eos> q1"));
        // What only they have is unknown.
        assert_eq!(corpus.tokens(Split::Validation).len(), 2 * (1 + 2));
        assert_eq!(corpus.tokens(Split::Test).len(), 2 * (1 + 2));
    }

    #[test]
    fn a_missing_or_empty_part_is_named() {
        let root = tempfile::tempdir().unwrap();
        let refusal = || read("text", root.path(), &OPTIONS).unwrap_err().to_string();
        assert!(
            refusal().contains("found no word for training"),
            "{}",
            refusal()
        );
        write(root.path(), "train.txt", "the dog");
        write(root.path(), "test.txt", "the dog");
        assert!(
            refusal().contains("found no `valid`; valid is `train`"),
            "{}",
            refusal()
        );
        write(root.path(), "valid.txt", " _ \n");
        assert!(
            refusal().contains("found no word for validation"),
            "{}",
            refusal()
        );
        write(root.path(), "valid.txt", b"\xff");
        assert!(refusal().contains("valid.txt`, line 1: found bytes that are not UTF-8"));
        fs::remove_file(root.path().join("valid.txt")).unwrap();
        write(root.path(), "valid/readme.md", "no text file");
        assert!(
            refusal().contains("found no word for validation"),
            "{}",
            refusal()
        );
    }
}
