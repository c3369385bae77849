//! Dropped weights, and penalties of states.

use burn::tensor::Tensor;
use workbench::text::Regularisation;

use crate::values::{
    Rows, Train, assert_close, assert_gradient, cases, golden, masked, number, tensor, tracked,
    values,
};

#[test]
fn dropped_weights_have_the_recorded_gradients() {
    let case = &golden()["weight_drop"];
    let (w_input, raw) = (
        tracked::<2>(&case["w_input"]),
        tracked::<2>(&case["w_hidden_raw"]),
    );
    let dropped = raw.clone() * tensor(&case["mask"]);
    assert_close(
        &values(dropped.clone()),
        &case["w_hidden_dropped"],
        "dropped weights",
    );
    let inputs = tensor::<Train, 3>(&case["inputs"]);
    let (mut hidden, mut hiddens) = (tensor::<Train, 2>(&case["h0"]), Vec::new());
    for t in 0..inputs.dims()[0] {
        let x: Rows<Train> = inputs.clone().narrow(0, t, 1).squeeze_dim(0);
        hidden = (x.matmul(w_input.clone()) + hidden.matmul(dropped.clone())).tanh();
        hiddens.push(hidden.clone());
    }
    let hiddens: Tensor<Train, 3> = Tensor::stack(hiddens, 0);
    assert_close(&values(hiddens.clone()), &case["hiddens"], "hidden states");
    let gradients = (hiddens * tensor(&case["upstream"])).sum().backward();
    assert_gradient(
        &w_input,
        &gradients,
        &case["grad"]["w_input"],
        "gradient of w_input",
    );
    assert_gradient(
        &raw,
        &gradients,
        &case["grad"]["w_hidden_raw"],
        "gradient of w_hidden_raw",
    );
}

#[test]
fn penalties_of_states_have_the_recorded_values_and_gradients() {
    for case in cases(&golden()["regularization"]) {
        let [activation, temporal] = ["alpha", "beta"].map(|name| number(&case[name]));
        let none = Regularisation::default();
        let rules = [
            (
                Regularisation { activation, ..none },
                "activation",
                "grad_raw_activation",
            ),
            (
                Regularisation { temporal, ..none },
                "temporal",
                "grad_raw_temporal",
            ),
        ];
        let mask = tensor::<Train, 3>(&case["output_mask"]).squeeze_dim(0);
        for (rule, value, gradient) in rules {
            let raw = tracked::<3>(&case["raw_output"]);
            let dropped = masked(raw.clone(), Some(&mask));
            assert_close(&values(dropped.clone()), &case["dropped_output"], "dropped");
            let penalty = rule.penalty(raw.clone(), dropped).unwrap();
            assert_close(&values(penalty.clone()), &case[value], value);
            assert_gradient(&raw, &penalty.backward(), &case[gradient], gradient);
        }
        let both = Regularisation {
            activation,
            temporal,
        };
        let raw = tensor::<Train, 3>(&case["raw_output"]);
        let penalty = both.penalty(raw.clone(), masked(raw, Some(&mask))).unwrap();
        assert_close(&values(penalty), &case["total"], "both");
    }
}
