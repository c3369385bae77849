//! The recurrent supernet and its children.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax, backend::AutodiffBackend};
use egs_core::{NoiseKey, Normalization};
use supernet::recurrent::*;
use supernet::{
    Architecture, ArchitectureConfig, CodeTable, Codes, DeriveRule, Execution, ForwardMode,
    Genotype, Sampling, SearchSpace, Statistics, Trained, WeightInit, count_weights,
    derive_genotype,
};

use crate::support::{Train, assert_close, device};

const SIZE: LanguageSize = LanguageSize {
    words: 11,
    hidden: 6,
};

fn config(nodes: usize) -> LanguageSupernetConfig {
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
fn supernet(nodes: usize) -> LanguageSupernet<Train> {
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

fn words([time, batch]: [usize; 2]) -> Tensor<Train, 2, Int> {
    let word = |at| ((at * 7 + at / 3) % SIZE.words) as i32;
    let values: Vec<i32> = (0..time * batch).map(word).collect();
    Tensor::from_data(TensorData::new(values, [time, batch]), &device())
}

fn state(batch: usize) -> Tensor<Train, 2> {
    let values: Vec<f32> = (0..batch * SIZE.hidden)
        .map(|at| (at as f32 * 0.7).sin() * 0.5)
        .collect();
    let data = TensorData::new(values, [batch, SIZE.hidden]);
    Tensor::from_data(data, &device()).require_grad()
}

fn carried(hidden: Tensor<Train, 2>) -> Option<HiddenState<Train>> {
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

fn values<const D: usize>(tensor: Tensor<Train, D>) -> Vec<f32> {
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
fn dropped(batch: usize) -> LanguageMasks<Train> {
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

fn genotype() -> Genotype<RecurrentOperation> {
    "cell: tanh@0 | relu@1 identity@0 | sigmoid@2*0.5 tanh@1*0.25"
        .parse()
        .unwrap()
}

/// The logits of a stream in segments of these lengths.
fn in_segments(net: &LanguageNetwork<Train>, lengths: &[usize]) -> Vec<f32> {
    let total = lengths.iter().sum();
    let (stream, mut start) = (words([total, 3]), 0);
    let (mut state, mut logits) = (None, Vec::new());
    for &length in lengths {
        let segment = stream.clone().narrow(0, start, length);
        let masks = LanguageMasks::default();
        let out = net.forward(segment, state.take(), &masks, Statistics::Batch);
        assert!(!out.state.hidden.is_require_grad());
        logits.extend(values(out.logits));
        state = Some(out.state);
        start += length;
    }
    logits
}

#[test]
fn a_stream_scored_whole_and_in_segments_agrees() {
    let configs = [
        LanguageConfig::derived(SIZE, genotype()),
        LanguageConfig::derived(SIZE, PublishedRecurrent::DartsV2.genotype().unwrap()),
        LanguageConfig {
            size: SIZE,
            cell: CellChoice::Lstm,
        },
    ];
    for config in configs {
        let net = config.init(&mut WeightInit::new(2), &device()).unwrap();
        let whole = in_segments(&net, &[24]);
        for lengths in [&[7, 17][..], &[1, 2, 21], &[8, 8, 8]] {
            assert_close(&whole, &in_segments(&net, lengths), 1e-5, "logits");
        }
        assert_ne!(
            in_segments(&net, &[1])[..],
            whole[SIZE.words * 3..SIZE.words * 6]
        );
    }
}

#[test]
fn networks_have_the_published_numbers_of_weights() {
    let published = |words, hidden| {
        let size = LanguageSize { words, hidden };
        let genotype = PublishedRecurrent::DartsV2.genotype().unwrap();
        LanguageConfig::derived(size, genotype)
    };
    assert_eq!(published(10_000, 850).weights(), 22_960_000);
    assert_eq!(published(33_278, 700).weights(), 33_127_878);
    assert_eq!(published(33_278, 850).weights(), 42_769_578);
    assert_eq!(published(10_000, 300).weights(), 4_810_000);
    // 10 products of 2 * 850 * 850 in the cell: each step reads one state.
    let products = 850 * 10_000 + 10 * 2 * 850 * 850;
    assert_eq!(published(10_000, 850).multiply_adds(), products);
    let lstm = LanguageConfig::lstm_of_weights(10_000, 22_960_000);
    assert!(lstm.weights().abs_diff(22_960_000) < 20_000, "{lstm:?}");

    let size = LanguageSize {
        words: 50,
        hidden: 9,
    };
    let supernet = LanguageSupernetConfig { size, ..config(8) };
    let init = &mut WeightInit::new(0);
    let net = supernet.init::<Train>(init, &device()).unwrap();
    let derived = published(50, 9);
    assert_eq!(count_weights(&net), derived.weights());
    let lstm = LanguageConfig {
        size,
        cell: CellChoice::Lstm,
    };
    for config in [derived, lstm] {
        let net = config.init::<Train>(init, &device()).unwrap();
        assert_eq!(count_weights(&net), config.weights());
    }
}

#[test]
fn a_child_computes_what_its_supernet_does_under_its_codes() {
    let net = supernet(3);
    let mode = ForwardMode::SCORE;
    let masks = dropped(4);
    for text in [
        "cell: tanh@0 | relu@1 | sigmoid@2",
        "cell: tanh@0 relu@0 | relu@1 identity@0 sigmoid@0 | sigmoid@2 tanh@1",
        "cell: tanh@0*0.5 relu@0*0.5 | relu@1*0.25 identity@0*0.75 | sigmoid@2",
    ] {
        let genotype: Genotype<RecurrentOperation> = text.parse().unwrap();
        let codes = Codes::of_genotype(&genotype, &config(3).space, &device());
        let table = &codes.tables[0];
        let expected = net.forward(words([5, 4]), table, carried(state(4)), &masks, mode);
        let child = net.inherit(&genotype, CellForm::Searched).unwrap();
        let found = child.forward(words([5, 4]), carried(state(4)), &masks, Statistics::Batch);
        assert_close(&values(expected.logits), &values(found.logits), 1e-6, text);
        let bare = net.inherit(&genotype, CellForm::Retrained).unwrap();
        let bare = bare.forward(words([5, 4]), carried(state(4)), &masks, Statistics::Batch);
        assert_ne!(values(found.hidden), values(bare.hidden));
    }
    let misfit = |text: &str| {
        let genotype = text.parse().unwrap();
        net.inherit(&genotype, CellForm::Searched)
            .unwrap_err()
            .to_string()
    };
    assert!(misfit("cell: tanh@0").contains("the supernet has 3"));
}

/// A derived weight is one over the size of the row's code, `none` included, which is what the supernet
/// weighs the operation with where states are not normalised.
#[test]
fn derived_weights_keep_the_share_of_none() {
    let space = SearchSpace::<RecurrentOperation> {
        nodes: 1,
        ..Default::default()
    };
    let egs = ArchitectureConfig {
        draws: 7,
        sampling: Sampling::PerNode,
        normalization: Normalization::Sum,
        ..Default::default()
    };
    let even = [vec![vec![0.3, 0.3, 0.3, 0.05, 0.05]]];
    let rule = DeriveRule::MostProbableCode;
    let key = NoiseKey::new(0, 0);
    let (genotype, codes) = derive_genotype(rule, &even, &space, &egs, key).unwrap();
    let kept = &genotype.cells[0].nodes[0];
    assert!(codes[0].active[0][0], "`none` was chosen");
    let share = 1.0 / (kept.len() + 1) as f64;
    assert!(
        kept.iter()
            .all(|entry| (entry.weight - share).abs() < 1e-12)
    );

    let net = LanguageSupernetConfig {
        space: space.clone(),
        ..config(1)
    };
    let net = net
        .init::<Train>(&mut WeightInit::new(1), &device())
        .unwrap();
    let run = |code: CodeTable<Train>, genotype: &Genotype<RecurrentOperation>| {
        let code = CellCode {
            table: &code,
            space: &space,
            normalization: StepNormalization::StepSum,
        };
        let cell = net.cell().clone().in_form(CellForm::Retrained);
        let inputs = Tensor::ones([2, 4, SIZE.hidden], &device());
        let masks = CellMasks::default();
        let own = cell.forward(inputs.clone(), state(4), code, &masks, ForwardMode::SCORE);
        let codes = Codes::of_genotype(genotype, &space, &device());
        let code = CellCode {
            table: &codes.tables[0],
            ..code
        };
        let child = cell.forward(inputs, state(4), code, &masks, ForwardMode::SCORE);
        (values(own.hidden), values(child.hidden))
    };
    let drawn = Codes::from_derived(&codes, &device()).tables.remove(0);
    let (own, child) = run(drawn, &genotype);
    assert_close(&own, &child, 1e-6, "hidden states");
}

#[test]
fn a_derived_cell_of_many_pairs_stays_bounded() {
    let steps: Vec<String> = (0..8)
        .map(|step| {
            let pair = |input: usize| format!("identity@{input} relu@{input}");
            (0..=step).map(pair).collect::<Vec<_>>().join(" ")
        })
        .collect();
    let genotype: Genotype<RecurrentOperation> =
        format!("cell: {}", steps.join(" | ")).parse().unwrap();
    let config = LanguageConfig::derived(SIZE, genotype);
    let net = config
        .init::<Train>(&mut WeightInit::new(2), &device())
        .unwrap();
    let masks = LanguageMasks::default();
    let out = net.forward(words([70, 2]), None, &masks, Statistics::Batch);
    assert!(values(out.hidden).iter().all(|value| value.abs() < 1.0));
}

#[test]
fn names_of_tensors_are_those_of_darts_and_misfits_are_named() {
    let config = LanguageConfig::derived(SIZE, genotype());
    let net = config
        .init::<Train>(&mut WeightInit::new(2), &device())
        .unwrap();
    let state = net.state_dict();
    let names: Vec<&str> = state.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "decoder.bias",
            "encoder.weight",
            "rnns.0._W0",
            "rnns.0._Ws.0",
            "rnns.0._Ws.1",
            "rnns.0._Ws.2"
        ]
    );
    let fresh = || {
        config
            .init::<Train>(&mut WeightInit::new(3), &device())
            .unwrap()
    };
    let loaded = fresh().load_state_dict(&state).unwrap();
    assert_eq!(loaded.state_dict(), state);
    let refused = |change: &dyn Fn(&mut supernet::StateDict)| {
        let mut state = state.clone();
        change(&mut state);
        fresh().load_state_dict(&state).unwrap_err().to_string()
    };
    let error = refused(&|state| drop(state.remove("rnns.0._W0")));
    assert!(error.contains("`rnns.0._W0` is missing"), "{error}");
    let error = refused(&|state| {
        let mut other = state["encoder.weight"].clone();
        other.values[0] += 1.0;
        state.insert("decoder.weight".into(), other);
    });
    assert!(error.contains("differs from `encoder.weight`"), "{error}");
    let error = refused(&|state| {
        let extra = state["decoder.bias"].clone();
        state.insert("rnns.0._Ws.3".into(), extra);
    });
    assert!(error.contains("is not part of the network"), "{error}");
}
