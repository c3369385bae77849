//! What a run remembers of its data.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::dataset::Dataset;
use crate::{Result, WorkbenchError};

/// The classes that a network tells apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classes {
    /// Their number.
    pub count: usize,
    /// Their names in the order of their labels, where they have any.
    pub names: Option<Vec<String>>,
}

impl Classes {
    /// The classes of a data set.
    pub fn of(data: &Dataset) -> Self {
        Self {
            count: data.classes(),
            names: data.class_names().map(<[String]>::to_vec),
        }
    }

    /// Checks that another data set, called `name`, has the classes of a network that was trained on
    /// these; names are compared where both have them.
    ///
    /// # Errors
    ///
    /// Naming what differs.
    pub fn check(&self, found: &Self, name: &str) -> Result<()> {
        let count = |classes: &Self| format!("{} classes", classes.count);
        let class = |(label, name): (usize, &String)| format!("`{name}` as class {label}");
        if self.count != found.count {
            return Err(differs(name, count(found), count(self)));
        }
        let (Some(own), Some(found)) = (&self.names, &found.names) else {
            return Ok(());
        };
        let mut names = own.iter().enumerate().zip(found.iter().enumerate());
        match names.find(|(own, found)| own != found) {
            Some((own, found)) => Err(differs(name, class(found), class(own))),
            None => Ok(()),
        }
    }
}

/// What a run remembers of its data set: class folders may come, go and be renamed between a run and
/// its resumption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataDescription {
    /// What is learned.
    pub classes: Classes,
    /// Number of training images, those held out included.
    pub images: usize,
    /// A name for the names and lengths of all files of a folder that is not divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_names: Option<String>,
}

impl DataDescription {
    /// The description of a set's training images.
    pub fn of(train: &Dataset) -> Self {
        Self {
            classes: Classes::of(train),
            images: train.len(),
            file_names: train.file_names.clone(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let mut json = json!({ "classes": self.classes, "images": self.images });
        if let Some(names) = &self.file_names {
            json["file_names"] = names.as_str().into();
        }
        json
    }

    /// The description that a run remembers; `name` is how an error calls the data set of now.
    pub(crate) fn from_json(json: &Value, name: &str) -> Result<Self> {
        Self::deserialize(json).map_err(|_| {
            let expected = "which its checkpoint does not say";
            differs(name, "images".into(), expected.into())
        })
    }

    /// Checks that a run can go on with the training images of a set, called `name`, to the result it
    /// would have had.
    ///
    /// # Errors
    ///
    /// When classes or number of images differ.
    pub fn check(&self, train: &Self, name: &str) -> Result<()> {
        self.classes.check(&train.classes, name)?;
        let count = |images| format!("{images} training images");
        match self.images == train.images {
            true => Ok(()),
            false => Err(differs(name, count(train.images), count(self.images))),
        }
    }

    /// Checks the classes alone against what a run remembers of its data: a network is as good as it was,
    /// with how many images it would be trained now.
    ///
    /// # Errors
    ///
    /// When they differ, or nothing is remembered.
    pub fn check_classes(&self, before: &Value, name: &str) -> Result<()> {
        let before = Self::from_json(before, name)?;
        before.classes.check(&self.classes, name)
    }
}

fn differs(name: &str, found: String, expected: String) -> WorkbenchError {
    WorkbenchError::OtherData {
        name: name.into(),
        found,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(names: Option<&[&str]>, classes: usize, images: usize) -> DataDescription {
        let owned = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        DataDescription {
            classes: Classes {
                count: classes,
                names: names.map(owned),
            },
            images,
            file_names: None,
        }
    }

    #[test]
    fn what_changed_is_named() {
        let own = description(Some(&["ant", "bee"]), 2, 7);
        own.check(&own.clone(), "folder").unwrap();
        for (other, pieces) in [
            (
                description(Some(&["aaa", "ant", "bee"]), 3, 7),
                ["3 classes", "2 classes"],
            ),
            (
                description(Some(&["ant", "cat"]), 2, 7),
                ["`cat` as class 1", "`bee` as class 1"],
            ),
            (
                description(Some(&["ant", "bee"]), 2, 8),
                ["8 training images", "7 training images"],
            ),
        ] {
            let message = own.check(&other, "folder").unwrap_err().to_string();
            for piece in ["`folder`", pieces[0], pieces[1]] {
                assert!(message.contains(piece), "{message}");
            }
        }
        // A set without names differs in what can be known of it.
        own.check(&description(None, 2, 7), "folder").unwrap();
        own.check(&description(None, 3, 7), "folder").unwrap_err();
    }
}
