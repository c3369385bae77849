//! Networks that predict the next word: trained, exported, asked, and made of PyTorch's.

mod commands;
#[cfg(target_os = "linux")]
mod memory;
mod network;
mod refusals;
mod resume;

use std::fs;
use std::path::Path;

/// Text by chance of a few words, sentences of six words and a full stop, a paragraph each.
pub(super) fn text(sentences: usize, mut state: u32) -> String {
    const WORDS: [&str; 11] = [
        "the", "cat", "dog", "sat", "ran", "on", "mat", "a", "and", "she", "saw",
    ];
    let mut text = String::new();
    for _ in 0..sentences {
        for _ in 0..6 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text += WORDS[(state >> 16) as usize % WORDS.len()];
            text += " ";
        }
        text += ".\n\n";
    }
    text
}

/// A corpus of so many sentences to learn from, in `corpus` of the folder.
pub(super) fn corpus(folder: &Path, sentences: usize) {
    let root = folder.join("corpus");
    fs::create_dir_all(&root).unwrap();
    for (name, sentences, seed) in [("train", sentences, 1), ("valid", 12, 2), ("test", 12, 3)] {
        fs::write(root.join(format!("{name}.txt")), text(sentences, seed)).unwrap();
    }
}

/// A small network on `corpus` for one epoch.
pub(super) const TINY: [&str; 11] = [
    "darts-rnn-v2",
    "--data-root",
    "corpus",
    "--hidden",
    "8",
    "--bptt",
    "10",
    "--batch-size",
    "4",
    "--epochs",
    "1",
];

pub(super) fn fit<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["fit"], &TINY[..], more].concat()
}
