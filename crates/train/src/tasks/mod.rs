//! The tasks that the binary has. One more is a module and a line at the end of this file.

pub mod image;
pub mod language;
mod layers;
pub mod scene;

use std::path::Path;

use clap::{ArgMatches, Command, FromArgMatches, Subcommand};
use supernet::{OperationSet, TrainBackend};
use workbench::backend::Selected;
use workbench::error::nearest;
use workbench::run_folder::RunFolder;

use crate::genotype::{looks_like, read_cells};
use crate::portable::{Portable, TaskCommands};
use crate::trained::run_task;
use crate::{Recipe, TrainError};

/// [`workbench::tasks`], and the commands that only some of the tasks have.
macro_rules! recipes {
    ($($task:ident => $recipe:ty),+ $(,)?) => {
        workbench::tasks! {
            crate::Recipe: $($task => $recipe),+
        }

        impl TaskName {
            /// The name in configurations.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$task => <$recipe as crate::Recipe>::NAME,)+
                }
            }
        }

        /// Commands of single tasks.
        #[derive(Debug)]
        pub(crate) enum TaskCommand {
            $($task(<$recipe as Portable>::Commands),)+
        }

        impl TaskCommand {
            /// The command of a line, of this task where it is not of one task alone.
            ///
            /// # Errors
            ///
            /// When its arguments cannot be read.
            pub(crate) fn read(matches: &ArgMatches, task: TaskName) -> Result<Self, clap::Error> {
                let own = |task: &TaskName| {
                    let name = matches.subcommand_name();
                    commands_of(*task).iter().any(|own| Some(own.get_name()) == name)
                };
                let mut tasks = [task].into_iter().chain(TaskName::ALL.iter().copied());
                match tasks.find(own).unwrap_or(task) {
                    $(TaskName::$task => {
                        <$recipe as Portable>::Commands::from_arg_matches(matches).map(Self::$task)
                    })+
                }
            }
        }

        impl TaskCommand {
            /// Does what needs no device, and gives back what needs one.
            ///
            /// # Errors
            ///
            /// As [`TaskCommands::prepare`].
            pub(crate) fn prepare(self) -> Result<Option<Self>, TrainError> {
                Ok(match self {
                    $(Self::$task(command) => command.prepare()?.map(Self::$task),)+
                })
            }

            /// The backend asked for, if any.
            pub(crate) fn backend(&self) -> Option<&str> {
                match self {
                    $(Self::$task(command) => command.backend(),)+
                }
            }

            /// Does what needs a device.
            ///
            /// # Errors
            ///
            /// As [`TaskCommands::run`].
            pub(crate) fn run<B: TrainBackend>(
                self,
                selected: &Selected<B>,
            ) -> Result<(), TrainError> {
                match self {
                    $(Self::$task(command) => command.run::<B>(selected),)+
                }
            }
        }
    };
}

recipes! {
    Image => crate::tasks::image::ImageRecipe,
    Language => crate::tasks::language::LanguageRecipe,
    Scene => crate::tasks::scene::SceneRecipe,
}

/// The commands that a task has beside those of all tasks.
pub(crate) fn commands_of(task: TaskName) -> Vec<Command> {
    let commands = for_task!(task, R => {
        <R as Portable>::Commands::augment_subcommands(Command::new("train"))
    });
    commands.get_subcommands().cloned().collect()
}

/// The task that cells are of, by their name, file, folder or text: the first one that can read them, or
/// whose form they have, or that has some of a name like it.
pub(crate) fn task_of_cells(named: &str) -> Option<TaskName> {
    // Tasks may have cells of the same kind, but a run is of one.
    let folder = Path::new(named);
    if folder.is_dir()
        && let Ok(task) = run_task(&RunFolder::at(folder))
        && let Ok(task) = TaskName::find(&task)
    {
        return Some(task);
    }
    let reads = |task: &TaskName| for_task!(*task, R => read_cells::<R>(named).is_ok());
    let resembles = |task: &TaskName| for_task!(*task, R => looks_like::<R>(named));
    let all = || TaskName::ALL.iter().copied();
    let has = |task: &TaskName, name: &str| published(*task).any(|own| own == name);
    all()
        .find(reads)
        .or_else(|| all().find(resembles))
        .or_else(|| {
            let is_word = !named.contains(['/', '\\', '.']);
            let name = nearest(named, all().flat_map(published)).filter(|_| is_word)?;
            all().find(|task| has(task, name))
        })
}

/// Names of the published cells of a task.
fn published(task: TaskName) -> impl Iterator<Item = &'static str> {
    let published = for_task!(task, R => <R as Recipe>::Op::PUBLISHED);
    published.iter().map(|(name, _)| *name)
}
