use std::rc::Rc;

use super::id::Id;
use super::storage::{Storage, StorageKind, element_of};
use super::tensor::{Sign, Tensor};
use super::value::{Heap, Value};
use crate::weights::layout::Layout;
use crate::weights::problem::Problem;

/// Axes that PyTorch allows a tensor.
const MOST_AXES: usize = 64;
/// No known function has more.
const MOST_ARGUMENTS: usize = 16;
/// Marks of a tensor that there are.
const MOST_MARKS: usize = 8;

/// What calling `function` with the sequence `arguments` gives. Only the functions that put tensors and
/// dictionaries together are known; any other gives an object that is not looked into.
///
/// # Errors
///
/// When a known function is called with other arguments than PyTorch gives it.
pub(super) fn call(heap: &mut Heap<'_>, function: Id, arguments: Id) -> Result<Id, Problem> {
    let name = class_of(heap, function);
    let given = given_in(heap, arguments);
    match (&*name, &given[..]) {
        // A tensor that has attributes, or is of a class of its own.
        (
            "torch._tensor._rebuild_from_type_v2"
            | "torch._tensor._rebuild_from_type"
            | "torch.tensor._rebuild_from_type",
            &[inner, _, arguments, ..],
        ) => {
            let given = given_in(heap, arguments);
            made(heap, &class_of(heap, inner), &given, arguments)
        }
        // Protocols before 2 make objects of classes by this.
        ("copyreg._reconstructor" | "copy_reg._reconstructor", &[class, ..]) => {
            let name = class_of(heap, class);
            made(heap, &name, &[], arguments)
        }
        _ => made(heap, &name, &given, arguments),
    }
}

fn made(heap: &mut Heap<'_>, name: &Rc<str>, given: &[Id], arguments: Id) -> Result<Id, Problem> {
    match &**name {
        "collections.OrderedDict" | "builtins.dict" | "__builtin__.dict" => {
            let pairs = match given {
                [pairs] => pairs_of(heap, *pairs),
                _ => Some(Vec::new()),
            };
            if let Some(pairs) = pairs {
                // One list may be given many times.
                heap.take(pairs.len() * size_of::<(Id, Id)>())?;
                return heap.add(Value::Dict(pairs));
            }
        }
        // Its argument makes missing values.
        "collections.defaultdict" => return heap.add(Value::Dict(Vec::new())),
        "torch._utils._rebuild_tensor"
        | "torch._utils._rebuild_tensor_v2"
        | "torch._utils._rebuild_tensor_v3" => {
            let tensor = tensor(heap, name, given)?;
            return heap.add(tensor);
        }
        // These give their first argument in another class or on another device.
        "torch._utils._rebuild_parameter"
        | "torch._utils._rebuild_parameter_with_state"
        | "torch._utils._rebuild_device_tensor_from_cpu_tensor" => {
            if let Some(&inner) = given.first() {
                return Ok(inner);
            }
        }
        other if other.starts_with("torch._utils._rebuild_") => {
            return heap.add(Value::Unreadable(name.clone()));
        }
        _ => {}
    }
    heap.add(Value::Object {
        class: name.clone(),
        parts: vec![arguments],
    })
}

/// The first arguments of a call.
fn given_in(heap: &Heap<'_>, arguments: Id) -> Vec<Id> {
    let given = heap.sequence(arguments).unwrap_or_default();
    given.iter().copied().take(MOST_ARGUMENTS).collect()
}

/// The name of a class or a function or, where it is the product of another, that one's.
fn class_of(heap: &Heap<'_>, id: Id) -> Rc<str> {
    match heap.get(id) {
        Value::Global(name) | Value::Object { class: name, .. } => name.clone(),
        _ => "unknown".into(),
    }
}

/// The pairs of a dictionary or of a list of pairs.
fn pairs_of(heap: &Heap<'_>, id: Id) -> Option<Vec<(Id, Id)>> {
    match heap.get(id) {
        Value::Dict(pairs) => Some(pairs.clone()),
        Value::Sequence(ids) => {
            let pair = |&id: &Id| match *heap.sequence(id)? {
                [key, value] => Some((key, value)),
                _ => None,
            };
            ids.iter().map(pair).collect()
        }
        _ => None,
    }
}

/// What the persistent identifier of a value stands for: a storage, or the class of a module.
///
/// # Errors
///
/// When it is another or a storage's kind is unknown.
pub(super) fn persistent(heap: &mut Heap<'_>, identifier: Id) -> Result<Id, Problem> {
    let damaged = || Problem::damaged("a value that is kept apart is neither storage nor class");
    let parts = heap.sequence(identifier).ok_or_else(damaged)?;
    let (&kind, parts) = parts.split_first().ok_or_else(damaged)?;
    match (heap.text(kind).map(|kind| &**kind), parts) {
        // The class, its file and its source.
        (Some("module"), &[class, ..]) => Ok(class),
        // The class, the name in the file, the device, the elements; in old files, which part of
        // another storage it is.
        (Some("storage"), &[class, key, _, len, ref rest @ ..]) => {
            let class = class_of(heap, class);
            let kind = StorageKind::of_class(&class).ok_or_else(|| {
                Problem::refused(format!("has a storage of the unknown class `{class}`"))
            })?;
            let view = rest.first().and_then(|&view| heap.sequence(view));
            let (offset, len) = match view {
                Some(&[_, offset, len, ..]) => (heap.size(offset), heap.size(len)),
                _ => (Some(0), heap.size(len)),
            };
            let storage = Storage {
                key: heap.text(key).ok_or_else(damaged)?.clone(),
                kind,
                offset: offset.ok_or_else(damaged)?,
                len: len.ok_or_else(damaged)?,
            };
            heap.add(Value::Storage(storage))
        }
        _ => Err(damaged()),
    }
}

/// A tensor from storage, offset, sizes and strides, whether it has a gradient, hooks, its kind (in the
/// third version only) and marks.
fn tensor(heap: &Heap<'_>, function: &Rc<str>, given: &[Id]) -> Result<Value, Problem> {
    let damaged = || Problem::damaged("a tensor has no sizes and strides");
    let &[storage, offset, shape, strides, ref rest @ ..] = given else {
        return Err(damaged());
    };
    let Value::Storage(Storage { kind, .. }) = heap.get(storage) else {
        return Ok(Value::Unreadable(class_of(heap, storage)));
    };
    let typed = function.ends_with("_v3");
    let element = match (typed, rest, kind) {
        (true, &[_, _, named, ..], _) => {
            let named = class_of(heap, named);
            match element_of(&named) {
                Some(element) => element,
                None => return Ok(Value::Unreadable(named)),
            }
        }
        (false, _, StorageKind::Of(element)) => *element,
        (false, _, StorageKind::Unreadable { class, .. }) => {
            return Ok(Value::Unreadable(class.clone()));
        }
        _ => return Err(Problem::damaged("a tensor has no kind")),
    };
    let sign = match rest.get(if typed { 3 } else { 2 }) {
        Some(&marks) => match sign(heap, marks) {
            Some(sign) => sign,
            None => return Ok(Value::Unreadable(function.clone())),
        },
        None => Sign::AsStored,
    };
    let sizes = |id| {
        let few = heap.sequence(id)?.len() <= MOST_AXES;
        few.then(|| heap.sizes(id))?
    };
    let layout = Layout::new(
        heap.size(offset).ok_or_else(damaged)?,
        sizes(shape).ok_or_else(damaged)?,
        sizes(strides).ok_or_else(damaged)?,
    )?;
    Ok(Value::Tensor(Box::new(Tensor {
        storage,
        element,
        layout,
        sign,
    })))
}

/// What a tensor's marks say of its sign; `None` where one is unknown.
fn sign(heap: &Heap<'_>, marks: Id) -> Option<Sign> {
    let Value::Dict(marks) = heap.get(marks) else {
        return Some(Sign::AsStored);
    };
    if marks.len() > MOST_MARKS {
        return None;
    }
    let mut sign = Sign::AsStored;
    for &(name, value) in marks {
        match (&**heap.text(name)?, heap.get(value)) {
            // A conjugate of real numbers is those.
            ("conj", _) | (_, Value::Flag(false)) => {}
            ("neg", Value::Flag(true)) => sign = Sign::Negated,
            _ => return None,
        }
    }
    Some(sign)
}
