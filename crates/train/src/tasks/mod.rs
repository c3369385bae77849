//! The tasks that the binary has. One more is a module and a line at the end of this file.

pub mod image;
pub mod language;

use clap::Subcommand;
use supernet::TrainBackend;
use workbench::backend::Selected;

use crate::TrainError;
use crate::portable::{Portable, TaskCommands};

/// [`workbench::tasks`], and the commands that only some of the tasks have.
macro_rules! recipes {
    ($($task:ident => $recipe:ty),+ $(,)?) => {
        workbench::tasks! {
            crate::Recipe: $($task => $recipe),+
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

recipes! {
    Image => crate::tasks::image::ImageRecipe,
    Language => crate::tasks::language::LanguageRecipe,
}
