//! The loss of whole models, and perplexity.

use burn::tensor::activation::{log_softmax, sigmoid};
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};
use burn_flex::Flex;
use serde_json::Value;
use workbench::problem::{Phase, Problem, Split};
use workbench::scoring::score;
use workbench::text::{LanguageProblem, Regularisation, SequenceBatch, perplexity, token_loss};

use crate::values::{
    Rows, Train, assert_close, assert_gradient, cases, corpus, count, counts, fixed, golden,
    in_streams, ints, likelihoods, masked, number, tensor, tracked, values,
};

#[test]
fn the_loss_of_decoded_words_is_the_recorded_one() {
    let case = &golden()["decoder"];
    let (hidden, embedding) = (
        tracked::<2>(&case["hidden"]),
        tracked::<2>(&case["embedding"]),
    );
    let bias = tracked::<1>(&case["bias"]);
    let logits = hidden.clone().matmul(embedding.clone().transpose()) + bias.clone().unsqueeze();
    assert_close(
        &values(log_softmax(logits.clone(), 1)),
        &case["log_prob"],
        "log-probabilities",
    );
    let targets: Tensor<Train, 2, Int> = ints(&Value::Array(
        cases(&case["targets"])
            .iter()
            .map(|target| Value::Array(vec![target.clone()]))
            .collect(),
    ));
    let loss = token_loss(likelihoods(logits.unsqueeze_dim(1), targets));
    let found = values(loss.clone());
    assert_close(&found, &case["nll"], "loss");
    assert_close(
        &[perplexity(found[0]).value],
        &case["perplexity"],
        "perplexity",
    );
    let (gradients, expected) = (loss.backward(), &case["grad"]);
    assert_gradient(
        &hidden,
        &gradients,
        &expected["hidden"],
        "gradient of hidden",
    );
    assert_gradient(
        &embedding,
        &gradients,
        &expected["embedding"],
        "gradient of embedding",
    );
    assert_gradient(&bias, &gradients, &expected["bias"], "gradient of bias");
}

/// A whole model around the pieces, its cell by the formula of the values: one pair of predecessor and
/// activation a step.
struct Model<B: Backend> {
    embedding: Rows<B>,
    bias: Tensor<B, 1>,
    w0: Rows<B>,
    ws: Tensor<B, 3>,
    pairs: Vec<(usize, String)>,
}

/// Masks of the model.
struct Given<B: Backend> {
    embedding: Option<Rows<B>>,
    input: Option<Rows<B>>,
    x: Option<Rows<B>>,
    h: Option<Rows<B>>,
    output: Option<Rows<B>>,
}

/// Outputs before and after dropout, word logits, and the last hidden state.
struct Said<B: Backend> {
    raw: Tensor<B, 3>,
    dropped: Tensor<B, 3>,
    logits: Tensor<B, 3>,
    last: Rows<B>,
}

impl<B: Backend> Given<B> {
    fn of(masks: &Value) -> Self {
        let rows = |name: &str| masks.get(name).map(tensor::<B, 2>);
        let shared = |name: &str| {
            masks
                .get(name)
                .map(|mask| tensor::<B, 3>(mask).squeeze_dim(0))
        };
        Self {
            embedding: rows("embedding"),
            input: shared("input"),
            x: rows("x"),
            h: rows("h"),
            output: shared("output"),
        }
    }
}

impl<B: Backend> Model<B> {
    fn of(case: &Value) -> Self {
        let pairs = cases(&case["active"]).iter();
        Self {
            embedding: tensor(&case["embedding"]),
            bias: tensor(&case["bias"]),
            w0: tensor(&case["w0"]),
            ws: tensor(&case["ws"]),
            pairs: pairs
                .map(|step| (count(&step[0][1]), step[0][0].as_str().unwrap().to_string()))
                .collect(),
        }
    }

    fn cell(&self, x: Rows<B>, h: Rows<B>, masks: &Given<B>) -> Rows<B> {
        let factored = |state: Rows<B>, mask: &Option<Rows<B>>| match mask {
            Some(mask) => state * mask.clone(),
            None => state,
        };
        let gated = |product: Rows<B>, state: Rows<B>, name: &str| {
            let parts = product.chunk(2, 1);
            let value = parts[1].clone();
            let value = match name {
                "tanh" => value.tanh(),
                "relu" => burn::tensor::activation::relu(value),
                "sigmoid" => sigmoid(value),
                "identity" => value,
                other => panic!("{other}"),
            };
            state.clone() + sigmoid(parts[0].clone()) * (value - state)
        };
        let inputs = vec![factored(x, &masks.x), factored(h.clone(), &masks.h)];
        let first = Tensor::cat(inputs, 1).matmul(self.w0.clone());
        let mut states = vec![gated(first, h, "tanh")];
        for (step, (predecessor, name)) in self.pairs.iter().enumerate() {
            let state = states[*predecessor].clone();
            let weights = self.ws.clone().narrow(0, step, 1).squeeze_dim(0);
            let product = factored(state.clone(), &masks.h).matmul(weights);
            states.push(gated(product, state, name));
        }
        let steps = states.len() - 1;
        states
            .into_iter()
            .skip(1)
            .reduce(|sum, state| sum + state)
            .unwrap()
            / steps as f64
    }

    fn run(&self, tokens: &Tensor<B, 2, Int>, h: Rows<B>, masks: &Given<B>) -> Said<B> {
        let [time, streams] = tokens.dims();
        let width = self.embedding.dims()[1];
        let rows = self
            .embedding
            .clone()
            .select(0, tokens.clone().flatten(0, 1));
        let embedded = rows.reshape([time, streams, width]);
        let embedded = match &masks.embedding {
            Some(mask) => {
                let factors = mask.clone().select(0, tokens.clone().flatten(0, 1));
                embedded * factors.reshape([time, streams, 1])
            }
            None => embedded,
        };
        let inputs = masked(embedded, masks.input.as_ref());
        let (mut last, mut hiddens) = (h, Vec::new());
        for t in 0..time {
            let x = inputs.clone().narrow(0, t, 1).squeeze_dim(0);
            last = self.cell(x, last, masks);
            hiddens.push(last.clone());
        }
        let raw: Tensor<B, 3> = Tensor::stack(hiddens, 0);
        let dropped = masked(raw.clone(), masks.output.as_ref());
        let decoder = self.embedding.clone().transpose().unsqueeze_dim(0);
        let logits = dropped.clone().matmul(decoder) + self.bias.clone().unsqueeze();
        Said {
            raw,
            dropped,
            logits,
            last,
        }
    }
}

#[test]
fn whole_models_have_the_recorded_losses_penalties_and_gradients() {
    for case in cases(&golden()["models"]) {
        let name = case["name"].as_str().unwrap();
        let mut model = Model::<Train>::of(case);
        model.embedding = model.embedding.require_grad();
        model.bias = model.bias.require_grad();
        model.w0 = model.w0.require_grad();
        model.ws = model.ws.require_grad();
        let h0 = tracked::<2>(&case["h0"]);
        let masks = Given::of(&case["masks"]);
        let said = model.run(&ints(&case["tokens"]), h0.clone(), &masks);
        for (found, field) in [
            (values(log_softmax(said.logits.clone(), 2)), "log_prob"),
            (values(said.raw.clone()), "raw_output"),
            (values(said.last.clone()), "hidden_last"),
        ] {
            assert_close(&found, &case[field], &format!("{name}: {field}"));
        }
        let mut loss = token_loss(likelihoods(said.logits.clone(), ints(&case["targets"])));
        assert_close(&values(loss.clone()), &case["nll"], &format!("{name}: nll"));
        if !case["masks"].is_null() {
            let dropped = values(said.dropped.clone());
            assert_close(
                &dropped,
                &case["dropped_output"],
                &format!("{name}: dropped"),
            );
            let rule = Regularisation {
                activation: number(&case["alpha"]),
                temporal: number(&case["beta"]),
            };
            loss = loss + rule.penalty(said.raw, said.dropped).unwrap();
        }
        assert_close(
            &values(loss.clone()),
            &case["loss"],
            &format!("{name}: loss"),
        );
        let (gradients, expected) = (loss.backward(), &case["grad"]);
        for (tensor, field) in [
            (&model.embedding, "embedding"),
            (&model.w0, "w0"),
            (&h0, "h0"),
        ] {
            let what = format!("{name}: gradient of {field}");
            assert_gradient(tensor, &gradients, &expected[field], &what);
        }
        assert_gradient(&model.bias, &gradients, &expected["bias"], name);
        assert_gradient(&model.ws, &gradients, &expected["ws"], name);
    }
}

#[test]
fn perplexity_is_the_recorded_one_exact_and_as_published() {
    let case = &golden()["perplexity"];
    let model = Model::<Flex>::of(case);
    let words = count(&case["vocabulary"]);
    let problem = LanguageProblem::for_training(
        corpus(&counts(&case["stream"]), words),
        fixed(&case["bptt"]),
        in_streams(&case["batch"]),
    )
    .unwrap();
    let streams = count(&case["batch"]);
    let zero = || Rows::<Flex>::zeros([streams, count(&case["nhid"])], &Default::default());
    let none = Given::of(&Value::Null);
    let segments = cases(&case["segments"]);
    let evaluate = |carries: bool| {
        let mut hidden = zero();
        let answer = |batch: &SequenceBatch<Flex>, number: u64| {
            let at = number as usize;
            assert_eq!(batch.starts, at == 0);
            assert_eq!(batch.time(), count(&segments[at][1]));
            let said = model.run(&batch.tokens, hidden.clone(), &none);
            let answer = likelihoods(said.logits, batch.targets.clone());
            if carries {
                hidden = said.last;
                let loss = problem.loss(&answer, batch, Phase::Evaluation);
                assert_close(&values(loss), &segments[at][2], "loss of a segment");
                let expected = &case["hidden_after_segment"][at];
                assert_close(&values(hidden.clone()), expected, "hidden state");
            }
            Ok::<_, workbench::WorkbenchError>(answer)
        };
        score(
            &problem,
            Split::Test,
            streams,
            0,
            &Default::default(),
            answer,
        )
        .unwrap()
    };
    let found = evaluate(true);
    assert_close(&[found.loss], &case["mean_loss_exact"], "mean loss");
    assert_close(&[found.value], &case["perplexity_exact"], "perplexity");
    let published = problem.published_score(Split::Test, streams, &found);
    assert_close(
        &[published.loss],
        &case["mean_loss_published"],
        "published mean loss",
    );
    assert_close(
        &[published.value],
        &case["perplexity_published"],
        "published perplexity",
    );
    let reset = evaluate(false).value;
    assert_close(
        &[reset],
        &case["perplexity_exact_if_hidden_reset"],
        "without a carry",
    );
}
