use super::*;
use burn::tensor::activation::log_softmax;
use burn_flex::Flex;

use crate::problem::RngKey;
use crate::scoring::score;
use crate::text::{Vary, Vocabulary};

type Batch = SequenceBatch<Flex>;

/// Words `w0` to `w99`, in parts of these lengths; each word has the number of its place.
fn corpus(lengths: [usize; 3]) -> Corpus {
    let vocabulary: Vocabulary = (0..100).map(|word| format!("w{word}")).collect();
    let tokens = lengths.map(|length| (0..length).map(|token| (token % 100) as u32).collect());
    Corpus::new("counting", vocabulary, tokens).unwrap()
}

const FIXED: Sequences = Sequences {
    length: 4,
    vary: Vary::Never,
};

fn search(lengths: [usize; 3], sequences: Sequences) -> LanguageProblem {
    LanguageProblem::for_search(corpus(lengths), sequences, Default::default()).unwrap()
}

fn visit(split: Split, batch_size: usize) -> Visit {
    Visit {
        split,
        key: RngKey { seed: 1, epoch: 0 },
        order: 0,
        batch_size,
        passes: 1,
        steps: None,
    }
}

fn batches(problem: &LanguageProblem, visit: &Visit) -> Vec<Batch> {
    let device = Default::default();
    let batches = problem.batches(visit, &device);
    batches.collect::<Result<_>>().unwrap()
}

/// `[time][streams]`
fn rows(numbers: &Tensor<Flex, 2, burn::tensor::Int>) -> Vec<Vec<i64>> {
    let [_, streams] = numbers.dims();
    let numbers: Vec<i64> = numbers.to_data().iter::<i64>().collect();
    numbers.chunks(streams).map(<[i64]>::to_vec).collect()
}

#[test]
fn streams_are_contiguous_and_sequences_go_on_where_the_last_ended() {
    let problem = search([23, 9, 8], FIXED);
    let read = batches(&problem, &visit(Split::Weights, 2));
    let starts: Vec<bool> = read.iter().map(|batch| batch.starts).collect();
    assert_eq!(starts, [true, false, false]);
    for (index, batch) in read.iter().enumerate() {
        let first = 4 * index as i64;
        let length = [4, 4, 2][index];
        let tokens: Vec<Vec<i64>> = (first..first + length).map(|t| vec![t, t + 11]).collect();
        assert_eq!(rows(&batch.tokens), tokens);
        let targets: Vec<Vec<i64>> = tokens
            .iter()
            .map(|row| row.iter().map(|t| t + 1).collect())
            .collect();
        assert_eq!(rows(&batch.targets), targets);
        assert_eq!(problem.examples(batch), 2 * length as usize);
        assert_eq!(problem.batch_size(batch), 2);
        assert_eq!(batch.learning_rate_factor, 1.0);
    }
}

#[test]
fn passes_share_the_streams_of_a_step() {
    let problem = search([60, 9, 8], FIXED);
    let whole = batches(&problem, &visit(Split::Weights, 5));
    let passes = Visit {
        passes: 2,
        ..visit(Split::Weights, 5)
    };
    let passes = batches(&problem, &passes);
    assert_eq!(passes.len(), 2 * whole.len());
    for (index, whole) in whole.iter().enumerate() {
        let pair = [&passes[2 * index], &passes[2 * index + 1]];
        assert_eq!(pair.map(SequenceBatch::streams), [2, 3]);
        assert_eq!(pair.map(|pass| pass.starts), [whole.starts; 2]);
        let joined = Tensor::cat(pair.map(|pass| pass.tokens.clone()).to_vec(), 1);
        assert_eq!(rows(&joined), rows(&whole.tokens));
    }
}

#[test]
fn epochs_differ_in_their_steps_and_learning_rates_follow_the_length() {
    let problem = search([4_000, 9, 8], Sequences::default());
    let epoch = |epoch| Visit {
        key: RngKey { seed: 1, epoch },
        ..visit(Split::Weights, 2)
    };
    let mut steps = Vec::new();
    for number in 0..10 {
        let read = batches(&problem, &epoch(number));
        assert_eq!(read.len(), problem.steps(&epoch(number)));
        steps.push(read.len());
        for batch in &read[..read.len() - 1] {
            assert_eq!(batch.learning_rate_factor, batch.time() as f64 / 35.0);
        }
    }
    steps.sort();
    assert!(steps.first() < steps.last(), "{steps:?}");
}

#[test]
fn logits_go_along_with_the_weights_around_their_own_stream() {
    let problem = search([200, 30, 8], FIXED);
    let weights = visit(Split::Weights, 2);
    let logits = Visit {
        order: 1,
        steps: Some(problem.steps(&weights)),
        ..visit(Split::Logits, 2)
    };
    let read = batches(&problem, &logits);
    assert_eq!(read.len(), problem.steps(&weights));
    let firsts: Vec<i64> = read.iter().map(|batch| rows(&batch.tokens)[0][0]).collect();
    // 15 tokens a stream: begins go around 14, and the last sequence is cut.
    assert_eq!(firsts[..8], [0, 4, 8, 12, 2, 6, 10, 0]);
    let lengths: Vec<usize> = read.iter().map(SequenceBatch::time).collect();
    assert_eq!(lengths[..8], [4, 4, 4, 2, 4, 4, 4, 4]);
    assert_eq!(read.iter().filter(|batch| batch.starts).count(), 1);
    let around = Visit {
        steps: Some(2 * problem.steps(&weights)),
        ..weights
    };
    assert_eq!(problem.steps(&around), 2 * problem.steps(&weights));
}

#[test]
fn a_training_has_nothing_for_logits() {
    let problem =
        LanguageProblem::for_training(corpus([60, 9, 8]), FIXED, Default::default()).unwrap();
    assert!(!problem.has(Split::Logits) && problem.has(Split::Validation));
    assert_eq!(problem.steps(&visit(Split::Logits, 2)), 0);
    let device = Default::default();
    let refused = problem
        .evaluation::<Flex>(Split::Logits, 1, 0, &device)
        .err();
    let message = refused.unwrap().to_string();
    assert!(
        message.contains("`counting` has no tokens for logits"),
        "{message}"
    );
}

/// What it says of the word after word `t` is as likely as `t` is large, whatever came before.
fn answer(batch: &Batch) -> Tensor<Flex, 2> {
    let tokens = batch.tokens.clone().float() * 0.01;
    let logits = tokens.unsqueeze_dim::<3>(2).repeat_dim(2, 100);
    let words = Tensor::<Flex, 1, burn::tensor::Int>::arange(0..100, &Default::default());
    let logits = logits * words.float().reshape([1, 1, 100]) * 0.05;
    let targets = batch.targets.clone().unsqueeze_dim(2);
    log_softmax(logits, 2).gather(2, targets).squeeze_dim(2)
}

#[test]
fn perplexity_is_over_all_words_whatever_the_sequences() {
    let whole = |length, batch_size, streams| {
        let evaluation = EvaluationStreams {
            validation: streams,
            test: 1,
        };
        let sequences = Sequences { length, ..FIXED };
        let problem =
            LanguageProblem::for_training(corpus([60, 97, 8]), sequences, evaluation).unwrap();
        let device = Default::default();
        let said = |batch: &Batch, _| Ok::<_, WorkbenchError>(answer(batch));
        let found = score(&problem, Split::Validation, batch_size, 0, &device, said).unwrap();
        (
            problem.published_score(Split::Validation, batch_size, &found),
            found,
        )
    };
    let (published, exact) = whole(96, 1, 1);
    assert!((exact.value - exact.loss.exp()).abs() < 1e-9);
    assert!((published.loss - exact.loss * 96.0 / 97.0).abs() < 1e-12);
    for (length, batch_size, streams) in [(1, 1, 1), (5, 1, 7), (200, 8, 1)] {
        let (_, found) = whole(length, batch_size, streams);
        assert!(
            (found.loss - exact.loss).abs() < 1e-5,
            "{length} {batch_size}"
        );
    }
    // Several streams each begin anew, and leave a rest out.
    let (published, several) = whole(5, 8, 4);
    assert!((several.loss - exact.loss).abs() > 1e-5);
    assert!((published.loss - several.loss * 23.0 / 24.0).abs() < 1e-12);
}

#[test]
fn streams_and_sequences_that_the_corpus_has_not_are_refused() {
    let problem = search([60, 30, 8], FIXED);
    problem.check_streams("fit.batch_size", 6).unwrap();
    let refused = |streams| {
        let refused = problem.check_streams("fit.batch_size", streams);
        refused.unwrap_err().to_string()
    };
    assert_eq!(
        refused(21),
        "configuration: `fit.batch_size` is 21; valid: 1 to 20, as a stream takes 3 of the 60 tokens \
         for weights of `counting`"
    );
    assert!(refused(11).contains("1 to 10, as a stream takes 3 of the 30 tokens for logits"));
    assert!(refused(0).contains("`fit.batch_size` is 0; valid: 1 to 20"));
    assert_eq!(
        refused(7),
        "configuration: `data.sequences.length` is 4; valid: 1 to 3, what a stream has where the 30 \
         tokens for logits of `counting` make 7 (`fit.batch_size`)"
    );
}

#[test]
fn evaluation_in_more_streams_than_there_is_text_for_is_refused() {
    let refused = |validation, test| {
        let evaluation = EvaluationStreams { validation, test };
        let problem = LanguageProblem::for_training(corpus([60, 9, 8]), FIXED, evaluation);
        problem.unwrap_err().to_string()
    };
    assert_eq!(
        refused(5, 1),
        "configuration: `data.evaluation.validation` is 5; valid: 1 to 4, as a stream takes 2 of the 9 \
         tokens for validation of `counting`"
    );
    assert!(refused(1, 0).contains("`data.evaluation.test` is 0; valid: 1 to 4"));
}

#[test]
fn a_run_goes_on_with_the_words_and_tokens_it_began_with_only() {
    let problem = search([60, 9, 8], FIXED);
    let before = problem.description();
    problem.check(&before).unwrap();
    let other = |tokens: [Vec<u32>; 3], words: &[&str]| {
        let corpus = Corpus::new("ptb", words.iter().collect(), tokens).unwrap();
        let problem = LanguageProblem::for_search(corpus, FIXED, Default::default());
        problem.unwrap().check(&before).unwrap_err().to_string()
    };
    let tokens = [vec![0; 60], vec![0; 9], vec![0; 8]];
    let message = other(tokens, &["a", "b"]);
    let pieces = [
        "`ptb` has a vocabulary of 2 words",
        "trained on, a vocabulary of 100 words",
    ];
    assert!(
        pieces.iter().all(|piece| message.contains(piece)),
        "{message}"
    );
    let message = search([61, 9, 8], FIXED)
        .check(&before)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("61 training tokens") && message.contains("60 training"),
        "{message}"
    );
    let message = problem.check(&Value::Null).unwrap_err().to_string();
    assert!(
        message.contains("which its checkpoint does not say"),
        "{message}"
    );
}
