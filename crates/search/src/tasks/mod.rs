//! The tasks that the binary knows by name. Loops, reports and commands ask nothing of a task but what
//! [`Task`](crate::Task) says.

mod image;

pub use image::{ImageData, ImageSize, ImageTask};

workbench::tasks! {
    crate::Task: Image => crate::tasks::ImageTask,
}
