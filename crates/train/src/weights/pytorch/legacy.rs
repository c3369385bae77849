use std::collections::BTreeMap;

use super::cursor::Cursor;
use super::machine::{Pickle, run};
use super::value::Value;
use crate::weights::budget::Budget;
use crate::weights::problem::Problem;

/// What PyTorch pickles first in a file that is no archive.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const VERSION: i128 = 1001;

/// A file of the form before PyTorch 1.6: pickles of a magic number, a version, the system, the values
/// and the keys of the storages, then each storage, its number of elements before it. Numbers have
/// their least byte first on every machine.
pub(super) struct Legacy<'a> {
    pub(super) pickle: Pickle<'a>,
    pub(super) storages: BTreeMap<String, &'a [u8]>,
}

impl<'a> Legacy<'a> {
    /// # Errors
    ///
    /// When the file is cut short, damaged or not of this form.
    pub(super) fn open(bytes: &'a [u8], budget: &'a Budget) -> Result<Self, Problem> {
        if bytes.get(257..262) == Some(b"ustar") {
            return Err(Problem::refused(
                "is a tar archive; valid: what `torch.save` of PyTorch 0.1.10 and later writes, which \
                 is none in spite of the ending `.tar`",
            ));
        }
        let mut cursor = Cursor::new(bytes);
        let magic = run(&mut cursor, budget).map_err(|problem| {
            let (Problem::Damaged(what) | Problem::Refused(what)) = problem;
            Problem::Refused(format!("is cut short or no PyTorch file ({what})"))
        })?;
        if *magic.root() != Value::Int(MAGIC) {
            return Err(Problem::refused(
                "is a pickle that PyTorch did not write; valid: what `torch.save` writes",
            ));
        }
        if *run(&mut cursor, budget)?.root() != Value::Int(VERSION) {
            return Err(Problem::damaged("it is of another version than 1001"));
        }
        run(&mut cursor, budget)?;
        let pickle = run(&mut cursor, budget)?;
        let keys = run(&mut cursor, budget)?;
        let sizes: BTreeMap<&str, usize> = pickle
            .heap
            .storages()
            .map(|storage| (&*storage.key, storage.kind.size()))
            .collect();
        let damaged = || Problem::damaged("the list of its storages is not one");
        let mut storages = BTreeMap::new();
        for &id in keys.heap.sequence(keys.root).ok_or_else(damaged)? {
            let key = keys.heap.text(id).ok_or_else(damaged)?;
            let size = *sizes.get(&**key).ok_or_else(damaged)?;
            let elements = cursor.u64()?;
            let content = cursor.take_claimed(elements.saturating_mul(size as u64))?;
            storages.insert(key.to_string(), content);
        }
        Ok(Self { pickle, storages })
    }
}
