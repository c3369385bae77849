//! The cell: states, outputs and all gradients of every recorded case.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData, activation::softmax};
use serde_json::Value;
use supernet::recurrent::{
    CellCode, CellForm, CellMasks, RecurrentCell, RecurrentOperation, StepNormalization,
};
use supernet::{CodeTable, Execution, ForwardMode, SearchSpace, Statistics, Trained, WeightInit};

use crate::values::*;

fn cases() -> Vec<Value> {
    let file = read("RECURRENT_GOLDEN", "recurrent_cell.json");
    list(&file["cases"]).to_vec()
}

/// Sets running statistics.
struct Running<'a> {
    case: &'a Value,
    path: String,
}

impl ModuleMapper<Train> for Running<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path = name.into();
    }
    fn map_float<const D: usize>(
        &mut self,
        param: Param<Tensor<Train, D>>,
    ) -> Param<Tensor<Train, D>> {
        let field = match self.path.as_str() {
            "running_mean" => "running_mean",
            "running_variance" => "running_var",
            _ => return param,
        };
        let (id, _, mapper) = param.consume();
        Param::from_mapped_value(id, tensor(&self.case[field]), mapper)
    }
}

fn built(case: &Value) -> RecurrentCell<Train> {
    let sizes = [size(case, "ninp"), size(case, "nhid")];
    let init = &mut WeightInit::new(0);
    let mut cell = RecurrentCell::new(sizes, size(case, "steps"), init, &Default::default());
    cell.first = param(&case["w0"]);
    cell.steps = list(&case["ws"]).iter().map(param).collect();
    if case["batch_norm"] == true {
        cell = cell.in_form(CellForm::Searched);
    }
    if case["mode"] == "eval" {
        let path = String::new();
        cell = cell.map(&mut Running { case, path });
    }
    cell
}

/// The code or the logits, `[edges, ops]`.
fn leaf(case: &Value) -> Tensor<Train, 2> {
    let field = if case["code"].is_null() {
        "alpha"
    } else {
        "code"
    };
    let numbers: Vec<f32> = list(&case[field]).iter().flat_map(numbers).collect();
    let shape = [numbers.len() / 5, 5];
    let leaf = Tensor::from_data(TensorData::new(numbers, shape), &Default::default());
    leaf.require_grad()
}

fn normalization(case: &Value) -> StepNormalization {
    match case["normalization"].as_str() {
        Some("step_sum") => StepNormalization::StepSum,
        Some("edge_sum") => StepNormalization::EdgeSum,
        Some("none" | "softmax") => StepNormalization::None,
        other => panic!("normalization {other:?}"),
    }
}

fn table(case: &Value, leaf: Tensor<Train, 2>) -> CodeTable<Train> {
    let weights = match case["kind"].as_str() {
        Some("search_softmax") => softmax(leaf, 1),
        _ => leaf,
    };
    let on = |row: &[f32]| row.iter().map(|weight| *weight > 0.0).collect();
    CodeTable {
        active: of(weights.clone()).chunks(5).map(on).collect(),
        weights: Some(weights),
    }
}

fn mode(case: &Value, execution: Execution) -> ForwardMode {
    ForwardMode {
        execution,
        trained: Trained::Logits,
        statistics: match case["mode"].as_str() {
            Some("eval") => Statistics::Running,
            _ => Statistics::TRAIN,
        },
    }
}

fn check(case: &Value, execution: Execution) {
    let name = case["name"].as_str().unwrap();
    let allowed = |group: &str| case["f32_relative_error"][group].as_f64();
    let same = |actual: Vec<f32>, expected: &Value, group: &str| {
        let what = format!("{name}, {execution:?}, {group}");
        close(&actual, &numbers(expected), allowed(group), &what);
    };
    let cell = built(case);
    let space = SearchSpace::<RecurrentOperation> {
        nodes: size(case, "steps"),
        ..Default::default()
    };
    let leaf = leaf(case);
    let table = table(case, leaf.clone());
    let code = CellCode {
        table: &table,
        space: &space,
        normalization: normalization(case),
    };
    let masks = CellMasks {
        inputs: optional(&case["x_mask"]),
        states: optional(&case["h_mask"]),
    };
    let inputs = tensor::<3>(&case["inputs"]).require_grad();
    let hidden = tensor::<2>(&case["h0"]).require_grad();

    let first = inputs.clone().narrow(0, 0, 1);
    let unmoved = ForwardMode {
        statistics: mode(case, execution).statistics.without_update(),
        ..mode(case, execution)
    };
    let states = cell
        .forward(first, hidden.clone(), code, &masks, unmoved)
        .states;
    same(
        of(Tensor::<_, 2>::cat(states, 0)),
        &case["states_t0"],
        "hiddens",
    );

    let mode = mode(case, execution);
    let out = cell.forward(inputs.clone(), hidden.clone(), code, &masks, mode);
    same(of(out.hidden.clone()), &case["hiddens"], "hiddens");
    let loss = (out.hidden * tensor(&case["projection"])).sum();
    same(of(loss.clone()), &case["loss"], "loss");
    let grads = loss.backward();
    let grad = &case["grad"];
    let of_leaf = |values: Option<Tensor<_, 2>>| values.unwrap().into_data().to_vec().unwrap();
    let dinputs = inputs.grad(&grads).unwrap().into_data();
    same(dinputs.to_vec().unwrap(), &grad["inputs"], "grad_inputs");
    same(of_leaf(hidden.grad(&grads)), &grad["h0"], "grad_h0");
    let weights = gradients(&cell, &grads);
    same(weights["first"].clone(), &grad["w0"], "grad_w0");
    let steps = (0..cell.steps.len()).flat_map(|step| weights[&format!("steps.{step}")].clone());
    same(steps.collect(), &grad["ws"], "grad_ws");
    let field = if grad["code"].is_null() {
        "alpha"
    } else {
        "code"
    };
    same(
        of_leaf(leaf.grad(&grads)),
        &grad[field],
        &format!("grad_{field}"),
    );

    if !case["running_mean_after"].is_null() {
        let (mean, variance) = cell.running().unwrap();
        same(of(mean), &case["running_mean_after"], "hiddens");
        same(of(variance), &case["running_var_after"], "hiddens");
    }
}

#[test]
fn every_case_of_the_cell_run_densely() {
    let _alone = alone();
    for case in cases() {
        check(&case, Execution::Dense);
    }
}

#[test]
fn every_case_of_the_cell_run_sparsely() {
    let _alone = alone();
    for case in cases() {
        check(&case, Execution::ExactSparse);
    }
}
