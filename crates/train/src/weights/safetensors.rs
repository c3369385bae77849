use std::collections::BTreeMap;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use supernet::{NamedTensor, StateDict};

use super::budget::Budget;
use super::choice::choose;
use super::element::{ByteOrder, Element};
use super::item::Item;
use super::layout::Layout;
use super::problem::Problem;

/// Reads the state dict of a safetensors file, under `key` where one is given.
///
/// # Errors
///
/// When the file is damaged, or its state dict is not clear or has numbers of another kind.
pub(super) fn read_safetensors(bytes: &[u8], key: Option<&str>) -> Result<StateDict, Problem> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        Problem::refused(format!("is cut short or no safetensors file ({error})"))
    })?;
    let tensors = file.tensors();
    let names: BTreeMap<String, Item> = tensors
        .iter()
        .enumerate()
        .map(|(index, (name, view))| {
            let scalar = view.shape().is_empty();
            (name.clone(), Item::Tensor { index, scalar })
        })
        .collect();
    let mut state = StateDict::new();
    for (name, index) in choose(&Item::Group(names), key, &Budget::of_file(bytes.len()))? {
        if let Some(tensor) = read(&tensors[index].1, &name)? {
            state.insert(name, tensor);
        }
    }
    Ok(state)
}

fn read(view: &TensorView<'_>, name: &str) -> Result<Option<NamedTensor>, Problem> {
    let element = element(view.dtype()).ok_or_else(|| {
        Problem::refused(format!(
            "tensor `{name}` is {:?}; valid: F16, BF16, F32, F64, whole numbers and BOOL",
            view.dtype()
        ))
    })?;
    if element.is_counter(view.shape()) {
        return Ok(None);
    }
    let layout = Layout::row_by_row(view.shape().to_vec())?;
    let values = element
        .gather(view.data(), ByteOrder::Little, &layout)
        .ok_or_else(|| Problem::damaged(format!("tensor `{name}` lacks numbers")))?;
    let shape = view.shape().to_vec();
    Ok(Some(NamedTensor { shape, values }))
}

fn element(kind: Dtype) -> Option<Element> {
    Some(match kind {
        Dtype::BOOL => Element::Bool,
        Dtype::U8 => Element::U8,
        Dtype::I8 => Element::I8,
        Dtype::U16 => Element::U16,
        Dtype::I16 => Element::I16,
        Dtype::U32 => Element::U32,
        Dtype::I32 => Element::I32,
        Dtype::U64 => Element::U64,
        Dtype::I64 => Element::I64,
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::Bf16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(claimed: u64, header: &str, data: &[u8]) -> Vec<u8> {
        [&claimed.to_le_bytes(), header.as_bytes(), data].concat()
    }

    #[test]
    fn claims_beyond_the_file_are_refused_before_memory_is_taken() {
        let header = |shape: &str, end: u64| {
            format!(r#"{{"a.b":{{"dtype":"F16","shape":{shape},"data_offsets":[0,{end}]}}}}"#)
        };
        let whole = header("[2]", 4);
        let bytes = file(whole.len() as u64, &whole, &[0, 0x3c, 0, 0xc0]);
        let state = read_safetensors(&bytes, None).unwrap();
        assert_eq!(state["a.b"].values, [1.0, -2.0]);
        let large = header("[1099511627776]", 1 << 41);
        let other = header("[1099511627776]", 4);
        for bytes in [
            file(u64::MAX, &whole, &[0; 4]),
            file(1 << 26, &whole, &[0; 4]),
            file(large.len() as u64, &large, &[0; 4]),
            file(other.len() as u64, &other, &[0; 4]),
        ] {
            let message = read_safetensors(&bytes, None).unwrap_err().to_string();
            assert!(
                message.contains("is cut short or no safetensors file"),
                "{message}"
            );
        }
    }
}
