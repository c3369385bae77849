//! One binary for all of them: each further one compiles the tensors of a backend once more.

mod alternation;
mod command_line;
mod language;
#[cfg(target_os = "linux")]
mod memory;
mod own_task;
mod page;
mod portability;
mod refusals;
mod resume;
mod scene;
mod shell;
mod values;
