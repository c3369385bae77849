//! Lists of tasks that a binary knows by name.

/// In the module `tasks` of a binary's crate, after the trait of its tasks: `TaskName`, a task by its name in
/// configurations; `AllShorthands`, the [shorthands](crate::cli::Shorthands) of all of them; and a macro,
/// `for_task!(name, T => expression)`, which is the expression with `T` as the task of a `TaskName`.
///
/// The trait has the constants `NAME` and `SHORTHANDS`. Tasks are given by their whole paths.
///
/// ```ignore
/// workbench::tasks! {
///     crate::Task: Image => crate::tasks::ImageTask,
/// }
/// for_task!(TaskName::find("image")?, T => println!("{}", T::NAME));
/// ```
#[macro_export]
#[allow(
    clippy::crate_in_macro_def,
    reason = "the list is where the binary's crate keeps its tasks"
)]
macro_rules! tasks {
    ($trait:path: $($variant:ident => $task:ty),+ $(,)?) => {
        /// A task by its name in configurations.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum TaskName {
            $($variant),+
        }

        /// Options that are short for fields of single tasks.
        pub(crate) struct AllShorthands;

        impl $crate::cli::ShorthandList for AllShorthands {
            const OF_TASKS: &'static [(&'static str, &'static [$crate::cli::Shorthand])] =
                &[$((<$task as $trait>::NAME, <$task as $trait>::SHORTHANDS)),+];
        }

        impl TaskName {
            /// All of them; the first is the usual one.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The task of this name.
            ///
            /// # Errors
            ///
            /// When there is none.
            pub(crate) fn find(name: &str) -> $crate::Result<Self> {
                let names = [$(<$task as $trait>::NAME),+];
                $(if name == <$task as $trait>::NAME {
                    return Ok(Self::$variant);
                })+
                Err($crate::WorkbenchError::unknown_name("task", name, &names))
            }
        }

        /// `for_task!(name, T => expression)`: the expression, with `T` as the task of a [`TaskName`].
        macro_rules! for_task {
            ($name:expr, $type:ident => $body:expr) => {
                match $name {
                    $(crate::tasks::TaskName::$variant => {
                        type $type = $task;
                        $body
                    })+
                }
            };
        }

        pub(crate) use for_task;
    };
}
