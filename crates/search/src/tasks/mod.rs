//! The tasks that the binary knows by name. Loops, reports and commands ask nothing of a task but what
//! [`Task`](crate::Task) says.

mod image;
mod language;
mod scene;

pub use image::{ImageData, ImageSize, ImageTask};
pub use language::{LanguageCell, LanguageTask};
pub use scene::{SceneShares, SceneTask};

workbench::tasks! {
    crate::Task: Image => crate::tasks::ImageTask,
    Language => crate::tasks::LanguageTask,
    Scene => crate::tasks::SceneTask,
}
