//! What is said of files that cannot be read.

use std::collections::BTreeSet;

/// Reports sentences about files that could not be read, each of them once, and in the end how many
/// there were.
#[derive(Debug, Default)]
pub struct UnreadableReport {
    reported: BTreeSet<String>,
}

impl UnreadableReport {
    /// Gives `note` those of the sentences that are new.
    pub fn report(&mut self, sentences: Vec<String>, mut note: impl FnMut(&str)) {
        for sentence in sentences {
            if !self.reported.contains(&sentence) {
                note(&sentence);
                self.reported.insert(sentence);
            }
        }
    }

    /// Gives `note` the number of all, if any; `[one, several]` is what they are called.
    pub fn count(&self, [one, several]: [&str; 2], mut note: impl FnMut(&str)) {
        match self.reported.len() {
            0 => {}
            1 => note(&format!("1 {one} could not be read")),
            count => note(&format!("{count} {several} could not be read")),
        }
    }
}
