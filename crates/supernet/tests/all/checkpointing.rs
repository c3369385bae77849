//! Differentiating one cell at a time equals differentiating the whole network.

use std::collections::BTreeMap;

use burn::backend::Autodiff;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn::tensor::loss::cross_entropy_with_logits;
use burn_flex::Flex;
use egs_core::NoiseKey;
use supernet::{
    Architecture, ArchitectureConfig, CodeTable, Codes, Execution, ForwardMode, NetworkConfig,
    SearchSpace, Statistics, Supernet, SupernetConfig, Trained, WeightInit,
};

type Train = Autodiff<Flex>;

fn gradients<M: Module<Train>>(module: &M, all: &GradientsParams) -> BTreeMap<u64, Vec<f32>> {
    struct Read<'a>(&'a GradientsParams, BTreeMap<u64, Vec<f32>>);
    impl ModuleVisitor<Train> for Read<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Train, D>>) {
            if let Some(gradient) = self.0.get::<Flex, D>(param.id) {
                let values = gradient.into_data().to_vec().unwrap();
                self.1.insert(param.id.val(), values);
            }
        }
    }
    let mut read = Read(all, BTreeMap::new());
    module.visit(&mut read);
    read.1
}

fn running(net: &Supernet<Train>) -> Vec<f32> {
    struct Read(Vec<f32>, usize);
    impl ModuleVisitor<Train> for Read {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.1 += usize::from(name.starts_with("running_"));
        }
        fn exit_module(&mut self, name: &str, _: &str) {
            self.1 -= usize::from(name.starts_with("running_"));
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Train, D>>) {
            if self.1 > 0 {
                self.0
                    .extend(param.val().into_data().to_vec::<f32>().unwrap());
            }
        }
    }
    let mut read = Read(Vec::new(), 0);
    net.visit(&mut read);
    read.0
}

#[track_caller]
fn assert_close(actual: &[f32], expected: &[f32], what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
    for (a, b) in actual.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-4 * largest, "{what}: {a} and {b}");
    }
}

struct Case {
    net: Supernet<Train>,
    architecture: Architecture<Train>,
    egs: ArchitectureConfig,
    images: Tensor<Train, 4>,
}

impl Case {
    /// The same codes with a graph of their own each time: a graph is differentiated once.
    fn codes(&self) -> Codes<Train> {
        let key = NoiseKey::new(3, 4);
        self.architecture.sample(&self.egs, 1.0, key).unwrap().codes
    }
}

fn case() -> Case {
    let device = Default::default();
    let config = SupernetConfig {
        network: NetworkConfig {
            image_channels: 3,
            classes: 4,
            channels: 4,
            cells: 4,
        },
        space: SearchSpace {
            nodes: 3,
            ..SearchSpace::default()
        },
    };
    let mut init = WeightInit::new(5);
    let net = config.init::<Train>(&mut init, &device).unwrap();
    let egs = ArchitectureConfig {
        draws: 3,
        ..Default::default()
    };
    let architecture = Architecture::new(&config.space, egs.activation, &mut init, &device);
    let values: Vec<f32> = (0..5 * 3 * 12 * 10)
        .map(|at| (at * 37 % 101) as f32 / 50.0 - 1.0)
        .collect();
    let images = Tensor::<Train, 1>::from_floats(values.as_slice(), &device);
    Case {
        net,
        architecture,
        egs,
        images: images.reshape([5, 3, 12, 10]),
    }
}

fn loss(logits: Tensor<Train, 2>) -> Tensor<Train, 1> {
    let device = Default::default();
    let labels = Tensor::<Train, 1, burn::tensor::Int>::from_data([0, 1, 2, 3, 1], &device);
    cross_entropy_with_logits(logits, labels.one_hot::<2>(4).float())
}

#[test]
fn training_weights_has_the_same_gradients_and_moves_statistics_once() {
    let case = case();
    let whole = case.net.clone();
    let tables = case.codes().tables.into_iter();
    let constant = Codes {
        tables: tables.map(|t| CodeTable::constant(t.active)).collect(),
    };
    let mode = ForwardMode {
        execution: Execution::ExactSparse,
        trained: Trained::Weights,
        statistics: Statistics::TRAIN,
    };
    let value = loss(whole.forward(case.images.clone(), &constant, mode));
    let expected = GradientsParams::from_grads(value.backward(), &whole);
    let before = running(&case.net);
    let cellwise = case
        .net
        .differentiate_cellwise(case.images, &constant, mode, loss);
    assert_close(
        &[cellwise.loss.into_scalar()],
        &[value.into_scalar()],
        "loss",
    );
    let expected = gradients(&whole, &expected);
    let actual = gradients(&case.net, &cellwise.weights);
    assert_eq!(
        actual.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    assert!(actual.len() > 20);
    for (id, gradient) in &expected {
        assert_close(&actual[id], gradient, "weights");
    }
    assert_ne!(running(&case.net), before);
    assert_close(&running(&case.net), &running(&whole), "running statistics");
    assert!(cellwise.codes.iter().all(Option::is_none));
}

#[test]
fn training_logits_has_the_same_gradients_of_the_codes_in_every_execution() {
    for execution in [Execution::Dense, Execution::ExactSparse, Execution::Sampled] {
        let case = case();
        let mode = ForwardMode {
            execution,
            trained: Trained::Logits,
            statistics: Statistics::Batch,
        };
        let whole = case.net.clone().no_grad();
        let value = loss(whole.forward(case.images.clone(), &case.codes(), mode));
        let expected = GradientsParams::from_grads(value.backward(), &case.architecture);
        let before = running(&case.net);
        let codes = case.codes();
        let cellwise = case
            .net
            .differentiate_cellwise(case.images.clone(), &codes, mode, loss);
        assert!(gradients(&case.net, &cellwise.weights).is_empty());
        assert_eq!(running(&case.net), before);
        // On into the logits.
        assert_eq!(cellwise.codes.len(), 2);
        let products = codes.tables.into_iter().zip(cellwise.codes);
        let products = products.map(|(table, gradient)| {
            let gradient = Tensor::from_inner(gradient.expect("both kinds of cell"));
            (table.weights.unwrap() * gradient).sum()
        });
        let product = products.reduce(|sum, product| sum + product).unwrap();
        let actual = GradientsParams::from_grads(product.backward(), &case.architecture);
        let expected = gradients(&case.architecture, &expected);
        let actual = gradients(&case.architecture, &actual);
        assert_eq!(expected.len(), 1);
        for (id, gradient) in &expected {
            for table in gradient.chunks(gradient.len() / 2) {
                assert!(table.iter().any(|value| *value != 0.0));
            }
            assert_close(&actual[id], gradient, &format!("{execution:?}"));
        }
    }
}
