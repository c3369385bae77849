//! Which data set somebody means, and what a configuration starts from with it.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::load::{DIGITS_FILE, MNIST_5K_FILE};
use super::{DatasetId, cifar, folder};
use crate::Result;
use crate::config::{merge, parse_table};
use crate::data_folder::data_folder;

/// What a configuration starts from with the data set that its fields choose, `stated` being what a file
/// and options say: shifts and mirrored images for CIFAR; for a folder of pictures the text `folder`, and a
/// batch, in the section of the loop, of `batch` images or as many as its pictures can fill. Nothing where no
/// data set is chosen.
///
/// # Errors
///
/// When the text is not TOML.
pub fn defaults_for(stated: &Table, section: &str, folder: &str, batch: usize) -> Result<Table> {
    let table = |name: &str| stated.get(name).and_then(Value::as_table);
    let Some(chosen) = table("data").and_then(Chosen::of) else {
        return Ok(Table::new());
    };
    let given = table(section).is_some_and(|fields| fields.contains_key("batch_size"));
    match chosen.set {
        DatasetId::Folder => chosen.defaults(folder, (!given).then_some((section, batch))),
        DatasetId::Cifar10 | DatasetId::Cifar100 => {
            chosen.defaults(include_str!("cifar.toml"), None)
        }
        DatasetId::Digits | DatasetId::Mnist5k => chosen.defaults("", None),
    }
}

/// A data set that somebody chose, by its name or by the folder of its files.
struct Chosen {
    set: DatasetId,
    root: Option<PathBuf>,
}

impl Chosen {
    /// What the fields `set` and `root` of a section `data` choose. A folder alone is that of the set
    /// whose files it holds, and of [`DatasetId::Folder`] otherwise. Nothing where neither is there, or
    /// is of a kind that is refused when the section is read.
    fn of(data: &Table) -> Option<Self> {
        let text = |field: &str| data.get(field).and_then(Value::as_str);
        let root = text("root").map(PathBuf::from);
        let set = match (text("set"), &root) {
            (Some(name), _) => name.parse().ok()?,
            (None, Some(root)) => set_in(root),
            (None, None) => return None,
        };
        Some(Self { set, root })
    }

    /// The tables of a configuration that starts from a text, with this set and a batch that a folder of
    /// few images can fill: `batch` is its section and the size otherwise.
    fn defaults(&self, text: &str, batch: Option<(&str, usize)>) -> Result<Table> {
        let mut table = parse_table(text, "default")?;
        let mut set = |section: &str, field: &str, value: Value| {
            let field = Table::from_iter([(field.to_string(), value)]);
            merge(
                &mut table,
                Table::from_iter([(section.to_string(), field.into())]),
            );
        };
        set("data", "set", self.set.name().into());
        if let Some((section, usual)) = batch {
            let size = Value::Integer(self.batch_size(usual) as i64);
            set(section, "batch_size", size);
        }
        Ok(table)
    }

    /// The usual batch, or a quarter of the training images of a folder that has few.
    fn batch_size(&self, usual: usize) -> usize {
        let root = self.root.clone().or_else(data_folder);
        let count = root.as_deref().map(folder::count_training);
        match count {
            Some(Ok(count)) if self.set == DatasetId::Folder => usual.min(count / 4).max(2),
            // What is wrong with a folder is said when it is opened.
            _ => usual,
        }
    }
}

/// The set whose files a folder holds.
fn set_in(root: &Path) -> DatasetId {
    let has = |file: &str| root.join(file).is_file();
    [
        (has(DIGITS_FILE), DatasetId::Digits),
        (has(MNIST_5K_FILE), DatasetId::Mnist5k),
        (cifar::CIFAR_10.is_in(root), DatasetId::Cifar10),
        (cifar::CIFAR_100.is_in(root), DatasetId::Cifar100),
    ]
    .into_iter()
    .find(|(holds, _)| *holds)
    .map_or(DatasetId::Folder, |(_, set)| set)
}
