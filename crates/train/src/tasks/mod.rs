//! The tasks that the binary has. One more is a module and a line at the end of this file.

pub mod image;

use clap::Subcommand;
use supernet::TrainBackend;
use workbench::WorkbenchError;
use workbench::backend::Selected;

use crate::portable::{Portable, TaskCommands};
use crate::{Recipe, TrainError, TrainRecipe};

/// Work for a task whose name is known only when the program runs.
pub(crate) trait TaskWork<B: TrainBackend> {
    /// Does the work for the task of a recipe.
    ///
    /// # Errors
    ///
    /// Whatever stops it.
    fn run<R: Portable + TrainRecipe<B>>(self) -> Result<(), TrainError>;
}

macro_rules! tasks {
    ($($task:ident: $recipe:ty),+ $(,)?) => {
        /// Does work for the task of this name.
        ///
        /// # Errors
        ///
        /// Those of the work; when there is no such task.
        pub(crate) fn dispatch<B: TrainBackend>(
            task: &str,
            work: impl TaskWork<B>,
        ) -> Result<(), TrainError> {
            match task {
                $(<$recipe as Recipe>::NAME => work.run::<$recipe>(),)+
                other => {
                    let valid = [$(<$recipe as Recipe>::NAME),+];
                    Err(WorkbenchError::unknown_name("task", other, &valid).into())
                }
            }
        }

        /// Commands of single tasks.
        #[derive(Debug, Subcommand)]
        pub(crate) enum TaskCommand {
            $(#[command(flatten)] $task(<$recipe as Portable>::Commands),)+
        }

        impl TaskCommands for TaskCommand {
            fn prepare(self) -> Result<Option<Self>, TrainError> {
                Ok(match self {
                    $(Self::$task(command) => command.prepare()?.map(Self::$task),)+
                })
            }

            fn backend(&self) -> Option<&str> {
                match self {
                    $(Self::$task(command) => command.backend(),)+
                }
            }

            fn run<B: TrainBackend>(self, selected: &Selected<B>) -> Result<(), TrainError> {
                match self {
                    $(Self::$task(command) => command.run::<B>(selected),)+
                }
            }
        }
    };
}

tasks! {
    Image: image::ImageRecipe,
}
