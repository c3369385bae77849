//! The alternating loop: separate parameter sets, and what a step leaves alone.

use std::collections::BTreeMap;

use burn::backend::Autodiff;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, backend::Backend};
use burn_flex::Flex;
use search::{AlternatingStep, SearchConfig, SearchState};
use workbench::data::{RngKey, load};

type Train = Autodiff<Flex>;

fn config() -> SearchConfig {
    let set = [
        "network.cells=2",
        "network.channels=2",
        "space.nodes=2",
        "architecture.draws=1",
    ];
    SearchConfig::resolve(None, &set.map(String::from)).unwrap()
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
    let config = config();
    let splits = load(config.data.set, None).unwrap();
    let supernet = config.supernet(&splits).unwrap();
    let state = SearchState::<Train>::new(&config, &supernet, &Default::default()).unwrap();
    assert!(state.parameter_sets_are_disjoint());
}

#[test]
fn unselected_operations_keep_weights_momentum_and_statistics() {
    let config = config();
    let device = Default::default();
    let data = load(config.data.set, None).unwrap();
    let supernet = config.supernet(&data).unwrap();
    let mut state = SearchState::<Train>::new(&config, &supernet, &device).unwrap();
    let key = RngKey { seed: 0, epoch: 0 };
    let batch = || {
        data.train
            .batch::<Train>(&(0..32).collect::<Vec<_>>(), None, key, &device)
    };
    let step = |index| AlternatingStep {
        config: &config,
        index,
        temperature: 1.0,
        learning_rate: 0.1,
    };

    // A weight step: logits stay, and with one draw most operations of an edge are off; their
    // weights, though decay is on, and their running statistics stay as they were.
    let (weights, logits) = (values(&state.supernet), values(&state.architecture));
    (state, _) = step(0).take(state, batch(), None).unwrap();
    let after = values(&state.supernet);
    assert_eq!(values(&state.architecture), logits);
    let touched = changed(&weights, &after);
    assert!(
        touched > 0 && touched < weights.len() / 2,
        "{touched} of {}",
        weights.len()
    );

    // A second step with another code: what neither selected has still not moved.
    (state, _) = step(1).take(state, batch(), None).unwrap();
    let untouched = weights.len() - changed(&weights, &values(&state.supernet));
    assert!(untouched > 0);

    // An architecture step moves the logits.
    let (state, losses) = step(2).take(state, batch(), Some(batch())).unwrap();
    assert!(losses.architecture.is_some());
    assert_eq!(changed(&logits, &values(&state.architecture)), 2);
}
