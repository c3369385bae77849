//! The alternating loop: separate parameter sets, and what a step leaves alone.

use std::collections::BTreeMap;

use burn::backend::Autodiff;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, backend::Backend};
use burn_flex::Flex;
use egs_core::NoiseKey;
use search::tasks::ImageTask;
use search::{
    AlternatingStep, Objective, Pass, SearchConfig, SearchState, StepLosses, Task, run_sampled,
};
use supernet::{Architecture, Execution, ForwardMode, Statistics, Trained};
use workbench::images::{Batch, DatasetId, ImageProblem, cross_entropy, load};
use workbench::precision::Precision;
use workbench::problem::Phase;
use workbench::stream::RngKey;

type Train = Autodiff<Flex>;
type Config = SearchConfig<ImageTask>;
type State = SearchState<Train, ImageTask>;

/// A configuration with everything a step needs.
struct Setting {
    config: Config,
    task: ImageTask,
    problem: ImageProblem,
}

impl Setting {
    fn new(config: Config) -> Self {
        let (task, problem) = ImageTask::open(&config).unwrap();
        Self {
            config,
            task,
            problem,
        }
    }

    fn fresh(&self) -> State {
        State::new(&self.config, &self.task, &Default::default()).unwrap()
    }

    fn step(&self, index: u64) -> AlternatingStep<'_, ImageTask> {
        AlternatingStep {
            objective: Objective {
                config: &self.config,
                task: &self.task,
                problem: &self.problem,
                index,
                temperature: 1.0,
            },
            learning_rate: 0.1,
        }
    }
}

/// Training images of the digits, of both halves.
fn batch(indices: std::ops::Range<usize>) -> Batch<Train> {
    let data = load(DatasetId::Digits, None).unwrap();
    let key = RngKey { seed: 0, epoch: 0 };
    let indices: Vec<_> = indices.collect();
    data.train
        .batch::<Train>(&indices, None, key, &Default::default())
}

/// Mistakes of a step: second of the sums of images.
fn mistakes(losses: &StepLosses<Flex>) -> f32 {
    losses.sums.clone().into_data().to_vec::<f32>().unwrap()[1]
}

fn config() -> Config {
    method("egs")
}

fn method(name: &str) -> Config {
    let set = [
        "network.cells=3",
        "network.channels=2",
        "space.nodes=2",
        "architecture.draws=1",
        &format!("search.method={name}"),
    ];
    Config::resolve(None, &set.map(String::from)).unwrap()
}

fn values<B: Backend, M: Module<B>>(module: &M) -> BTreeMap<u64, Vec<f32>> {
    struct Values(BTreeMap<u64, Vec<f32>>);
    impl<B: Backend> ModuleVisitor<B> for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            self.0
                .insert(param.id.val(), param.val().into_data().to_vec().unwrap());
        }
    }
    let mut values = Values(BTreeMap::new());
    module.visit(&mut values);
    values.0
}

fn changed(before: &BTreeMap<u64, Vec<f32>>, after: &BTreeMap<u64, Vec<f32>>) -> usize {
    before
        .iter()
        .filter(|(id, value)| after[id] != **value)
        .count()
}

#[test]
fn weights_and_logits_belong_to_different_optimisers() {
    assert!(Setting::new(config()).fresh().parameter_sets_are_disjoint());
}

#[test]
fn unselected_operations_keep_weights_momentum_and_statistics() {
    let setting = Setting::new(config());
    let mut state = setting.fresh();
    let images = batch(0..32);

    // A weight step: logits stay, and with one draw most operations of an edge are off; their
    // weights, though decay is on, and their running statistics stay as they were.
    let (weights, logits) = (values(&state.supernet), values(&state.architecture));
    (state, _) = setting.step(0).take(state, &images, None).unwrap();
    let after = values(&state.supernet);
    assert_eq!(values(&state.architecture), logits);
    let touched = changed(&weights, &after);
    assert!(
        touched > 0 && touched < weights.len() / 2,
        "{touched} of {}",
        weights.len()
    );

    // A second step with another code: what neither selected has still not moved.
    (state, _) = setting.step(1).take(state, &images, None).unwrap();
    let untouched = weights.len() - changed(&weights, &values(&state.supernet));
    assert!(untouched > 0);

    // An architecture step moves the logits of both tables.
    let before = tables(&state);
    let step = setting.step(2);
    let (state, losses) = step.take(state, &images, Some(&images)).unwrap();
    assert!(losses.architecture.is_some());
    for (before, after) in before.iter().zip(tables(&state)) {
        assert_ne!(*before, after);
    }
}

/// The logits of each table.
fn tables(state: &State) -> Vec<Vec<f32>> {
    let logits = state.architecture.logits.val();
    let size = logits.dims()[1] * logits.dims()[2];
    let values = logits.into_data().to_vec::<f32>().unwrap();
    values.chunks(size).map(<[f32]>::to_vec).collect()
}

/// The state before and after a step of a method, as weights and logits: how many parameter tensors
/// there are and how many the step changed.
fn step_of(name: &str) -> [(usize, usize); 2] {
    let setting = Setting::new(method(name));
    let state = setting.fresh();
    let (weights, logits) = (values(&state.supernet), values(&state.architecture));
    let learns = setting.config.search.method.rules().learns;
    let alpha = learns.then(|| batch(32..64));
    let step = setting.step(0);
    let (state, losses) = step.take(state, &batch(0..32), alpha.as_ref()).unwrap();
    assert_eq!(losses.architecture.is_some(), learns);
    [
        (weights.len(), changed(&weights, &values(&state.supernet))),
        (logits.len(), changed(&logits, &values(&state.architecture))),
    ]
}

#[test]
fn mixtures_train_every_weight_and_codes_only_what_they_select() {
    for mixture in ["darts", "snas"] {
        let [(weights, moved), (logits, learnt)] = step_of(mixture);
        assert_eq!((moved, learnt), (weights, logits), "{mixture}");
    }
    let [(weights, moved), (logits, learnt)] = step_of("gdas");
    assert!(0 < moved && moved < weights / 2, "{moved} of {weights}");
    assert_eq!(learnt, logits);
    let [(weights, moved), (_, learnt)] = step_of("random");
    assert!(0 < moved && moved < weights / 2, "{moved} of {weights}");
    assert_eq!(learnt, 0, "nothing is searched");
}

/// The gradient of the validation loss to the logits of the reduction cell, and the same by central
/// differences of the loss.
fn logit_gradients(name: &str) -> (Vec<f64>, Vec<f64>) {
    let setting = Setting::new(method(name));
    let state = setting.fresh();
    let images = batch(0..32);
    let loss = |architecture: &Architecture<Train>| {
        let pass = Pass {
            mode: ForwardMode {
                execution: Execution::ExactSparse,
                trained: Trained::Logits,
                statistics: Statistics::Batch,
            },
            precision: Precision::F32,
            phase: Phase::Training,
            seed: 0,
            index: 0,
        };
        let (config, task, net) = (&setting.config, &setting.task, &state.supernet);
        let sampled = (1.0, NoiseKey::new(1, 2));
        let answered = run_sampled(config, task, net, architecture, &images, (), sampled, pass);
        cross_entropy(answered.unwrap().0.answer, images.labels.clone())
    };
    let gradients = loss(&state.architecture).backward();
    let logits = &state.architecture.logits;
    let gradient = logits.val().grad(&gradients).unwrap().into_data();
    let at = |entry: usize, by: f32| {
        let mut moved = logits.val().into_data();
        moved.as_mut_slice::<f32>().unwrap()[entry] += by;
        let moved = Tensor::from_data(moved, &Default::default()).require_grad();
        let mut architecture = state.architecture.clone();
        architecture.logits = Param::initialized(logits.id, moved);
        f64::from(loss(&architecture).into_scalar())
    };
    let difference = |entry| (at(entry, 0.005) - at(entry, -0.005)) / 0.01;
    // The second table is that of the reduction cell.
    let entries = logits.shape().num_elements();
    let differences = (entries / 2..entries).map(difference).collect();
    let gradient: Vec<f64> = gradient.iter::<f64>().collect();
    (gradient[entries / 2..].to_vec(), differences)
}

#[test]
fn the_gradients_of_mixtures_are_those_of_their_loss() {
    for name in ["darts", "snas"] {
        let (gradient, difference) = logit_gradients(name);
        let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
        let error = squares(&mut gradient.iter().zip(&difference).map(|(a, b)| a - b));
        let whole = squares(&mut difference.iter().copied());
        assert!(whole > 1e-6, "{name}: {whole:e}");
        assert!(
            error < 0.03_f64.powi(2) * whole,
            "{name}: {error:e} of {whole:e}"
        );
    }
}

fn fresh(config: &Config) -> State {
    Setting::new(config.clone()).fresh()
}

/// One alternating step from the fresh state.
fn full_step(config: &Config) -> (State, StepLosses<Flex>) {
    let setting = Setting::new(config.clone());
    let step = setting.step(3);
    let (weights, logits) = (batch(0..32), batch(32..64));
    step.take(setting.fresh(), &weights, Some(&logits)).unwrap()
}

#[test]
fn a_step_with_one_cells_graph_at_a_time_takes_the_same_step() {
    let mut whole = config();
    // A penalty goes the same way.
    (whole.alpha.cost_penalty, whole.alpha.distribution_penalty) = (2.0, 0.5);
    let mut cellwise = whole.clone();
    cellwise.search.checkpoint_cells = true;
    let taken = |config: &Config| {
        let (state, losses) = full_step(config);
        let mistakes = mistakes(&losses);
        let losses = [
            losses.weights.into_scalar(),
            losses.architecture.unwrap().into_scalar(),
            mistakes,
        ];
        (state, losses)
    };
    let (expected, expected_losses) = taken(&whole);
    let (actual, losses) = taken(&cellwise);
    for (a, b) in losses.iter().zip(expected_losses) {
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
    }
    assert_ne!(tables(&fresh(&whole)), tables(&expected));
    for (actual, expected) in tables(&actual).iter().zip(tables(&expected)) {
        for (a, b) in actual.iter().zip(expected) {
            assert!((a - b).abs() < 1e-4, "logits: {a} and {b}");
        }
    }
    // Parameters have other names in each network, and the same order.
    let (actual, expected) = (ordered(&actual.supernet), ordered(&expected.supernet));
    assert_eq!(actual.len(), expected.len());
    for (a, b) in actual.iter().zip(expected) {
        assert!((a - b).abs() < 1e-4, "weights: {a} and {b}");
    }
}

#[test]
fn a_step_in_bf16_stays_near_the_one_in_f32_and_moves_the_same_statistics() {
    let exact = config();
    let mut reduced = exact.clone();
    reduced.search.precision = Precision::Bf16;
    let taken = |config: &Config| {
        let before = ordered(&fresh(config).supernet);
        let (state, losses) = full_step(config);
        let moved: Vec<f32> = ordered(&state.supernet)
            .iter()
            .zip(before)
            .map(|(after, before)| after - before)
            .collect();
        (moved, losses.weights.into_scalar())
    };
    let (exact, exact_loss) = taken(&exact);
    let (reduced, reduced_loss) = taken(&reduced);
    assert!((exact_loss - reduced_loss).abs() < 0.05 * exact_loss);
    assert_eq!(exact.len(), reduced.len());
    let norm = |values: &[f32]| values.iter().map(|v| f64::from(v * v)).sum::<f64>().sqrt();
    let apart: Vec<f32> = exact.iter().zip(&reduced).map(|(a, b)| a - b).collect();
    let relative = norm(&apart) / norm(&exact);
    // bf16 has 8 bits of precision, and errors grow through the cells.
    assert!(relative > 0.0 && relative < 0.2, "{relative}");
}

/// A node that no operation feeds is zeros, of the type that its neighbours are computed in.
#[test]
fn a_node_without_operations_takes_part_in_bf16() {
    let set = [
        r#"space.operations=["none", "sep_conv_3x3"]"#,
        "network.cells=3",
        "network.channels=2",
        "space.nodes=2",
        "architecture.draws=1",
        "search.precision=bf16",
    ];
    let mut config = Config::resolve(None, &set.map(String::from)).unwrap();
    // Three nodes in eight are empty.
    for seed in 0..4 {
        config.seed = seed;
        let (_, losses) = full_step(&config);
        assert!(losses.weights.into_scalar().is_finite());
    }
}

/// All values of a module in the order of its fields.
fn ordered<M: Module<Train>>(module: &M) -> Vec<f32> {
    struct Values(Vec<f32>);
    impl ModuleVisitor<Train> for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Train, D>>) {
            self.0
                .extend(param.val().into_data().to_vec::<f32>().unwrap());
        }
    }
    let mut values = Values(Vec::new());
    module.visit(&mut values);
    values.0
}
