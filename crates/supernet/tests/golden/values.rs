//! Files of recorded values.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::backend::Autodiff;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData, backend::AutodiffBackend};
use burn_flex::Flex;
use serde_json::Value;
use supernet::recurrent::RecurrentOperation;
use supernet::{CellGenotype, Genotype, GenotypeOp, OperationSet};

pub type Train = Autodiff<Flex>;
pub type Gradients = <Train as AutodiffBackend>::Gradients;

/// Lets one test differentiate at a time: Burn's graphs can lose nodes to another thread's clean-up.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file that `variable` names, or that of the repository.
pub fn read(variable: &str, name: &str) -> Value {
    let default = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let path = std::env::var(variable).unwrap_or(default);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Nested lists as they lie in memory, with their sizes.
pub fn array(value: &Value) -> (Vec<f32>, Vec<usize>) {
    let (mut numbers, mut shape) = (Vec::new(), Vec::new());
    let mut level = value;
    while let Some(list) = level.as_array() {
        shape.push(list.len());
        level = &list[0];
    }
    fn flatten(value: &Value, numbers: &mut Vec<f32>) {
        match value.as_array() {
            Some(list) => list.iter().for_each(|value| flatten(value, numbers)),
            None => numbers.push(value.as_f64().unwrap_or(f64::NAN) as f32),
        }
    }
    flatten(value, &mut numbers);
    (numbers, shape)
}

pub fn numbers(value: &Value) -> Vec<f32> {
    array(value).0
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

pub fn size(case: &Value, field: &str) -> usize {
    case[field].as_u64().unwrap_or_else(|| panic!("no {field}")) as usize
}

pub fn list(value: &Value) -> &[Value] {
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    assert!(!list.is_empty(), "an empty list");
    list
}

pub fn of<const D: usize>(tensor: Tensor<Train, D>) -> Vec<f32> {
    tensor.into_data().to_vec().unwrap()
}

/// Equal to 2e-5 of the largest, or ten times what f32 was measured to be off.
pub fn close(actual: &[f32], expected: &[f32], measured: Option<f64>, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f32, |most, v| most.max(v.abs()));
    let tolerance = 10.0 * measured.unwrap_or(0.0) as f32;
    let allowed = tolerance.max(2e-5) * largest;
    for (actual, expected) in actual.iter().zip(expected) {
        let difference = (actual - expected).abs();
        assert!(difference <= allowed, "{what}: {actual} and {expected}");
    }
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
