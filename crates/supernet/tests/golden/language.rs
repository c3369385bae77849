//! The network around the cell: words, masks, decoder, and a stream in segments.

use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax};
use serde_json::Value;
use supernet::recurrent::{
    CellMasks, HiddenState, LanguageConfig, LanguageMasks, LanguageNetwork, LanguageSize, TiedWords,
};
use supernet::{NamedTensor, StateDict, Statistics, WeightInit};

use crate::values::*;

fn file() -> Value {
    read("LANGUAGE_GOLDEN", "language_model.json")
}

fn words(value: &Value) -> Tensor<Train, 2, Int> {
    let (numbers, shape) = array(value);
    let numbers: Vec<i32> = numbers.into_iter().map(|number| number as i32).collect();
    Tensor::from_data(TensorData::new(numbers, shape), &Default::default())
}

/// A derived network with the tensors of a case, by their names in DARTS' code.
fn network(case: &Value) -> LanguageNetwork<Train> {
    let size = LanguageSize {
        words: size(case, "vocabulary"),
        hidden: size(case, "nhid"),
    };
    let config = LanguageConfig::derived(size, genotype(&case["active"]));
    let named = |value: &Value| {
        let (values, shape) = array(value);
        NamedTensor { shape, values }
    };
    let mut state = StateDict::new();
    for name in ["encoder.weight", "decoder.weight"] {
        state.insert(name.into(), named(&case["embedding"]));
    }
    state.insert("decoder.bias".into(), named(&case["bias"]));
    state.insert("rnns.0._W0".into(), named(&case["w0"]));
    for (step, matrix) in list(&case["ws"]).iter().enumerate() {
        state.insert(format!("rnns.0._Ws.{step}"), named(matrix));
    }
    let fresh = config.init(&mut WeightInit::new(1), &Default::default());
    fresh.unwrap().load_state_dict(&state).unwrap()
}

fn masks(masks: &Value) -> LanguageMasks<Train> {
    if masks.is_null() {
        return LanguageMasks::default();
    }
    LanguageMasks {
        embedding: optional(&masks["embedding"]),
        input: locked(&masks["input"]),
        cell: CellMasks {
            inputs: optional(&masks["x"]),
            states: optional(&masks["h"]),
        },
        output: locked(&masks["output"]),
    }
}

/// A mask `[1, batch, units]` of all moments.
fn locked(mask: &Value) -> Option<Tensor<Train, 2>> {
    optional::<3>(mask).map(|mask| mask.squeeze_dim(0))
}

/// Logarithms of the probabilities, `[rows, words]`.
fn log_probabilities(logits: Tensor<Train, 3>) -> Tensor<Train, 2> {
    log_softmax(logits.flatten(0, 1), 1)
}

/// Mean negative log-likelihood of the words at `targets` `[rows]`.
fn likelihood(logits: Tensor<Train, 3>, targets: &[f32]) -> Tensor<Train, 1> {
    let targets: Vec<i32> = targets.iter().map(|&word| word as i32).collect();
    let shape = [targets.len(), 1];
    let targets = Tensor::from_data(TensorData::new(targets, shape), &Default::default());
    log_probabilities(logits).gather(1, targets).mean().neg()
}

fn same(actual: Vec<f32>, expected: &Value, what: &str) {
    close(&actual, &numbers(expected), None, what);
}

#[test]
fn whole_models_without_masks_and_under_given_ones() {
    let _alone = alone();
    for case in list(&file()["models"]) {
        let name = case["name"].as_str().unwrap();
        let network = network(case);
        let hidden = tensor::<2>(&case["h0"]).require_grad();
        let state = HiddenState {
            hidden: hidden.clone(),
            memory: None,
        };
        let masks = masks(&case["masks"]);
        let tokens = words(&case["tokens"]);
        let out = network.forward(tokens, Some(state), &masks, Statistics::Batch);
        let what = |field: &str| format!("{name}, {field}");
        same(
            of(log_probabilities(out.logits.clone())),
            &case["log_prob"],
            &what("log_prob"),
        );
        same(
            of(out.hidden.clone()),
            &case["raw_output"],
            &what("raw_output"),
        );
        same(
            of(out.state.hidden),
            &case["hidden_last"],
            &what("hidden_last"),
        );
        if !case["dropped_output"].is_null() {
            same(
                of(out.dropped.clone()),
                &case["dropped_output"],
                &what("dropped_output"),
            );
        }
        let nll = likelihood(out.logits, &numbers(&case["targets"]));
        same(of(nll.clone()), &case["nll"], &what("nll"));
        let mut loss = nll;
        if let (Some(alpha), Some(beta)) = (case["alpha"].as_f64(), case["beta"].as_f64()) {
            let time = out.hidden.dims()[0];
            let later = out.hidden.clone().narrow(0, 1, time - 1);
            let step = later - out.hidden.narrow(0, 0, time - 1);
            loss = loss + out.dropped.powi_scalar(2).mean() * alpha;
            loss = loss + step.powi_scalar(2).mean() * beta;
        }
        same(of(loss.clone()), &case["loss"], &what("loss"));
        let grads = loss.backward();
        let found = gradients(&network, &grads);
        let grad = &case["grad"];
        let place = |name: &str| {
            let found = found.iter().find(|(path, _)| path.ends_with(name));
            found
                .unwrap_or_else(|| panic!("no gradient of {name}"))
                .1
                .clone()
        };
        same(
            place("words.vectors"),
            &grad["embedding"],
            &what("embedding"),
        );
        same(place("words.bias"), &grad["bias"], &what("bias"));
        same(place("weights.first"), &grad["w0"], &what("w0"));
        let steps = 0..list(&case["ws"]).len();
        let steps = steps.flat_map(|step| place(&format!("steps.{step}")));
        same(steps.collect(), &grad["ws"], &what("ws"));
        let dhidden = hidden.grad(&grads).unwrap().into_data();
        same(dhidden.to_vec().unwrap(), &grad["h0"], &what("h0"));
    }
}

/// The words of a case, without a bias where it has none.
fn tied(case: &Value) -> TiedWords<Train> {
    let (_, shape) = array(&case["embedding"]);
    let bias = Tensor::zeros([shape[0]], &Default::default());
    TiedWords {
        vectors: param(&case["embedding"]),
        bias: match case["bias"].is_null() {
            true => burn::module::Param::from_tensor(bias),
            false => param(&case["bias"]),
        },
    }
}

#[test]
fn the_decoder() {
    let _alone = alone();
    let case = &file()["decoder"];
    let words = tied(case);
    let hidden = tensor::<2>(&case["hidden"]).require_grad();
    let out = words.decode(hidden.clone().unsqueeze(), None, &LanguageMasks::default());
    same(
        of(log_probabilities(out.logits.clone())),
        &case["log_prob"],
        "log_prob",
    );
    let nll = likelihood(out.logits, &numbers(&case["targets"]));
    same(of(nll.clone()), &case["nll"], "nll");
    same(of(nll.clone().exp()), &case["perplexity"], "perplexity");
    let grads = nll.backward();
    let found = gradients(&words, &grads);
    same(
        found["vectors"].clone(),
        &case["grad"]["embedding"],
        "embedding",
    );
    same(found["bias"].clone(), &case["grad"]["bias"], "bias");
    let dhidden = hidden.grad(&grads).unwrap().into_data();
    same(dhidden.to_vec().unwrap(), &case["grad"]["hidden"], "hidden");
}

#[test]
fn whole_words_are_dropped_where_they_are_looked_up() {
    let _alone = alone();
    let case = &file()["embedding_dropout"];
    let table = tied(case);
    let masks = LanguageMasks {
        embedding: optional(&case["mask"]),
        ..Default::default()
    };
    let out = table.look_up(words(&case["tokens"]), &masks);
    same(of(out.clone()), &case["output"], "output");
    let grads = (out * tensor(&case["upstream"])).sum().backward();
    let found = gradients(&table, &grads);
    same(
        found["vectors"].clone(),
        &case["grad_embedding"],
        "gradient",
    );
}

#[test]
fn one_mask_serves_all_moments() {
    let _alone = alone();
    let case = &file()["locked_dropout"];
    let x = tensor::<3>(&case["x"]).require_grad();
    let [_, _, hidden] = x.dims();
    let size = LanguageSize { words: 2, hidden };
    let table = TiedWords::new(size, &mut WeightInit::new(1), &Default::default());
    let masks = LanguageMasks {
        output: locked(&case["mask"]),
        ..Default::default()
    };
    let out = table.decode(x.clone(), None, &masks);
    same(of(out.dropped.clone()), &case["output"], "output");
    let grads = (out.dropped * tensor(&case["upstream"])).sum().backward();
    let dx = x.grad(&grads).unwrap().into_data();
    same(dx.to_vec().unwrap(), &case["grad_x"], "gradient");
}

#[test]
fn a_stream_in_segments_has_the_recorded_states_and_perplexity() {
    let _alone = alone();
    let case = &file()["perplexity"];
    let network = network(case);
    let (stream, _) = array(&case["stream"]);
    let (batch, rows) = (size(case, "batch"), size(case, "rows"));
    // Column b is the b-th contiguous part.
    let row = |at: usize| (0..batch).map(move |column| (column, at));
    let word = |(column, at): (usize, usize)| stream[column * rows + at];
    let masks = LanguageMasks::default();
    let (mut state, mut loss) = (None, 0.0);
    let segments = list(&case["segments"]).iter();
    for (segment, hidden) in segments.zip(list(&case["hidden_after_segment"])) {
        let segment = numbers(segment);
        let (start, length) = (segment[0] as usize, segment[1] as usize);
        let values: Vec<i32> = (start..start + length)
            .flat_map(row)
            .map(|at| word(at) as i32)
            .collect();
        let tokens = TensorData::new(values, [length, batch]);
        let tokens = Tensor::<Train, 2, Int>::from_data(tokens, &Default::default());
        let targets: Vec<f32> = (start + 1..=start + length)
            .flat_map(row)
            .map(word)
            .collect();
        let out = network.forward(tokens, state.take(), &masks, Statistics::Batch);
        let mean = of(likelihood(out.logits, &targets))[0];
        close(&[mean], &segment[2..], None, "segment");
        same(of(out.state.hidden.clone()), hidden, "hidden state");
        loss += f64::from(mean) * length as f64;
        state = Some(out.state);
    }
    let perplexity = (loss / (rows - 1) as f64).exp() as f32;
    same(vec![perplexity], &case["perplexity_exact"], "perplexity");
}
