//! `CodeTable::mix` is the sum of all operations times their weights, in value and in gradients.

use burn::backend::Autodiff;
use burn::tensor::{DType, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use supernet::{CodeTable, Execution, ForwardMode, Statistics, Trained};

type Train = Autodiff<Flex>;

const EXECUTIONS: [Execution; 3] = [Execution::Dense, Execution::ExactSparse, Execution::Sampled];

/// Codes of three edges: a mixture of weights, one operation, none at all.
const CODES: [[f32; 4]; 3] = [
    [0.0, 0.5, 0.5, 0.0],
    [0.0, 0.0, 0.0, 1.0],
    [0.0, 0.0, 0.0, 0.0],
];

/// A wave, its sign and phase different for each `seed`.
fn wave<const D: usize>(shape: [usize; D], seed: usize) -> Tensor<Train, D> {
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|index: usize| ((index * 37 + seed * 11) as f32 * 0.13).sin())
        .collect();
    Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
}

/// The operations of an edge: nothing, the identity, and two with weights `[features, features]`.
fn operation(
    op: usize,
    x: Tensor<Train, 2>,
    weights: &[Tensor<Train, 2>; 2],
) -> Option<Tensor<Train, 2>> {
    match op {
        0 => None,
        1 => Some(x),
        2 => Some(x.matmul(weights[0].clone())),
        _ => Some(x.matmul(weights[1].clone()).tanh()),
    }
}

/// Leaves, so that every case has a graph of its own.
struct Case {
    x: Tensor<Train, 2>,
    weights: [Tensor<Train, 2>; 2],
    codes: Tensor<Train, 2>,
}

impl Case {
    fn new() -> Self {
        Self {
            x: wave([5, 3], 0).require_grad(),
            weights: [1, 2].map(|seed| wave([3, 3], seed).require_grad()),
            codes: Tensor::<Train, 2>::from_data(CODES, &FlexDevice).require_grad(),
        }
    }

    /// The same operations with weights that multiply, everything run: the definition.
    fn expected(&self) -> Tensor<Train, 2> {
        let mut sum = Tensor::zeros([5, 3], &FlexDevice);
        for (edge, row) in CODES.iter().enumerate() {
            for op in 0..row.len() {
                if let Some(output) = operation(op, self.x.clone(), &self.weights) {
                    let weight = self.codes.clone().slice([edge..edge + 1, op..op + 1]);
                    sum = sum + output * weight;
                }
            }
        }
        sum
    }

    /// The sum that `mix` makes over all edges, and which operations ran.
    fn mixed(
        &self,
        table: &CodeTable<Train>,
        mode: ForwardMode,
    ) -> (Tensor<Train, 2>, Vec<[usize; 2]>) {
        let (mut sum, mut ran) = (None, Vec::new());
        for edge in 0..CODES.len() {
            sum = table.mix(sum, edge, mode, &self.x, |op, x| {
                ran.push([edge, op]);
                operation(op, x, &self.weights)
            });
        }
        (sum.expect("two edges contribute"), ran)
    }

    /// Gradients of a function of `output` by the input, the weights of the operations and the codes.
    fn gradients(&self, output: Tensor<Train, 2>) -> [Option<Vec<f32>>; 4] {
        let gradients = (output * wave([5, 3], 3)).sum().backward();
        let [first, second] = &self.weights;
        [&self.x, first, second, &self.codes].map(|leaf| leaf.grad(&gradients).map(host))
    }
}

fn host<B: burn::tensor::backend::Backend>(tensor: Tensor<B, 2>) -> Vec<f32> {
    tensor.into_data().to_vec().unwrap()
}

fn active() -> Vec<Vec<bool>> {
    CODES
        .map(|row| row.map(|weight| weight > 0.0).to_vec())
        .to_vec()
}

fn mode(execution: Execution, trained: Trained) -> ForwardMode {
    ForwardMode {
        execution,
        trained,
        statistics: Statistics::Batch,
    }
}

#[track_caller]
fn assert_close(actual: &[f32], expected: &[f32], what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (a, b) in actual.iter().zip(expected) {
        assert!(
            (a - b).abs() <= 1e-5 * b.abs().max(1.0),
            "{what}: {a} and {b}"
        );
    }
}

#[test]
fn training_logits_has_the_value_and_gradients_of_the_dense_sum() {
    let definition = Case::new();
    let value = definition.expected();
    let [x, first, second, codes] = definition.gradients(value.clone()).map(Option::unwrap);
    for execution in EXECUTIONS {
        let case = Case::new();
        let table = CodeTable {
            weights: Some(case.codes.clone()),
            active: active(),
        };
        let (sum, ran) = case.mixed(&table, mode(execution, Trained::Logits));
        assert_close(&host(sum.clone()), &host(value.clone()), "value");
        let gradients = case.gradients(sum);
        let what = format!("{execution:?}");
        assert_close(gradients[0].as_ref().unwrap(), &x, &what);
        assert_close(gradients[1].as_ref().unwrap(), &first, &what);
        assert_close(gradients[2].as_ref().unwrap(), &second, &what);
        let of_codes = gradients[3].as_ref().unwrap();
        if execution == Execution::Sampled {
            // Operations that are off have not run: their codes get nothing.
            assert_eq!(ran, [[0, 1], [0, 2], [1, 3]]);
            for ((ours, all), on) in of_codes.iter().zip(&codes).zip(active().concat()) {
                let expected = if on { *all } else { 0.0 };
                assert_close(&[*ours], &[expected], &what);
            }
        } else {
            assert_eq!(ran.len(), 12);
            assert_close(of_codes, &codes, &what);
            assert!(of_codes[8..].iter().any(|gradient| *gradient != 0.0));
        }
    }
}

#[test]
fn training_weights_has_the_value_and_gradients_of_the_dense_sum() {
    let definition = Case::new();
    let value = definition.expected();
    let [x, first, second, _] = definition.gradients(value.clone()).map(Option::unwrap);
    for execution in EXECUTIONS {
        let case = Case::new();
        let table = CodeTable {
            weights: Some(case.codes.clone().detach()),
            active: active(),
        };
        let (sum, ran) = case.mixed(&table, mode(execution, Trained::Weights));
        assert_eq!(
            ran.len(),
            if execution == Execution::Dense { 12 } else { 3 }
        );
        assert_close(&host(sum.clone()), &host(value.clone()), "value");
        let gradients = case.gradients(sum);
        let what = format!("{execution:?}");
        assert_close(gradients[0].as_ref().unwrap(), &x, &what);
        assert_close(gradients[1].as_ref().unwrap(), &first, &what);
        assert_close(gradients[2].as_ref().unwrap(), &second, &what);
        assert!(gradients[3].is_none());
    }
}

/// Weights of an operation that is off everywhere: a gradient of zero where it is recorded, none
/// where it is not.
#[test]
fn what_is_off_everywhere_gets_zero_or_nothing() {
    let mut code = active();
    code[1][3] = false;
    for (execution, trained, zero) in [
        (Execution::Dense, Trained::Weights, true),
        (Execution::Dense, Trained::Logits, true),
        (Execution::ExactSparse, Trained::Weights, false),
        (Execution::ExactSparse, Trained::Logits, false),
        (Execution::Sampled, Trained::Weights, false),
        (Execution::Sampled, Trained::Logits, false),
    ] {
        let case = Case::new();
        let table = CodeTable::constant(code.clone());
        let (sum, _) = case.mixed(&table, mode(execution, trained));
        let [_, first, second, _] = case.gradients(sum);
        assert!(first.unwrap().iter().any(|gradient| *gradient != 0.0));
        assert_eq!(
            second,
            zero.then(|| vec![0.0; 9]),
            "{execution:?} {trained:?}"
        );
    }
}

/// Tensors of every rank are added alike, in the type that has kernels and in one that has none.
#[test]
fn neither_rank_nor_type_matters() {
    fn check<const D: usize>(shape: [usize; D], dtype: DType) {
        let codes = Tensor::<Train, 2>::from_data(CODES, &FlexDevice);
        let table = CodeTable {
            weights: Some(codes.cast(dtype)),
            active: active(),
        };
        let x = wave(shape, 0).cast(dtype);
        let mode = mode(Execution::ExactSparse, Trained::Weights);
        let factor = |op: usize| op as f32 - 4.0;
        let start = || wave(shape, 1).cast(dtype);
        let sum = table.mix(Some(start()), 0, mode, &x, |op, x| Some(x * factor(op)));
        let expected = start() + x.clone() * (0.5 * factor(1) + 0.5 * factor(2));
        let values = |t: Tensor<Train, D>| t.into_data().iter::<f32>().collect::<Vec<_>>();
        assert_close(&values(sum.unwrap()), &values(expected), "sum");
        let nothing = table.mix(None, 2, mode, &x, |_, x| Some(x));
        assert!(nothing.is_none());
    }
    for dtype in [DType::F32, DType::F64] {
        check([6], dtype);
        check([2, 3], dtype);
        check([2, 3, 4], dtype);
        check([2, 3, 2, 2], dtype);
        check([2, 3, 2, 2, 2], dtype);
    }
}
