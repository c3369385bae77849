//! The tasks that the binary knows by name. Loops, reports and commands ask nothing of a task but what
//! [`Task`] says.

mod image;

pub use image::{ImageData, ImageSize, ImageTask};

use workbench::WorkbenchError;

use crate::Task;

/// The task of commands that name none.
pub(crate) const DEFAULT_TASK: &str = ImageTask::NAME;

/// Lists the tasks: `TaskName`, and a macro that runs generic code for the one of a name.
macro_rules! tasks {
    ($($variant:ident => $task:ty),* $(,)?) => {
        /// A task by its name in configurations.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum TaskName {
            $($variant),*
        }

        impl TaskName {
            /// The task of this name.
            ///
            /// # Errors
            ///
            /// When there is none.
            pub(crate) fn find(name: &str) -> workbench::Result<Self> {
                let names = [$(<$task as Task>::NAME),*];
                $(if name == <$task as Task>::NAME {
                    return Ok(Self::$variant);
                })*
                Err(WorkbenchError::unknown_name("task", name, &names))
            }
        }

        /// `for_task!(name, T => expression)`: the expression, with `T` as the task of a [`TaskName`].
        macro_rules! for_task {
            ($name:expr, $type:ident => $body:expr) => {
                match $name {
                    $($crate::tasks::TaskName::$variant => {
                        type $type = $task;
                        $body
                    })*
                }
            };
        }
    };
}

tasks! {
    Image => crate::tasks::ImageTask,
}

pub(crate) use for_task;
