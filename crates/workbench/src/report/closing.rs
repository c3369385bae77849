//! What the pages of all runs end in.

use toml::Table;

use super::{Block, Chapter, Particulars, settings};

/// What is known of a run beside its records.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    /// Its configuration.
    pub config: &'a Table,
    /// That of a run of its task that nothing was said to.
    pub default: &'a Table,
    /// What it wrote beside its records.
    pub particulars: &'a Particulars,
    /// What is to be known of a configuration like its own, a sentence each.
    pub remarks: &'a [String],
    /// The command that repeats it; none where no single one does.
    pub repeat: Option<&'a str>,
    /// The cells in their text form.
    pub genotype: Option<&'a str>,
}

impl Closing<'_> {
    /// The chapters.
    pub fn chapters(&self) -> Vec<Chapter> {
        let Self { particulars, .. } = self;
        let facts = |facts: &[(String, String)]| match facts.is_empty() {
            true => Vec::new(),
            false => vec![Block::Facts {
                facts: facts.to_vec(),
            }],
        };
        let notes = [self.remarks, &particulars.notes].concat();
        let notes = match notes.is_empty() {
            true => Vec::new(),
            false => vec![Block::List { items: notes }],
        };
        let configuration = vec![Block::Settings {
            settings: settings(self.config, self.default),
        }];
        let repeat = match self.repeat {
            Some(command) => vec![Block::Code {
                text: command.into(),
            }],
            None => vec![Block::text(
                "No single command repeats the run, which was extended: it began with other settings.",
            )],
        };
        let code = |text: &str| Block::Code { text: text.into() };
        [
            Chapter::of("Notes", notes),
            Chapter::of("Data", facts(&particulars.facts)),
            Chapter::of("Configuration", configuration),
            Chapter::of("Hardware", facts(&particulars.hardware)),
            Chapter::of("The command that repeats it", repeat),
            Chapter::of(
                "The cells as text",
                self.genotype.map(code).into_iter().collect(),
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
