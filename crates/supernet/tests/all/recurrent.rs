//! The recurrent supernet and its gradients.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax, backend::AutodiffBackend};
use egs_core::{NoiseKey, Normalization};
use supernet::recurrent::*;
use supernet::{
    Architecture, ArchitectureConfig, CodeTable, Execution, ForwardMode, Sampling, SearchSpace,
    Statistics, Trained, WeightInit,
};

use crate::support::{Train, assert_close, device};

pub(crate) const SIZE: LanguageSize = LanguageSize {
    words: 11,
    hidden: 6,
};

pub(crate) fn config(nodes: usize) -> LanguageSupernetConfig {
    LanguageSupernetConfig {
        size: SIZE,
        space: SearchSpace {
            nodes,
            ..Default::default()
        },
        normalization: StepNormalization::StepSum,
        form: CellForm::Searched,
    }
}

/// Larger weights than a training starts from, so that states differ.
pub(crate) fn supernet(nodes: usize) -> LanguageSupernet<Train> {
    let init = &mut WeightInit::new(4);
    let net = config(nodes).init::<Train>(init, &device()).unwrap();
    struct Grow;
    impl burn::module::ModuleMapper<Train> for Grow {
        fn map_float<const D: usize>(
            &mut self,
            param: Param<Tensor<Train, D>>,
        ) -> Param<Tensor<Train, D>> {
            let (id, value, mapper) = param.consume();
            let value = if D == 2 { value * 20.0 } else { value };
            Param::from_mapped_value(id, value.detach().require_grad(), mapper)
        }
    }
    net.map(&mut Grow)
}

pub(crate) fn words([time, batch]: [usize; 2]) -> Tensor<Train, 2, Int> {
    let word = |at| ((at * 7 + at / 3) % SIZE.words) as i32;
    let values: Vec<i32> = (0..time * batch).map(word).collect();
    Tensor::from_data(TensorData::new(values, [time, batch]), &device())
}

pub(crate) fn state(batch: usize) -> Tensor<Train, 2> {
    let values: Vec<f32> = (0..batch * SIZE.hidden)
        .map(|at| (at as f32 * 0.7).sin() * 0.5)
        .collect();
    let data = TensorData::new(values, [batch, SIZE.hidden]);
    Tensor::from_data(data, &device()).require_grad()
}

pub(crate) fn carried(hidden: Tensor<Train, 2>) -> Option<HiddenState<Train>> {
    let memory = None;
    Some(HiddenState { hidden, memory })
}

fn loss(logits: Tensor<Train, 3>) -> Tensor<Train, 1> {
    let logits: Tensor<Train, 2> = logits.flatten(0, 1);
    let [rows, words] = logits.dims();
    let targets: Vec<i32> = (0..rows).map(|row| (row * 5 % words) as i32).collect();
    let targets = Tensor::from_data(TensorData::new(targets, [rows, 1]), &device());
    log_softmax(logits, 1).gather(1, targets).mean().neg()
}

pub(crate) fn values<const D: usize>(tensor: Tensor<Train, D>) -> Vec<f32> {
    tensor.into_data().to_vec().unwrap()
}

type Gradients = <Train as AutodiffBackend>::Gradients;

fn gradients<M: Module<Train>>(module: &M, gradients: &Gradients) -> BTreeMap<String, Vec<f32>> {
    struct Collect<'a>(&'a Gradients, Vec<String>, BTreeMap<String, Vec<f32>>);
    impl ModuleVisitor<Train> for Collect<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.1.push(name.into());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.1.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Train, D>>) {
            if let Some(gradient) = param.val().grad(self.0) {
                let values = gradient.into_data().to_vec().unwrap();
                self.2.insert(self.1.join("."), values);
            }
        }
    }
    let mut collect = Collect(gradients, Vec::new(), BTreeMap::new());
    module.visit(&mut collect);
    collect.2
}

/// Masks that drop every third entry or so, each of them others.
pub(crate) fn dropped(batch: usize) -> LanguageMasks<Train> {
    let mask = |shape: [usize; 2], kind: usize| {
        let factor = |at: usize| if (at * 5 + kind) % 7 < 2 { 0.0 } else { 1.4f32 };
        let values: Vec<f32> = (0..shape[0] * shape[1]).map(factor).collect();
        Some(Tensor::from_data(TensorData::new(values, shape), &device()))
    };
    let rows = [batch, SIZE.hidden];
    LanguageMasks {
        embedding: mask([SIZE.words, 1], 0),
        input: mask(rows, 1),
        cell: CellMasks {
            inputs: mask(rows, 2),
            states: mask(rows, 3),
        },
        output: mask(rows, 4),
    }
}

struct Outcome {
    loss: f32,
    hidden: Vec<f32>,
    /// Those of the inputs pass through the words' vectors.
    weights: BTreeMap<String, Vec<f32>>,
    logits: BTreeMap<String, Vec<f32>>,
}

fn run(
    net: &LanguageSupernet<Train>,
    architecture: &Architecture<Train>,
    egs: &ArchitectureConfig,
    execution: Execution,
    trained: Trained,
) -> Outcome {
    let sample = architecture.sample(egs, 1.0, NoiseKey::new(5, 9)).unwrap();
    let codes = match trained {
        Trained::Weights => sample.constant(egs.normalization),
        Trained::Logits => sample.codes,
    };
    let hidden = state(4);
    let mode = ForwardMode {
        execution,
        trained,
        statistics: Statistics::Batch,
    };
    let state = carried(hidden.clone());
    let out = net.forward(words([5, 4]), &codes.tables[0], state, &dropped(4), mode);
    let loss = loss(out.logits);
    let grads = loss.backward();
    Outcome {
        loss: values(loss)[0],
        hidden: hidden.grad(&grads).unwrap().into_data().to_vec().unwrap(),
        weights: gradients(net, &grads),
        logits: gradients(architecture, &grads),
    }
}

fn compare(trained: Trained, sampling: Sampling, normalization: Normalization) {
    let net = supernet(5);
    let egs = ArchitectureConfig {
        draws: 3,
        sampling,
        normalization,
        ..Default::default()
    };
    let init = &mut WeightInit::new(8);
    let architecture = Architecture::new(&config(5).space, egs.activation, init, &device());
    let dense = run(&net, &architecture, &egs, Execution::Dense, trained);
    let sparse = run(&net, &architecture, &egs, Execution::ExactSparse, trained);
    assert_close(&[dense.loss], &[sparse.loss], 1e-5, "loss");
    assert_close(&dense.hidden, &sparse.hidden, 1e-4, "hidden state");
    let names: Vec<_> = dense.weights.keys().collect();
    assert_eq!(names, sparse.weights.keys().collect::<Vec<_>>());
    assert_eq!(names.len(), 2 + 1 + 5);
    for (name, gradient) in &dense.weights {
        assert_close(gradient, &sparse.weights[name], 1e-4, name);
        assert!(gradient.iter().any(|value| *value != 0.0), "{name}");
    }
    assert_eq!(dense.logits.len(), usize::from(trained == Trained::Logits));
    for (name, gradient) in &dense.logits {
        assert_close(gradient, &sparse.logits[name], 1e-4, "logits");
        assert!(gradient.iter().filter(|value| **value != 0.0).count() > 40);
    }
}

#[test]
fn dense_and_sparse_agree_when_weights_are_trained() {
    compare(Trained::Weights, Sampling::PerNode, Normalization::None);
    compare(Trained::Weights, Sampling::PerEdge, Normalization::Sum);
}

#[test]
fn dense_and_sparse_agree_when_logits_are_trained() {
    compare(Trained::Logits, Sampling::PerNode, Normalization::None);
    compare(Trained::Logits, Sampling::PerNode, Normalization::Sum);
    compare(Trained::Logits, Sampling::PerEdge, Normalization::None);
    compare(Trained::Logits, Sampling::PerEdge, Normalization::Sum);
}

#[test]
fn sampled_execution_keeps_the_loss_but_not_the_gradient_of_all_logits() {
    let net = supernet(3);
    let egs = ArchitectureConfig {
        draws: 2,
        sampling: Sampling::PerNode,
        ..Default::default()
    };
    let init = &mut WeightInit::new(8);
    let architecture = Architecture::new(&config(3).space, egs.activation, init, &device());
    let of = |execution| run(&net, &architecture, &egs, execution, Trained::Logits);
    let (exact, sampled) = (of(Execution::ExactSparse), of(Execution::Sampled));
    assert_close(&[exact.loss], &[sampled.loss], 1e-5, "loss");
    assert_close(&exact.hidden, &sampled.hidden, 1e-4, "hidden state");
    assert_ne!(exact.logits, sampled.logits);
}

/// Of 3 rows: normalisation over 2 of them would leave nothing but signs.
#[test]
fn finite_differences_of_the_whole_search_cell() {
    let hidden = 4;
    let space = SearchSpace::<RecurrentOperation> {
        nodes: 3,
        ..Default::default()
    };
    let wave = |shape: [usize; 2], frequency: f32| {
        let count = shape[0] * shape[1];
        let values: Vec<f32> = (0..count).map(|at| (at as f32 * frequency).sin()).collect();
        Tensor::<Train, 2>::from_data(TensorData::new(values, shape), &device())
    };
    let (inputs, start) = (wave([2 * 3, hidden], 0.9), wave([3, hidden], 1.3));
    let first = wave([2 * hidden, 2 * hidden], 0.37) * 0.7;
    let steps: Vec<_> = (0..3)
        .map(|step| wave([hidden, 2 * hidden], 0.53 + step as f32))
        .collect();
    // Everything is on, with weights of all sizes.
    let weights = wave([6, 5], 0.77).powi_scalar(2) + 0.1;
    let leaves: Vec<Tensor<Train, 2>> = [inputs, start, first, weights]
        .into_iter()
        .chain(steps)
        .map(|leaf| leaf.detach().require_grad())
        .collect();
    let target = wave([2 * 3, hidden], 2.1);
    let evaluate = |leaves: &[Tensor<Train, 2>]| {
        let init = &mut WeightInit::new(0);
        let cell = RecurrentCell::<Train>::new([hidden; 2], 3, init, &device());
        let mut cell = cell.in_form(CellForm::Searched);
        fn param(leaf: &Tensor<Train, 2>) -> Param<Tensor<Train, 2>> {
            Param::initialized(Default::default(), leaf.clone())
        }
        cell.first = param(&leaves[2]);
        cell.steps = leaves[4..].iter().map(param).collect();
        let table = CodeTable {
            weights: Some(leaves[3].clone()),
            active: vec![vec![true; 5]; 6],
        };
        let code = CellCode {
            table: &table,
            space: &space,
            normalization: StepNormalization::StepSum,
        };
        let mode = ForwardMode {
            execution: Execution::Dense,
            trained: Trained::Logits,
            statistics: Statistics::Batch,
        };
        let inputs = leaves[0].clone().reshape([2, 3, hidden]);
        let masks = CellMasks::default();
        let out = cell.forward(inputs, leaves[1].clone(), code, &masks, mode);
        (out.hidden.reshape([6, hidden]) * target.clone()).sum()
    };
    let grads = evaluate(&leaves).backward();
    for (index, leaf) in leaves.iter().enumerate() {
        let gradient: Vec<f32> = leaf.grad(&grads).unwrap().into_data().to_vec().unwrap();
        let scale = gradient.iter().fold(0.0f32, |most, g| most.max(g.abs()));
        let numbers = values(leaf.clone());
        for at in (0..numbers.len()).step_by(5) {
            let moved = |step: f32| {
                let mut numbers = numbers.clone();
                numbers[at] += step;
                let data = TensorData::new(numbers, leaf.dims());
                let mut leaves = leaves.clone();
                leaves[index] = Tensor::from_data(data, &device());
                f64::from(values(evaluate(&leaves))[0])
            };
            let step = 2e-3;
            let slope = ((moved(step) - moved(-step)) / f64::from(2.0 * step)) as f32;
            let difference = (slope - gradient[at]).abs();
            assert!(
                difference <= 1e-2 * scale,
                "leaf {index}, {at}: {slope} and {}",
                gradient[at]
            );
        }
    }
}
