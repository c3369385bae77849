use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData, backend::Backend};

use crate::convolution::tensors::{darts_name, is_transposed};
use crate::{DerivedNetwork, SupernetError};

/// A tensor in host memory.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Its shape, in PyTorch's layout.
    pub shape: Vec<usize>,
    /// Its values, row by row.
    pub values: Vec<f32>,
}

/// All tensors of a network by their names in DARTS' PyTorch code (`stem.0.weight`,
/// `cells.0._ops.1.op.3.running_mean`, `classifier.bias`).
pub type StateDict = BTreeMap<String, NamedTensor>;

/// What PyTorch stores beside the statistics: the count of batches, which nothing here needs.
const COUNTERS: &str = "num_batches_tracked";

impl<B: Backend> DerivedNetwork<B> {
    /// All weights and running statistics, by name.
    pub fn state_dict(&self) -> StateDict {
        let mut reader = Reader {
            path: Vec::new(),
            state: BTreeMap::new(),
        };
        self.visit(&mut reader);
        reader.state
    }

    /// The network with the weights and running statistics of `state`. Names that end in
    /// `num_batches_tracked` are passed over, and so is an auxiliary head that this network lacks.
    ///
    /// # Errors
    ///
    /// [`SupernetError::State`] naming the first tensor that is missing, of another shape, or not
    /// part of the network.
    pub fn load_state_dict(self, state: &StateDict) -> Result<Self, SupernetError> {
        let own = self.state_dict();
        let has_auxiliary = own.keys().any(|name| name.starts_with("auxiliary_head."));
        for name in state.keys() {
            let passed_over =
                name.ends_with(COUNTERS) || (name.starts_with("auxiliary_head.") && !has_auxiliary);
            if !passed_over && !own.contains_key(name) {
                return Err(SupernetError::state(name, "is not part of the network"));
            }
        }
        for (name, tensor) in &own {
            let found = state
                .get(name)
                .ok_or_else(|| SupernetError::state(name, "is missing"))?;
            if found.shape != tensor.shape || found.values.len() != tensor.values.len() {
                let problem = format!("has shape {:?}, not {:?}", found.shape, tensor.shape);
                return Err(SupernetError::state(name, problem));
            }
        }
        Ok(self.map(&mut Writer {
            path: Vec::new(),
            state,
        }))
    }
}

struct Reader {
    path: Vec<String>,
    state: StateDict,
}

impl<B: Backend> ModuleVisitor<B> for Reader {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let Some(name) = darts_name(&self.path) else {
            debug_assert!(false, "no name for {:?}", self.path);
            return;
        };
        let data = param.val().into_data();
        let mut shape = data.shape.to_vec();
        let mut values: Vec<f32> = data.iter::<f32>().collect();
        if is_transposed(&name) {
            values = transposed(&values, shape[0], shape[1]);
            shape.reverse();
        }
        self.state.insert(name, NamedTensor { shape, values });
    }
}

struct Writer<'a> {
    path: Vec<String>,
    state: &'a StateDict,
}

impl<B: Backend> ModuleMapper<B> for Writer<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let Some((name, found)) =
            darts_name(&self.path).and_then(|name| self.state.get_key_value(&name))
        else {
            return param;
        };
        let (id, old, mapper) = param.consume();
        let values = if is_transposed(name) {
            transposed(&found.values, found.shape[0], found.shape[1])
        } else {
            found.values.clone()
        };
        let data = TensorData::new(values, old.dims());
        let (device, trained) = (old.device(), old.is_require_grad());
        let tensor = Tensor::from_data(data, &device).set_require_grad(trained);
        Param::from_mapped_value(id, tensor, mapper)
    }
}

/// `[rows, columns]` to `[columns, rows]`.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let column = |column| (0..rows).map(move |row| values[row * columns + column]);
    (0..columns).flat_map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        let transposed = transposed(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3);
        assert_eq!(transposed, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }
}
