use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData, backend::Backend};

use crate::SupernetError;

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

/// A tensor's name in a file, and how it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorName {
    name: String,
    layout: Layout,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// As it is in memory.
    Same,
    /// With rows for columns.
    Transposed,
}

impl TensorName {
    pub(crate) fn new(name: String) -> Self {
        let layout = Layout::Same;
        Self { name, layout }
    }

    /// The same tensor as a part of a larger network, whose names begin so.
    pub(crate) fn within(mut self, larger: &str) -> Self {
        self.name.insert_str(0, larger);
        self
    }

    pub(crate) fn transposed(name: String) -> Self {
        let layout = Layout::Transposed;
        Self { name, layout }
    }
}

/// The name of the tensor at a path of modules, if it has one.
type Naming = fn(&[&str]) -> Option<TensorName>;

/// All tensors of a module, by name.
pub(crate) fn read_tensors<B: Backend, M: Module<B>>(module: &M, naming: Naming) -> StateDict {
    let mut reader = Reader {
        place: Place::new(naming),
        state: BTreeMap::new(),
    };
    module.visit(&mut reader);
    reader.state
}

/// The names of a module's tensors.
pub(crate) fn tensor_names<B: Backend, M: Module<B>>(
    module: &M,
    naming: Naming,
) -> HashMap<ParamId, String> {
    let mut namer = Namer {
        place: Place::new(naming),
        names: HashMap::new(),
    };
    module.visit(&mut namer);
    namer.names
}

/// The module with the values of `state` in the tensors that have their names there.
pub(crate) fn write_tensors<B: Backend, M: Module<B>>(
    module: M,
    state: &StateDict,
    naming: Naming,
) -> M {
    module.map(&mut Writer {
        place: Place::new(naming),
        state,
    })
}

/// What PyTorch stores beside the statistics: the count of batches, which nothing here needs.
pub(crate) const COUNTERS: &str = "num_batches_tracked";

/// The module with the values of `state`, which has all its tensors and no others, but for counters and
/// those that begin with `auxiliary` where the module has none.
///
/// # Errors
///
/// [`SupernetError::State`] naming the first tensor that is missing, of another shape, or not part of
/// the module.
pub(crate) fn load_tensors<B: Backend, M: Module<B>>(
    module: M,
    state: &StateDict,
    naming: Naming,
    auxiliary: &str,
) -> Result<M, SupernetError> {
    let own = read_tensors(&module, naming);
    let has_auxiliary = own.keys().any(|name| name.starts_with(auxiliary));
    for name in state.keys() {
        let passed_over =
            name.ends_with(COUNTERS) || (name.starts_with(auxiliary) && !has_auxiliary);
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
    Ok(write_tensors(module, state, naming))
}

/// Where a visitor is.
struct Place {
    modules: Vec<String>,
    naming: Naming,
}

impl Place {
    fn new(naming: Naming) -> Self {
        Self {
            modules: Vec::new(),
            naming,
        }
    }

    fn name(&self) -> Option<TensorName> {
        let path: Vec<&str> = self.modules.iter().map(String::as_str).collect();
        (self.naming)(&path)
    }
}

struct Reader {
    place: Place,
    state: StateDict,
}

impl<B: Backend> ModuleVisitor<B> for Reader {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.place.modules.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.modules.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let Some(TensorName { name, layout }) = self.place.name() else {
            panic!("no name for {:?}", self.place.modules);
        };
        let data = param.val().into_data();
        let mut shape = data.shape.to_vec();
        let mut values: Vec<f32> = data.iter::<f32>().collect();
        if layout == Layout::Transposed {
            values = transposed(&values, shape[0], shape[1]);
            shape.reverse();
        }
        self.state.insert(name, NamedTensor { shape, values });
    }
}

struct Namer {
    place: Place,
    names: HashMap<ParamId, String>,
}

impl<B: Backend> ModuleVisitor<B> for Namer {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.place.modules.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.modules.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let name = self.place.name().map(|name| (param.id, name.name));
        self.names.extend(name);
    }
}

struct Writer<'a> {
    place: Place,
    state: &'a StateDict,
}

impl<B: Backend> ModuleMapper<B> for Writer<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.place.modules.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.modules.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let Some(TensorName { name, layout }) = self.place.name() else {
            return param;
        };
        let Some(found) = self.state.get(&name) else {
            return param;
        };
        let (id, old, mapper) = param.consume();
        let values = if layout == Layout::Transposed {
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
