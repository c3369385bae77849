//! The command line before it is parsed: which task's options its command has.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::Cli;
use crate::TrainError;
use crate::tasks::{TaskCommand, TaskName, commands_of, task_of_cells};

/// Where the help lists commands of single tasks: behind those of all, which number fewer.
const LAST: usize = 100;
/// The option of a command that several tasks have.
const TASK: &str = "task";

impl Cli {
    /// Reads the command line of the process; a call for help, and what is no command line, end it.
    ///
    /// # Errors
    ///
    /// When the options are those of another task than the cells are of.
    pub fn read() -> Result<Self, TrainError> {
        Self::of(std::env::args_os().collect())
    }

    /// The binary's commands; of several that tasks have by one name that of the first one.
    pub fn commands() -> Command {
        command(TaskName::ALL[0])
    }

    /// The binary's commands; of several that tasks have by one name that of the task which a line is about, the
    /// binary's name not among its words.
    ///
    /// # Errors
    ///
    /// When the line names a task that is none.
    pub fn commands_for(words: &[String]) -> Result<Command, TrainError> {
        Ok(command(task_of_line(words)?))
    }

    fn of(line: Vec<OsString>) -> Result<Self, TrainError> {
        let words: Vec<String> = line
            .iter()
            .skip(1)
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let task = task_of_line(&words)?;
        let matches = match command(task).try_get_matches_from(line) {
            Ok(matches) => matches,
            Err(error) => match foreign_option(&error, task, &words) {
                Some(foreign) => return Err(foreign),
                None => error.exit(),
            },
        };
        let of_task = matches
            .subcommand_name()
            .is_some_and(|name| tasks_with(name).next().is_some());
        let read = match of_task {
            true => TaskCommand::read(&matches, task).map(|command| Self {
                command: super::Command::Task(Box::new(command)),
            }),
            false => Self::from_arg_matches(&matches),
        };
        read.or_else(|error| error.exit())
    }
}

/// The binary's commands. Of several that tasks have by one name it is the one of `task`.
fn command(task: TaskName) -> Command {
    let all = [task].into_iter().chain(TaskName::ALL.iter().copied());
    all.flat_map(commands_of).fold(Cli::command(), |command, own| {
        let name = own.get_name();
        if command.get_subcommands().any(|one| one.get_name() == name) {
            return command;
        }
        let tasks: Vec<&str> = tasks_with(name).map(TaskName::name).collect();
        if tasks.len() < 2 {
            return command.subcommand(own.display_order(LAST));
        }
        let help = format!(
            "The task ({}), which has options of its own; by default the one that the cells are of",
            tasks.join(", ")
        );
        let option = Arg::new(TASK).long(TASK).value_name("NAME").help(help);
        command.subcommand(own.arg(option).display_order(LAST))
    })
}

/// The tasks that have a command of this name.
fn tasks_with(command: &str) -> impl Iterator<Item = TaskName> {
    let has = move |task: &TaskName| {
        commands_of(*task)
            .iter()
            .any(|own| own.get_name() == command)
    };
    TaskName::ALL.iter().copied().filter(has)
}

/// The task that a line names or whose cells it names; the first one where its command says nothing of it.
fn task_of_line(words: &[String]) -> Result<TaskName, TrainError> {
    let first = TaskName::ALL[0];
    let mut words = words.iter().map(String::as_str);
    let named = words.find(|word| !word.starts_with('-'));
    if named.is_none_or(|name| tasks_with(name).nth(1).is_none()) {
        return Ok(first);
    }
    let rest: Vec<&str> = words.collect();
    for (at, word) in rest.iter().enumerate() {
        match word.strip_prefix("--task") {
            Some("") => return Ok(TaskName::find(rest.get(at + 1).unwrap_or(&""))?),
            Some(value) if value.starts_with('=') => return Ok(TaskName::find(&value[1..])?),
            _ => {}
        }
    }
    let mut named = rest.iter().filter(|word| !word.starts_with('-'));
    Ok(named.find_map(|word| task_of_cells(word)).unwrap_or(first))
}

/// What is wrong where an option is one that the command has for another task.
fn foreign_option(error: &clap::Error, task: TaskName, words: &[String]) -> Option<TrainError> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(found)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let option = found.split('=').next()?.strip_prefix("--")?;
    let command = words.iter().find(|word| !word.starts_with('-'))?;
    let options = |task| {
        let own = commands_of(task).into_iter();
        let own = own.filter(|own| own.get_name() == command);
        own.flat_map(|own| own.get_arguments().cloned().collect::<Vec<_>>())
            .filter_map(|argument| argument.get_long().map(String::from))
            .collect::<Vec<_>>()
    };
    let mut others = TaskName::ALL.iter().filter(|&&other| other != task);
    let other = others.find(|&&other| options(other).iter().any(|own| own == option))?;
    Some(TrainError::ForeignOption {
        option: option.into(),
        task: task.name(),
        other: other.name(),
        valid: options(task).join(", --"),
    })
}
