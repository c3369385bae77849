//! What is done with each command: `rules.toml` beside this file.

use serde::Deserialize;
use workbench::documents::words;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Lines of a shell that make what the documents take for granted.
    pub prepare: Vec<String>,
    /// The first one that is of a command counts.
    pub rule: Vec<Rule>,
}

/// What is done with the commands that it is of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Words that stand in the command, in this order, the first one first. `cargo run -p X --` is left out.
    pub command: String,
    /// Arguments that shorten it.
    pub add: Option<String>,
    /// Why it is not run.
    pub not_run: Option<String>,
}

#[derive(Debug, PartialEq)]
pub enum Treatment {
    Whole,
    Shortened(String),
    LeftOut(String),
}

impl Rules {
    pub fn read() -> anyhow::Result<Self> {
        Ok(toml::from_str(include_str!("rules.toml"))?)
    }

    /// What is done with a command.
    pub fn treatment(&self, command: &str) -> Treatment {
        match self.first(command).map(|index| &self.rule[index]) {
            None => Treatment::Whole,
            Some(rule) => match (&rule.not_run, &rule.add) {
                (Some(why), _) => Treatment::LeftOut(why.clone()),
                (None, Some(added)) => Treatment::Shortened(added.clone()),
                (None, None) => Treatment::Whole,
            },
        }
    }

    /// The first rule that is of a command.
    pub fn first(&self, command: &str) -> Option<usize> {
        let words = words(command)?;
        let words = match &words[..] {
            [cargo, run, option, rest @ ..] if [cargo, run, option] == ["cargo", "run", "-p"] => {
                rest
            }
            all => all,
        };
        let is = |rule: &Rule| {
            let mut wanted = rule.command.split_whitespace().peekable();
            let begins = wanted.peek() == words.first().map(String::as_str).as_ref();
            let mut rest = words.iter();
            begins && wanted.all(|word| rest.any(|own| own == word))
        };
        self.rule.iter().position(is)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_whose_words_a_command_has_counts() {
        let text = "prepare = []\n[[rule]]\ncommand = 'a --x 1'\nnot_run = 'why'\n[[rule]]\ncommand = 'a'\n\
                    add = '--y'\n[[rule]]\ncommand = 'b'\n";
        let rules: Rules = toml::from_str(text).unwrap();
        let treatment = |command| rules.treatment(command);
        let left_out = Treatment::LeftOut("why".into());
        assert_eq!(treatment("cargo run -p a -- c --x 1"), left_out);
        let shortened = Treatment::Shortened("--y".into());
        assert_eq!(treatment("cargo run -p a -- --x 2"), shortened);
        assert_eq!(treatment("b # a"), Treatment::Whole);
        assert_eq!(treatment("c a"), Treatment::Whole);
    }
}
