//! Recorded values of published language models: text, streams, loss, dropout, penalties, optimisation.
//! The environment may name another file of the same form (`LANGUAGE_GOLDEN`).

use std::fs;

use burn::backend::Autodiff;
use burn::module::{Module, Param};
use burn::optim::{GradientsParams, Optimizer};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData, activation::sigmoid, backend::Backend};
use burn_flex::Flex;
use serde_json::Value;
use workbench::optim::{
    AveragedSgd, blend_average, clip_global_norm, non_monotone_trigger, sgd_config,
};
use workbench::problem::{Phase, Problem, RngKey, Split, Visit};
use workbench::scoring::score;
use workbench::text::{
    Corpus, CorpusId, EvaluationStreams, LanguageProblem, Regularisation, SequenceBatch, Sequences,
    TextOptions, Vary, Vocabulary, load_corpus, logit_segment, perplexity, token_loss,
    training_segments,
};

type Train = Autodiff<Flex>;
type Rows<B> = Tensor<B, 2>;

fn golden() -> Value {
    let default = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/language_model.json"
    );
    let path = std::env::var("LANGUAGE_GOLDEN").unwrap_or(default.into());
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The cases of a list that holds at least one.
fn cases(all: &Value) -> &[Value] {
    let cases = all.as_array().unwrap();
    assert!(!cases.is_empty());
    cases
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn count(value: &Value) -> usize {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count")) as usize
}

/// All numbers of a nested list, row by row.
fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        single => vec![number(single)],
    }
}

fn counts(value: &Value) -> Vec<u32> {
    flat(value).into_iter().map(|value| value as u32).collect()
}

fn shape<const D: usize>(mut value: &Value) -> [usize; D] {
    std::array::from_fn(|_| {
        let length = value.as_array().unwrap().len();
        value = &value[0];
        length
    })
}

fn tensor<B: Backend, const D: usize>(value: &Value) -> Tensor<B, D> {
    let numbers: Vec<f32> = flat(value).into_iter().map(|value| value as f32).collect();
    Tensor::from_data(
        TensorData::new(numbers, shape::<D>(value)),
        &Default::default(),
    )
}

fn tracked<const D: usize>(value: &Value) -> Tensor<Train, D> {
    tensor(value).require_grad()
}

fn ints<B: Backend>(value: &Value) -> Tensor<B, 2, Int> {
    let numbers: Vec<i32> = flat(value).into_iter().map(|value| value as i32).collect();
    Tensor::from_data(
        TensorData::new(numbers, shape::<2>(value)),
        &Default::default(),
    )
}

/// Log-likelihoods of words that follow `[time, streams]`.
fn likelihoods<B: Backend>(logits: Tensor<B, 3>, targets: Tensor<B, 2, Int>) -> Tensor<B, 2> {
    let chosen = log_softmax(logits, 2).gather(2, targets.unsqueeze_dim(2));
    chosen.squeeze_dim(2)
}

fn values<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Within the tolerance of f32, relative to the largest entry.
fn assert_close(found: &[f64], expected: &Value, what: &str) {
    let expected = flat(expected);
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected
        .iter()
        .fold(0.0_f64, |most, value| most.max(value.abs()));
    for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let off = (found - expected).abs();
        assert!(
            off <= 2e-5 * largest.max(1e-6),
            "{what}, {at}: {found}, not {expected}"
        );
    }
}

fn assert_gradient<const D: usize>(
    of: &Tensor<Train, D>,
    gradients: &<Train as burn::tensor::backend::AutodiffBackend>::Gradients,
    expected: &Value,
    what: &str,
) {
    assert_close(&values(of.grad(gradients).unwrap()), expected, what);
}

/// A corpus of numbers, of which all parts are the same stream.
fn corpus(stream: &[u32], words: usize) -> Corpus {
    let vocabulary: Vocabulary = (0..words).map(|word| word.to_string()).collect();
    let parts = [stream.to_vec(), stream.to_vec(), stream.to_vec()];
    Corpus::new("recorded", vocabulary, parts).unwrap()
}

fn fixed(length: &Value) -> Sequences {
    Sequences {
        length: count(length),
        vary: Vary::Never,
    }
}

fn in_streams(streams: &Value) -> EvaluationStreams {
    EvaluationStreams {
        validation: count(streams),
        test: count(streams),
    }
}

// Text and streams.

#[test]
fn token_files_make_the_recorded_vocabulary_and_numbers() {
    let case = &golden()["text"];
    for (id, names) in [
        (
            CorpusId::Ptb,
            ["ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"],
        ),
        (
            CorpusId::Wikitext2,
            ["wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"],
        ),
    ] {
        let root = tempfile::tempdir().unwrap();
        for (name, part) in names.iter().zip(["train", "valid", "test"]) {
            fs::write(root.path().join(name), case[part].as_str().unwrap()).unwrap();
        }
        let read = load_corpus(id, Some(root.path()), &TextOptions::default()).unwrap();
        let words: Vec<&str> = cases(&case["vocabulary"])
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect();
        assert_eq!(read.vocabulary().words(), words);
        for (split, part) in [
            (Split::Weights, "train_ids"),
            (Split::Validation, "valid_ids"),
            (Split::Test, "test_ids"),
        ] {
            assert_eq!(read.tokens(split)[..], counts(&case[part]), "{part}");
        }
    }
}

#[test]
fn streams_and_their_sequences_are_the_recorded_ones() {
    for case in cases(&golden()["batchify"]) {
        let (stream, streams) = (counts(&case["stream"]), count(&case["batch"]));
        let rows = count(&case["rows"]);
        assert_eq!(stream.len() - rows * streams, count(&case["dropped_tail"]));
        let problem = |length| {
            let (corpus, evaluation) = (corpus(&stream, 1000), in_streams(&case["batch"]));
            LanguageProblem::for_search(corpus, length, evaluation).unwrap()
        };
        let device = Default::default();
        let evaluated = |length| -> Vec<SequenceBatch<Flex>> {
            let problem = problem(length);
            let batches = problem
                .evaluation(Split::Test, streams, 0, &device)
                .unwrap();
            batches.map(Result::unwrap).collect()
        };
        let found = evaluated(fixed(&case["bptt"]));
        let expected = cases(&case["evaluation_segments"]);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(
                values(found.tokens.clone().float()),
                flat(&expected["data"])
            );
            assert_eq!(
                values(found.targets.clone().float()),
                flat(&expected["targets"])
            );
        }
        // All of it as one sequence, and the last row, which is a target only.
        let [whole] = &evaluated(Sequences {
            length: rows,
            ..fixed(&case["bptt"])
        })[..] else {
            panic!("one sequence");
        };
        let last = whole.targets.clone().narrow(0, rows - 2, 1);
        let all = Tensor::cat(vec![whole.tokens.clone(), last], 0);
        assert_eq!(values(all.float()), flat(&case["batchified"]));
    }
}

#[test]
fn drawn_lengths_and_factors_are_the_recorded_ones() {
    for case in cases(&golden()["seq_len"]) {
        let sequences = Sequences {
            length: count(&case["bptt"]),
            vary: Vary::Normal,
        };
        let drawn = sequences.drawn(number(&case["uniform"]), number(&case["normal"]));
        assert_eq!(drawn, count(&case["seq_len"]), "{case}");
        let factor = sequences.learning_rate_factor(drawn);
        assert!((factor - number(&case["lr_factor"])).abs() < 1e-8, "{case}");
    }
}

#[test]
fn walks_through_a_stream_are_the_recorded_ones() {
    let golden = golden();
    for case in cases(&golden["segment_walk"]) {
        let sequences = Sequences {
            length: count(&case["bptt"]),
            vary: Vary::Normal,
        };
        // Draws are gone around where there are fewer than sequences.
        let draws = cases(&case["draws"]).iter().cycle();
        let lengths = draws.map(|draw| sequences.drawn(number(&draw[0]), number(&draw[1])));
        let found: Vec<[usize; 3]> = training_segments(count(&case["rows"]), lengths)
            .iter()
            .map(|segment| [segment.start, segment.drawn, segment.length])
            .collect();
        let expected: Vec<[usize; 3]> = case["segments_i_drawn_actual"]
            .as_array()
            .unwrap()
            .iter()
            .map(|triple| std::array::from_fn(|at| count(&triple[at])))
            .collect();
        assert_eq!(found, expected, "{case}");
    }

    let case = &golden["search_walk"];
    let sequences = Sequences {
        length: count(&case["bptt"]),
        vary: Vary::Halves,
    };
    let uniforms = cases(&case["uniforms"]).iter().cycle();
    let lengths = uniforms.map(|uniform| sequences.drawn(number(uniform), 0.0));
    let found = training_segments(count(&case["train_rows"]), lengths);
    let expected = cases(&case["steps"]);
    assert_eq!(found.len(), expected.len());
    for (weights, step) in found.iter().zip(expected) {
        let valid_rows = count(&case["valid_rows"]);
        let logits = logit_segment(valid_rows, weights.start, sequences.length).unwrap();
        let found = [weights.start, weights.length, logits.start, logits.length];
        let names = ["train_i", "train_len", "valid_i", "valid_len"];
        assert_eq!(found, names.map(|name| count(&step[name])));
        let factor = sequences.learning_rate_factor(weights.drawn);
        assert_eq!(factor, number(&step["lr_factor"]));
    }
}

#[test]
fn batches_of_a_search_follow_the_walks() {
    // The same walk by batches: the lengths are those that the key draws.
    let sequences = Sequences {
        length: 10,
        vary: Vary::Halves,
    };
    let stream: Vec<u32> = (0..600).collect();
    let problem =
        LanguageProblem::for_search(corpus(&stream, 600), sequences, Default::default()).unwrap();
    let visit = |split| Visit {
        split,
        key: RngKey { seed: 5, epoch: 2 },
        order: 0,
        batch_size: 3,
        passes: 1,
        steps: None,
    };
    let device = Default::default();
    let read = |split| -> Vec<SequenceBatch<Flex>> {
        let visit = visit(split);
        let batches = problem.batches(&visit, &device);
        batches.map(Result::unwrap).collect()
    };
    let segments = training_segments(200, sequences.lengths(visit(Split::Weights).key));
    let (weights, logits) = (read(Split::Weights), read(Split::Logits));
    assert_eq!([weights.len(), logits.len()], [segments.len(); 2]);
    for ((weights, logits), segment) in weights.iter().zip(&logits).zip(&segments) {
        let own = logit_segment(200, segment.start, 10).unwrap();
        let first = |batch: &SequenceBatch<Flex>| values(batch.tokens.clone().float())[0] as usize;
        assert_eq!(
            [first(weights), weights.time()],
            [segment.start, segment.length]
        );
        assert_eq!([first(logits), logits.time()], [own.start, own.length]);
        let factor = sequences.learning_rate_factor(segment.drawn);
        assert_eq!(
            [weights.learning_rate_factor, logits.learning_rate_factor],
            [factor, 1.0]
        );
    }
}

// Loss and perplexity.

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

/// Values `[time, streams, units]` under a mask `[streams, units]`.
fn masked<B: Backend>(values: Tensor<B, 3>, mask: Option<&Rows<B>>) -> Tensor<B, 3> {
    match mask {
        Some(mask) => values * mask.clone().unsqueeze_dim(0),
        None => values,
    }
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

// Dropout and penalties.

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

// Optimisation.

#[derive(Module, Debug)]
struct Parameters<B: Backend> {
    matrix: Param<Tensor<B, 2>>,
    vector: Param<Tensor<B, 1>>,
}

impl Parameters<Train> {
    fn of(matrix: Tensor<Train, 2>, vector: Tensor<Train, 1>) -> Self {
        Self {
            matrix: Param::from_tensor(matrix),
            vector: Param::from_tensor(vector),
        }
    }

    /// Gradients of these values.
    fn gradients(&self, matrix: Tensor<Train, 2>, vector: Tensor<Train, 1>) -> GradientsParams {
        let loss = (self.matrix.val() * matrix).sum() + (self.vector.val() * vector).sum();
        GradientsParams::from_grads(loss.backward(), self)
    }
}

#[test]
fn clipping_decay_and_learning_rate_make_the_recorded_step() {
    for case in cases(&golden()["sgd_step"]) {
        let read = |all: &Value| {
            let vector = match all.get(1) {
                Some(vector) => tensor(vector),
                None => Tensor::zeros([1], &Default::default()),
            };
            (tensor(&all[0]), vector)
        };
        let (matrix, vector) = read(&case["parameters"]);
        let start = Parameters::of(matrix, vector);
        let (matrix, vector) = read(&case["gradients"]);
        let gradients = start.gradients(matrix, vector);
        let (clipped, norm) = clip_global_norm(gradients, &start, number(&case["clip"]));
        assert_close(&values(norm.unwrap()), &case["norm"], "norm");
        let mut sgd = sgd_config(0.0, number(&case["weight_decay"])).init::<Train, _>();
        let sequences = fixed(&case["bptt"]);
        let factor = sequences.learning_rate_factor(count(&case["seq_len"]));
        let rate = number(&case["lr"]) * factor;
        assert_close(&[rate], &case["lr_effective"], "learning rate");
        let after = sgd.step(rate, start, clipped);
        let (matrix, vector) = (values(after.matrix.val()), values(after.vector.val()));
        assert_close(&matrix, &case["after"][0], "matrix");
        if let Some(expected) = case["after"].get(1) {
            assert_close(&vector, expected, "vector");
        }
    }
}

#[test]
fn averaged_descent_has_the_recorded_weights_and_averages() {
    let device = Default::default();
    for case in cases(&golden()["asgd"]) {
        let name = case["name"].as_str().unwrap();
        let rule = AveragedSgd {
            decay: number(&case["lambd"]),
            power: number(&case["alpha"]),
            start: number(&case["t0"]),
        };
        let matrix = || Tensor::zeros([1, 1], &device);
        let mut model = Parameters::of(matrix(), tensor(&case["start"]));
        let mut average = model.clone();
        let decay = number(&case["weight_decay"]) + rule.decay;
        let mut sgd = sgd_config(0.0, decay).init::<Train, _>();
        let rates = flat(&case["lr_per_step"]);
        for (at, gradient) in cases(&case["gradients"]).iter().enumerate() {
            let before = rates[at.saturating_sub(1)];
            let rate = rule.learning_rate(at + 1, rates[at], before);
            let share = rule.share(at + 1);
            assert_close(
                &[rate],
                &case["eta_used"][at],
                &format!("{name}: eta, step {at}"),
            );
            assert_close(
                &[share],
                &case["mu_used"][at],
                &format!("{name}: mu, step {at}"),
            );
            let gradients = model.gradients(matrix(), tensor(gradient));
            model = sgd.step(rate, model, gradients);
            average = blend_average(average, &model, 1.0 - share);
            for (module, field) in [(&model, "parameters"), (&average, "average")] {
                let found = values(module.vector.val());
                assert_close(
                    &found,
                    &case[field][at],
                    &format!("{name}: {field}, step {at}"),
                );
            }
        }
    }
}

#[test]
fn the_trigger_fires_after_the_recorded_epochs() {
    for case in cases(&golden()["trigger"]) {
        let losses = flat(&case["validation_losses"]);
        let patience = count(&case["nonmono"]);
        let expected = case["switch_after_epoch"]
            .as_u64()
            .map(|epoch| epoch as usize);
        assert_eq!(non_monotone_trigger(&losses, patience), expected, "{case}");
        // It is a function of the epochs so far: later ones change nothing.
        let so_far = |epochs| non_monotone_trigger(&losses[..epochs], patience);
        for epochs in 0..losses.len() {
            let known = expected.filter(|&epoch| epoch <= epochs);
            assert_eq!(so_far(epochs), known, "{case}");
        }
    }
}
