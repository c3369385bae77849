//! Options that are short for a field of one task's configuration.

use std::fmt;
use std::marker::PhantomData;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::set_field;
use crate::{Result, WorkbenchError};

/// An option that is short for setting a field that not every task has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shorthand {
    /// The option without its dashes.
    pub option: &'static str,
    /// The field, with its section.
    pub field: &'static str,
    /// What the option takes.
    pub takes: Takes,
    /// What it is for, for the help.
    pub help: &'static str,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A value, by this name in the help.
    Value(&'static str),
    /// Nothing; the field becomes true.
    Nothing,
}

/// The shorthands of all tasks of a binary; tasks may share some.
pub trait ShorthandList: 'static {
    /// The name of each task and its shorthands.
    const OF_TASKS: &'static [(&'static str, &'static [Shorthand])];
}

/// The shorthands that a command line gives, of those of all tasks.
pub struct Shorthands<L> {
    /// Option and value.
    given: Vec<(&'static str, String)>,
    list: PhantomData<L>,
}

impl<L> Shorthands<L> {
    /// Fields that the options set, `section.field=value`, for a task of these shorthands.
    ///
    /// # Errors
    ///
    /// When an option was given that the task does not have.
    pub fn overrides(&self, own: &[Shorthand]) -> Result<Vec<String>> {
        let field = |(option, value): &(&'static str, String)| {
            let found = own.iter().find(|shorthand| shorthand.option == *option);
            let shorthand = found.ok_or_else(|| {
                let names: Vec<String> =
                    own.iter().map(|one| format!("--{}", one.option)).collect();
                let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
                names.push("--set SECTION.FIELD=VALUE");
                WorkbenchError::unknown_name("option of this task", &format!("--{option}"), &names)
            })?;
            Ok(set_field(shorthand.field, value))
        };
        self.given.iter().map(field).collect()
    }
}

impl<L: ShorthandList> Shorthands<L> {
    /// Each option once.
    fn all() -> Vec<&'static Shorthand> {
        let mut all: Vec<&Shorthand> = Vec::new();
        for shorthand in L::OF_TASKS.iter().flat_map(|(_, own)| *own) {
            if !all.iter().any(|one| one.option == shorthand.option) {
                all.push(shorthand);
            }
        }
        all
    }

    /// What the help says of an option: of which tasks it is, unless it is of all.
    fn help(shorthand: &Shorthand) -> String {
        let Shorthand { option, field, .. } = shorthand;
        let has = |own: &[Shorthand]| own.iter().any(|one| one.option == *option);
        let tasks: Vec<&str> = L::OF_TASKS
            .iter()
            .filter(|(_, own)| has(own))
            .map(|(name, _)| *name)
            .collect();
        let of = match tasks.len() == L::OF_TASKS.len() {
            true => String::new(),
            false => format!("task {}; ", tasks.join(" or ")),
        };
        format!("{} ({of}--set {field})", shorthand.help)
    }
}

impl<L: ShorthandList> FromArgMatches for Shorthands<L> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |shorthand: &&Shorthand| {
            let value = match shorthand.takes {
                Takes::Value(_) => matches.get_one::<String>(shorthand.option).cloned(),
                Takes::Nothing => matches.get_flag(shorthand.option).then(|| "true".into()),
            };
            Some((shorthand.option, value?))
        };
        Ok(Self {
            given: Self::all().iter().filter_map(given).collect(),
            list: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<L: ShorthandList> Args for Shorthands<L> {
    fn augment_args(command: Command) -> Command {
        Self::all().into_iter().fold(command, |command, shorthand| {
            let help = Self::help(shorthand);
            let arg = Arg::new(shorthand.option).long(shorthand.option).help(help);
            command.arg(match shorthand.takes {
                Takes::Value(name) => arg.value_name(name).allow_negative_numbers(true),
                Takes::Nothing => arg.action(ArgAction::SetTrue),
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

// Derived ones would ask the same of the list, which is a name alone.
impl<L> Clone for Shorthands<L> {
    fn clone(&self) -> Self {
        Self {
            given: self.given.clone(),
            list: PhantomData,
        }
    }
}

impl<L> fmt::Debug for Shorthands<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shorthands").field(&self.given).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    const WIDTH: Shorthand = Shorthand {
        option: "width",
        field: "network.width",
        takes: Takes::Value("N"),
        help: "Width of the network",
    };
    const FLIP: Shorthand = Shorthand {
        option: "flip",
        field: "data.flip",
        takes: Takes::Nothing,
        help: "Mirror pictures",
    };

    struct Both;
    impl ShorthandList for Both {
        const OF_TASKS: &'static [(&'static str, &'static [Shorthand])] =
            &[("flat", &[WIDTH, FLIP]), ("deep", &[WIDTH])];
    }

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        shorthands: Shorthands<Both>,
    }

    fn overrides(words: &[&str], own: &[Shorthand]) -> Result<Vec<String>> {
        let words = [&["x"], words].concat();
        Cli::parse_from(words).shorthands.overrides(own)
    }

    #[test]
    fn the_help_says_of_which_task_an_option_is() {
        assert_eq!(
            Shorthands::<Both>::help(&FLIP),
            "Mirror pictures (task flat; --set data.flip)"
        );
        assert_eq!(
            Shorthands::<Both>::help(&WIDTH),
            "Width of the network (--set network.width)"
        );
    }

    #[test]
    fn a_shorthand_sets_its_field_and_one_of_another_task_is_refused() {
        let set = overrides(&["--flip", "--width", "-3"], &[WIDTH, FLIP]).unwrap();
        assert_eq!(set, ["network.width=-3", "data.flip=true"]);
        assert!(overrides(&[], &[]).unwrap().is_empty());
        let message = overrides(&["--flip"], &[WIDTH]).unwrap_err().to_string();
        assert_eq!(
            message,
            "unknown option of this task `--flip`; valid: --width, --set SECTION.FIELD=VALUE"
        );
    }
}
