use std::borrow::Cow;
use std::collections::BTreeMap;

use supernet::StateDict;

use super::cursor::Cursor;
use super::legacy::Legacy;
use super::machine::{Pickle, run};
use super::tree::tree;
use super::value::Value;
use super::zip::{Archive, HEAD};
use crate::weights::budget::Budget;
use crate::weights::choice::choose;
use crate::weights::element::ByteOrder;
use crate::weights::problem::Problem;

/// Reads the state dict of a file that `torch.save` wrote, under `key` where one is given.
///
/// # Errors
///
/// When the file is damaged or not of this kind, or its state dict is not clear or has tensors that are
/// not dense or not of real numbers.
pub(crate) fn read_pytorch(bytes: &[u8], key: Option<&str>) -> Result<StateDict, Problem> {
    let budget = Budget::of_file(bytes.len());
    if !bytes.starts_with(&HEAD) {
        let file = Legacy::open(bytes, &budget)?;
        let record = |key: &str| {
            let storage = file.storages.get(key).copied().map(Cow::Borrowed);
            storage.ok_or_else(|| Problem::damaged(format!("storage `{key}` is missing")))
        };
        return state_dict(&file.pickle, ByteOrder::Little, &budget, key, record);
    }
    let archive = Archive::open(bytes)?;
    let folder = folder(&archive)?;
    let text = archive.read(&format!("{folder}data.pkl"), &budget)?;
    let pickle = run(&mut Cursor::new(&text), &budget)?;
    let order = byte_order(&archive, folder, &budget)?;
    let record = |key: &str| archive.read(&format!("{folder}data/{key}"), &budget);
    state_dict(&pickle, order, &budget, key, record)
}

/// The folder of an archive, with a slash at its end, in which PyTorch wrote.
fn folder<'a>(archive: &'a Archive<'_>) -> Result<&'a str, Problem> {
    let folders: Vec<&str> = archive
        .names()
        .filter_map(|name| name.strip_suffix("data.pkl"))
        .filter(|folder| folder.is_empty() || folder.ends_with('/'))
        .collect();
    let valid = "valid: what `torch.save` writes";
    match folders[..] {
        [folder] => {
            let code = format!("{folder}code/");
            if archive.names().any(|name| name.starts_with(&code)) {
                let problem = format!("is a TorchScript program; {valid}, of its `state_dict()`");
                return Err(Problem::refused(problem));
            }
            Ok(folder)
        }
        [] => {
            let problem = format!("is a zip archive without `data.pkl`; {valid}");
            Err(Problem::refused(problem))
        }
        _ => {
            let problem = format!("is a zip archive of several files of PyTorch; {valid}");
            Err(Problem::refused(problem))
        }
    }
}

fn byte_order(archive: &Archive<'_>, folder: &str, budget: &Budget) -> Result<ByteOrder, Problem> {
    let name = format!("{folder}byteorder");
    if archive.names().all(|other| other != name) {
        // Before PyTorch 2.1 it was not said.
        return Ok(ByteOrder::Little);
    }
    match &*archive.read(&name, budget)? {
        b"little" => Ok(ByteOrder::Little),
        b"big" => Ok(ByteOrder::Big),
        other => Err(Problem::refused(format!(
            "has byte order `{}`; valid: little and big",
            String::from_utf8_lossy(other).escape_debug()
        ))),
    }
}

fn state_dict<'a>(
    pickle: &Pickle<'_>,
    order: ByteOrder,
    budget: &Budget,
    key: Option<&str>,
    record: impl Fn(&str) -> Result<Cow<'a, [u8]>, Problem>,
) -> Result<StateDict, Problem> {
    let mut state = StateDict::new();
    // Many tensors may share a record, which is then decompressed once.
    let mut records: BTreeMap<&str, Cow<'a, [u8]>> = BTreeMap::new();
    for (name, id) in choose(&tree(pickle, budget)?, key, budget)? {
        let tensor = match pickle.heap.get(id) {
            Value::Tensor(tensor) => tensor,
            Value::Unreadable(maker) => return Err(unreadable(&name, maker)),
            _ => return Err(Problem::damaged(format!("`{name}` is no tensor"))),
        };
        if tensor.element.is_counter(tensor.layout.shape()) {
            continue;
        }
        let storage = pickle.storage(tensor)?;
        let key = &*storage.key;
        if tensor.layout.count() > 0 && !records.contains_key(key) {
            records.insert(key, record(key)?);
        }
        let content = records.get(key).map_or(&[][..], |content| content);
        let read = tensor.read(&name, storage, content, order, budget)?;
        state.insert(name, read);
    }
    Ok(state)
}

/// The sentence for a tensor that `maker`, a function or a class, would have made.
fn unreadable(name: &str, maker: &str) -> Problem {
    let kinds = [
        ("sparse", "sparse"),
        ("_rebuild_qtensor", "quantised"),
        ("QInt", "quantised"),
        ("QUInt", "quantised"),
        ("omplex", "complex"),
        ("_rebuild_nested", "nested"),
        ("_rebuild_meta", "without numbers, on the device `meta`"),
    ];
    let kind = kinds.iter().find(|(part, _)| maker.contains(part));
    let kind = kind.map_or("of an unknown kind", |(_, kind)| kind);
    Problem::refused(format!(
        "tensor `{name}` is {kind} (`{maker}`); valid: dense tensors of F16, BF16, F32, F64, whole \
         numbers and bool"
    ))
}
