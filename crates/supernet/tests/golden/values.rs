//! Recorded values as tensors of the backend that trains.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::backend::Autodiff;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData, backend::AutodiffBackend};
use burn_flex::Flex;
use serde_json::Value;
use supernet::recurrent::RecurrentOperation;
use supernet::{CellGenotype, Genotype, GenotypeOp, OperationSet};

pub use crate::file::*;

pub type Train = Autodiff<Flex>;
pub type Gradients = <Train as AutodiffBackend>::Gradients;

/// Lets one test differentiate at a time: Burn's graphs can lose nodes to another thread's clean-up.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn tensor<const D: usize>(value: &Value) -> Tensor<Train, D> {
    let (numbers, shape) = array(value);
    Tensor::from_data(TensorData::new(numbers, shape), &Default::default())
}

/// None where it is null.
pub fn optional<const D: usize>(value: &Value) -> Option<Tensor<Train, D>> {
    (!value.is_null()).then(|| tensor(value))
}

pub fn param<const D: usize>(value: &Value) -> Param<Tensor<Train, D>> {
    Param::from_tensor(tensor(value))
}

pub fn of<const D: usize>(tensor: Tensor<Train, D>) -> Vec<f32> {
    tensor.into_data().to_vec().unwrap()
}

/// A cell of pairs `[activation, predecessor]`, a list for each step.
pub fn genotype(active: &Value) -> Genotype<RecurrentOperation> {
    let entry = |pair: &Value| {
        let op = RecurrentOperation::from_name(pair[0].as_str().unwrap()).unwrap();
        GenotypeOp::new(op, pair[1].as_u64().unwrap() as usize)
    };
    let nodes = list(active)
        .iter()
        .map(|step| list(step).iter().map(entry).collect());
    let cell = CellGenotype::new(nodes.collect());
    Genotype { cells: vec![cell] }
}

/// Gradients of the parameters of a module, by the path of their modules.
pub fn gradients<M: Module<Train>>(
    module: &M,
    gradients: &Gradients,
) -> BTreeMap<String, Vec<f32>> {
    struct Collect<'a> {
        gradients: &'a Gradients,
        path: Vec<String>,
        found: BTreeMap<String, Vec<f32>>,
    }
    impl ModuleVisitor<Train> for Collect<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.into());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Train, D>>) {
            if let Some(gradient) = param.val().grad(self.gradients) {
                let values = gradient.into_data().to_vec().unwrap();
                self.found.insert(self.path.join("."), values);
            }
        }
    }
    let mut collect = Collect {
        gradients,
        path: Vec::new(),
        found: BTreeMap::new(),
    };
    module.visit(&mut collect);
    collect.found
}
