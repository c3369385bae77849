//! The gated sum, the normalisation of states and log-likelihoods: loops against tensors, and both against gradients that
//! Burn derives.

use burn::tensor::{Int, Tensor, TensorData, TensorPrimitive, activation::log_softmax};
use burn_flex::{Flex, FlexDevice};
use supernet::kernels::{
    GateActivation, GateTerm, KernelBackend, gated_mix, gated_mix_backward, gated_mix_weights,
    log_likelihood, normalise_columns, normalise_columns_backward, reference,
};

use crate::kernels_common::assert_close;
use crate::support::{Train, device};

fn wave(shape: &[usize], frequency: f32) -> TensorData {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count)
        .map(|at| (at as f32 * frequency).sin() * 3.0)
        .collect();
    TensorData::new(values, shape.to_vec())
}

fn values<const D: usize>(tensor: Tensor<Flex, D>) -> Vec<f32> {
    tensor.into_data().to_vec().unwrap()
}

/// Two terms of state 0 and one of state 1 that are on, one of each that is not, and none of state 2.
fn terms() -> Vec<GateTerm> {
    let term = |state, activation, entry, on| GateTerm {
        state,
        activation,
        entry,
        on,
    };
    vec![
        term(0, GateActivation::Tanh, [0, 1], true),
        term(0, GateActivation::Relu, [0, 2], false),
        term(0, GateActivation::Sigmoid, [0, 3], true),
        term(1, GateActivation::Identity, [2, 4], true),
        term(1, GateActivation::Relu, [2, 2], true),
        term(2, GateActivation::Tanh, [3, 1], false),
    ]
}

struct Inputs {
    states: TensorData,
    products: TensorData,
    weights: TensorData,
    dy: TensorData,
}

impl Inputs {
    fn new(batch: usize, hidden: usize) -> Self {
        Self {
            states: wave(&[3, batch, hidden], 0.37),
            products: wave(&[3, batch, 2 * hidden], 0.23),
            weights: wave(&[4, 5], 1.7),
            dy: wave(&[batch, hidden], 0.71),
        }
    }

    fn tensor<const D: usize>(data: &TensorData) -> Tensor<Flex, D> {
        Tensor::from_data(data.clone(), &device())
    }

    fn states(&self) -> [Tensor<Flex, 3>; 2] {
        [Self::tensor(&self.states), Self::tensor(&self.products)]
    }
}

/// Small ones, odd ones, and one that is cut into tasks.
const SIZES: [[usize; 2]; 4] = [[1, 1], [3, 7], [5, 40], [40, 130]];

#[test]
fn loops_equal_the_tensors_of_the_reference() {
    let primitive = |tensor: Tensor<Flex, 3>| tensor.into_primitive().tensor();
    let flat = |tensor: Tensor<Flex, 2>| tensor.into_primitive().tensor();
    for [batch, hidden] in SIZES {
        let inputs = Inputs::new(batch, hidden);
        let [states, products] = inputs.states();
        let weights: Tensor<Flex, 2> = Inputs::tensor(&inputs.weights);
        let dy: Tensor<Flex, 2> = Inputs::tensor(&inputs.dy);
        let terms = terms();
        let what = |part: &str| format!("{part} of {batch} x {hidden}");

        let found = gated_mix(states.clone(), products.clone(), weights.clone(), &terms);
        let (s, p) = (primitive(states.clone()), primitive(products.clone()));
        let expected = reference::gated_mix::<Flex>(s, p, flat(weights.clone()), &terms);
        let expected = Tensor::<Flex, 2>::from_primitive(TensorPrimitive::Float(expected));
        assert_close(&values(found), &values(expected), 1e-5, &what("sum"));

        let gradients = |need_weights| {
            let (s, p) = (states.clone(), products.clone());
            gated_mix_backward(s, p, weights.clone(), &terms, dy.clone(), need_weights)
        };
        let (s, p) = (primitive(states.clone()), primitive(products.clone()));
        let (w, d) = (flat(weights.clone()), flat(dy.clone()));
        let ([ds, dp], dw) = reference::gated_mix_backward::<Flex>(s, p, w, &terms, d, true);
        let expected = [ds, dp].map(|tensor| {
            values(Tensor::<Flex, 3>::from_primitive(TensorPrimitive::Float(
                tensor,
            )))
        });
        let dw = Tensor::<Flex, 2>::from_primitive(TensorPrimitive::Float(dw.unwrap()));
        let dw = values(dw);
        let (found, found_weights) = gradients(true);
        for (found, expected) in found.map(values).iter().zip(&expected) {
            assert_close(found, expected, 1e-5, &what("gradient"));
        }
        assert_close(&values(found_weights.unwrap()), &dw, 1e-5, &what("weights"));
        let (found, none) = gradients(false);
        assert!(none.is_none());
        assert_close(
            &values(found[1].clone()),
            &expected[1],
            1e-5,
            &what("gradient"),
        );
        let alone = gated_mix_weights(states, products, weights, &terms, dy);
        assert_close(&values(alone), &dw, 1e-5, &what("weights alone"));
    }
}

#[test]
fn gradients_equal_those_that_burn_derives() {
    let [batch, hidden] = [4, 9];
    let inputs = Inputs::new(batch, hidden);
    let leaf =
        |data: &TensorData| Tensor::<Train, 3>::from_data(data.clone(), &device()).require_grad();
    let (states, products) = (leaf(&inputs.states), leaf(&inputs.products));
    let weights = Tensor::<Train, 2>::from_data(inputs.weights.clone(), &device()).require_grad();
    // What is off is no part of the sum, so its weight has no gradient there.
    let terms: Vec<GateTerm> = terms().into_iter().filter(|term| term.on).collect();
    let out = gated_mix(states.clone(), products.clone(), weights.clone(), &terms);
    let dy = Tensor::<Train, 2>::from_data(inputs.dy.clone(), &device());
    let grads = (out * dy).sum().backward();
    let [s, p] = inputs.states();
    let (w, d) = (Inputs::tensor(&inputs.weights), Inputs::tensor(&inputs.dy));
    let ([ds, dp], dw) = gated_mix_backward(s, p, w, &terms, d, true);
    let pairs = [
        (values(ds), values(states.grad(&grads).unwrap())),
        (values(dp), values(products.grad(&grads).unwrap())),
        (values(dw.unwrap()), values(weights.grad(&grads).unwrap())),
    ];
    for (found, expected) in pairs {
        assert_close(&found, &expected, 1e-5, "gradient");
    }
}

#[test]
fn columns_are_normalised_as_by_the_reference() {
    for [rows, columns] in SIZES {
        let x: Tensor<Flex, 2> = Inputs::tensor(&wave(&[rows, columns], 0.31));
        let dy: Tensor<Flex, 2> = Inputs::tensor(&wave(&[rows, columns], 0.77));
        let primitive = |tensor: Tensor<Flex, 2>| tensor.into_primitive().tensor();
        let tensor =
            |primitive| Tensor::<Flex, 2>::from_primitive(TensorPrimitive::Float(primitive));
        let (y, mean, variance) = reference::normalise_columns::<Flex>(primitive(x.clone()), 1e-5);
        let found = normalise_columns(x, 1e-5);
        let row = |primitive| Tensor::<Flex, 1>::from_primitive(TensorPrimitive::Float(primitive));
        assert_close(&values(found.output), &values(tensor(y.clone())), 1e-5, "y");
        assert_close(&values(found.mean), &values(row(mean)), 1e-5, "mean");
        let own = values(found.variance.clone());
        assert_close(&own, &values(row(variance.clone())), 1e-5, "variance");
        let d = primitive(dy.clone());
        let expected = reference::normalise_columns_backward::<Flex>(y.clone(), variance, d, 1e-5);
        let dx = normalise_columns_backward(tensor(y), found.variance, dy, 1e-5);
        assert_close(&values(dx), &values(tensor(expected)), 1e-4, "dx");
    }
}

fn chosen<B: burn::tensor::backend::Backend<Device = FlexDevice>>(
    [rows, classes]: [usize; 2],
) -> Tensor<B, 1, Int> {
    let chosen: Vec<i32> = (0..rows).map(|row| (row * 5 % classes) as i32).collect();
    Tensor::from_data(TensorData::new(chosen, [rows]), &device())
}

#[test]
fn log_likelihoods_equal_those_that_burn_derives() {
    for [rows, classes] in [[1, 1], [3, 7], [5, 40], [40, 1300]] {
        let logits = wave(&[rows, classes], 0.37);
        let dy = Tensor::<Train, 1>::from_data(wave(&[rows], 0.71), &device());
        let leaf = || Tensor::<Train, 2>::from_data(logits.clone(), &device()).require_grad();
        let (own, burn) = (leaf(), leaf());
        let of_rows = chosen::<Train>([rows, classes]);
        let found = log_likelihood(own.clone().unsqueeze(), of_rows.clone().unsqueeze());
        let found = found.reshape([rows]);
        let column = of_rows.reshape([rows, 1]);
        let expected = log_softmax(burn.clone(), 1)
            .gather(1, column)
            .reshape([rows]);
        let what = format!("{rows} x {classes}");
        let sizes = [found.clone(), expected.clone()].map(|tensor| values(tensor.inner()));
        assert_close(&sizes[0], &sizes[1], 1e-6, &what);
        let gradient = |leaf: Tensor<Train, 2>, out: Tensor<Train, 1>| {
            let grads = (out * dy.clone()).sum().backward();
            values(leaf.grad(&grads).unwrap())
        };
        let (found, expected) = (gradient(own.clone(), found), gradient(burn, expected));
        assert_close(&found, &expected, 1e-6, &what);
        // Logits that something else still has stay as they are.
        assert_eq!(values(own.inner()), logits.to_vec::<f32>().unwrap());
    }
}

#[test]
fn log_likelihoods_of_the_reference_equal_the_loops() {
    let [rows, classes] = [6, 90];
    let logits: Tensor<Flex, 2> = Inputs::tensor(&wave(&[rows, classes], 0.37));
    let dy = Tensor::<Flex, 1>::from_data(wave(&[rows], 0.71), &device());
    let primitive = || logits.clone().into_primitive().tensor();
    let of_rows = || chosen::<Flex>([rows, classes]).into_primitive();
    let row = |primitive| Tensor::<Flex, 1>::from_primitive(TensorPrimitive::Float(primitive));
    let (found, sums) = Flex::log_likelihood(primitive(), of_rows());
    let (expected, expected_sums) = reference::log_likelihood::<Flex>(primitive(), of_rows());
    for (found, expected) in [(found, expected), (sums.clone(), expected_sums)] {
        assert_close(
            &values(row(found)),
            &values(row(expected)),
            1e-6,
            "likelihood",
        );
    }
    let dy = || dy.clone().into_primitive().tensor();
    let found = Flex::log_likelihood_backward(primitive(), of_rows(), sums.clone(), dy());
    let expected = reference::log_likelihood_backward::<Flex>(primitive(), of_rows(), sums, dy());
    let all = |primitive| Tensor::<Flex, 2>::from_primitive(TensorPrimitive::Float(primitive));
    assert_close(
        &values(all(found)),
        &values(all(expected)),
        1e-6,
        "gradient",
    );
}

#[test]
fn likelihoods_of_huge_logits_are_finite() {
    let logits =
        Tensor::<Flex, 3>::from_data([[[1e30_f32, -1e30, 0.0], [5e4, 5e4, 5e4]]], &device());
    let chosen = Tensor::<Flex, 2, Int>::from_data([[0, 1]], &device());
    let found = values(log_likelihood(logits, chosen));
    assert_close(&found, &[0.0, -(3.0_f32.ln())], 1e-6, "huge logits");
}
