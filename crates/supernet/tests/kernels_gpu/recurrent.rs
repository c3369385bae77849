//! Gated sums, log-likelihoods and whole recurrent cells, bare and under a fusing backend.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{
    Int, Tensor, TensorData,
    backend::{AutodiffBackend, Backend},
    ops::FloatTensor,
};
use burn_flex::Flex;
use supernet::kernels::{
    GateActivation, GateTerm, KernelBackend, gated_mix, gated_mix_backward, gated_mix_weights,
    log_likelihood, reference,
};
use supernet::recurrent::{
    CellCode, CellForm, CellMasks, RecurrentCell, RecurrentOperation, StepNormalization,
    UnrollBackend,
};
use supernet::{CodeTable, Execution, ForwardMode, SearchSpace, Statistics, Trained, WeightInit};

use crate::kernels_common::{Tracked, assert_close};
use crate::operation::values;

use super::suite::{Bare, Fusing, device};

type Inner<B> = <B as AutodiffBackend>::InnerBackend;

fn wave<B: Backend, const D: usize>(
    shape: [usize; D],
    frequency: f32,
    device: &B::Device,
) -> Tensor<B, D> {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count)
        .map(|at| (at as f32 * frequency).sin() * 3.0)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn term(state: usize, activation: GateActivation, entry: [usize; 2], on: bool) -> GateTerm {
    GateTerm {
        state,
        activation,
        entry,
        on,
    }
}

/// Every activation, on and off, and a state that is not read.
fn terms() -> Vec<GateTerm> {
    vec![
        term(0, GateActivation::Tanh, [0, 1], true),
        term(0, GateActivation::Relu, [0, 2], false),
        term(0, GateActivation::Sigmoid, [0, 3], true),
        term(1, GateActivation::Identity, [2, 4], true),
        term(1, GateActivation::Relu, [2, 2], true),
        term(1, GateActivation::Sigmoid, [2, 3], false),
        term(2, GateActivation::Tanh, [3, 1], false),
        term(2, GateActivation::Identity, [3, 4], false),
    ]
}

/// The sum, the gradients of states and products, and that of the weights, twice.
fn gate<B: KernelBackend>(
    [batch, hidden]: [usize; 2],
    terms: &[GateTerm],
    device: &B::Device,
) -> [Vec<f32>; 5] {
    let states: Tensor<B, 3> = wave([3, batch, hidden], 0.37, device);
    // A view, whose values do not lie in its order.
    let products: Tensor<B, 3> = wave([3, 2 * hidden, batch], 0.23, device).swap_dims(1, 2);
    let weights: Tensor<B, 2> = wave([4, 5], 1.7, device);
    let dy: Tensor<B, 2> = wave([batch, hidden], 0.71, device);
    let inputs = || (states.clone(), products.clone(), weights.clone());
    let (s, p, w) = inputs();
    let sum = gated_mix(s, p, w, terms);
    let (s, p, w) = inputs();
    let ([ds, dp], dw) = gated_mix_backward(s, p, w, terms, dy.clone(), true);
    let alone = gated_mix_weights(states, products, weights, terms, dy);
    let dw = dw.expect("it was asked for");
    [
        values(sum),
        values(ds),
        values(dp),
        values(dw),
        values(alone),
    ]
}

/// As [`gate`], of the reference on Flex.
fn expected_gate([batch, hidden]: [usize; 2], terms: &[GateTerm]) -> [Vec<f32>; 5] {
    let device = Default::default();
    let three = |tensor: Tensor<Flex, 3>| tensor.into_primitive().tensor();
    let two = |tensor: Tensor<Flex, 2>| tensor.into_primitive().tensor();
    let products = wave([3, 2 * hidden, batch], 0.23, &device).swap_dims(1, 2);
    let states = three(wave([3, batch, hidden], 0.37, &device));
    let (products, weights) = (three(products), two(wave([4, 5], 1.7, &device)));
    let dy = two(wave([batch, hidden], 0.71, &device));
    let (s, p, w) = (states.clone(), products.clone(), weights.clone());
    let sum = reference::gated_mix::<Flex>(s, p, w, terms);
    let ([ds, dp], dw) =
        reference::gated_mix_backward::<Flex>(states, products, weights, terms, dy, true);
    let dw = dw.expect("it was asked for");
    let values =
        |tensor: FloatTensor<Flex>| tensor.into_data().to_vec().expect("the tests use f32");
    [sum, ds, dp, dw.clone(), dw].map(values)
}

/// The last is so large that several cubes share a sum.
const SIZES: [[usize; 2]; 5] = [[1, 1], [3, 7], [5, 40], [33, 17], [40, 130]];

#[test]
fn gated_sums_equal_the_reference() {
    let Some(device) = device() else { return };
    // An activation of a state twice, which takes the reference, and nothing at all.
    let mut repeated = terms();
    repeated.push(term(0, GateActivation::Tanh, [1, 1], true));
    for (terms, sizes) in [
        (terms(), &SIZES[..]),
        (repeated, &SIZES[1..2]),
        (Vec::new(), &SIZES[1..2]),
    ] {
        for &size in sizes {
            let expected = expected_gate(size, &terms);
            for (backend, actual) in [
                ("bare", gate::<Inner<Bare>>(size, &terms, &device)),
                ("fusing", gate::<Inner<Fusing>>(size, &terms, &device)),
            ] {
                for (index, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
                    let part = ["sum", "states", "products", "weights", "weights alone"][index];
                    let what = format!("{part} of {size:?}, {} terms, {backend}", terms.len());
                    assert_close(actual, expected, 1e-5, &what);
                }
            }
        }
    }
}

/// Log-likelihoods, and the gradient of the logits.
fn likelihoods<B: AutodiffBackend + KernelBackend>(
    [time, batch, classes]: [usize; 3],
    device: &B::Device,
) -> [Vec<f32>; 2] {
    let logits = wave::<B, 3>([time, batch, classes], 0.37, device).require_grad();
    let chosen: Vec<i32> = (0..time * batch)
        .map(|at| (at * 5 % classes) as i32)
        .collect();
    let chosen: Tensor<B, 2, Int> =
        Tensor::from_data(TensorData::new(chosen, [time, batch]), device);
    let said = log_likelihood(logits.clone(), chosen);
    let gradients = (said.clone() * wave([time, batch], 0.9, device))
        .sum()
        .backward();
    let gradient = logits.grad(&gradients).expect("logits are tracked");
    [values(said.inner()), values(gradient)]
}

#[test]
fn log_likelihoods_equal_those_on_flex() {
    let Some(device) = device() else { return };
    for size in [[1, 1, 1], [2, 3, 5], [3, 5, 700]] {
        let expected = likelihoods::<Tracked>(size, &Default::default());
        for (backend, actual) in [
            ("bare", likelihoods::<Bare>(size, &device)),
            ("fusing", likelihoods::<Fusing>(size, &device)),
        ] {
            for (actual, expected) in actual.iter().zip(&expected) {
                assert_close(actual, expected, 1e-5, &format!("{size:?}, {backend}"));
            }
        }
    }
}

/// Weights of the size that they grow to.
struct Grow;

impl<B: AutodiffBackend> ModuleMapper<B> for Grow {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let (id, value, mapper) = param.consume();
        let value = if D == 2 { value * 20.0 } else { value };
        Param::from_mapped_value(id, value.detach().require_grad(), mapper)
    }
}

/// Hidden states of the search cell, and the gradients of its inputs, the hidden state before, its codes
/// and, of the weights, all that `trained` is.
fn cell<B: AutodiffBackend + UnrollBackend>(
    trained: Trained,
    device: &B::Device,
) -> Vec<(String, Vec<f32>)> {
    let (time, batch, hidden) = (4, 5, 7);
    let space = SearchSpace::<RecurrentOperation> {
        nodes: 3,
        ..Default::default()
    };
    let init = &mut WeightInit::new(3);
    let cell = RecurrentCell::<B>::new([hidden; 2], 3, init, device);
    let cell = cell.in_form(CellForm::Searched).map(&mut Grow);
    let logits = matches!(trained, Trained::Logits);
    let cell = if logits { cell.no_grad() } else { cell };
    let inputs = wave::<B, 3>([time, batch, hidden], 0.9, device).require_grad();
    let start = wave::<B, 2>([batch, hidden], 1.3, device).require_grad();
    let mask = wave::<B, 2>([batch, hidden], 2.3, device).greater_elem(-1.0);
    let mask = mask.float() * 1.5;
    // Several operations on an edge, one, and none but `none`.
    let active: Vec<Vec<bool>> = (0..6)
        .map(|edge| {
            (0..5)
                .map(|op| op == edge % 5 || (edge == 3 && op > 2))
                .collect()
        })
        .collect();
    let codes = active.iter().flatten().map(|&on| f32::from(u8::from(on)));
    let codes = TensorData::new(codes.collect::<Vec<_>>(), [6, 5]);
    let codes = Tensor::<B, 2>::from_data(codes, device).require_grad();
    let table = CodeTable {
        weights: Some(codes.clone()),
        active,
    };
    let code = CellCode {
        table: &table,
        space: &space,
        normalization: StepNormalization::StepSum,
    };
    let mode = ForwardMode {
        execution: Execution::ExactSparse,
        trained,
        statistics: Statistics::Batch,
    };
    let masks = CellMasks {
        inputs: None,
        states: Some(mask),
    };
    let out = cell.forward(inputs.clone(), start.clone(), code, &masks, mode);
    let target = wave([time, batch, hidden], 2.1, device);
    let gradients = (out.hidden.clone() * target).sum().backward();
    let mut parts = vec![
        ("hidden states".into(), values(out.hidden.inner())),
        ("codes".into(), values(codes.grad(&gradients).unwrap())),
        ("inputs".into(), values(inputs.grad(&gradients).unwrap())),
        ("start".into(), values(start.grad(&gradients).unwrap())),
    ];
    if !logits {
        let first = cell.first.val().grad(&gradients).unwrap();
        parts.push(("first".into(), values(first)));
        for (step, weights) in cell.steps.iter().enumerate() {
            let gradient = weights.val().grad(&gradients).unwrap();
            parts.push((format!("step {step}"), values(gradient)));
        }
    }
    parts
}

#[test]
fn the_search_cell_through_time_equals_the_one_on_flex() {
    let Some(device) = device() else { return };
    for trained in [Trained::Weights, Trained::Logits] {
        let expected = cell::<Tracked>(trained, &Default::default());
        for (backend, actual) in [
            ("bare", cell::<Bare>(trained, &device)),
            ("fusing", cell::<Fusing>(trained, &device)),
        ] {
            for ((part, actual), (_, expected)) in actual.iter().zip(&expected) {
                let what = format!("{part}, training {trained:?}, {backend}");
                assert_close(actual, expected, 1e-4, &what);
            }
        }
    }
}
