//! Vocabularies, streams and sequences.

use std::fs;

use burn::tensor::Tensor;
use burn_flex::Flex;
use workbench::problem::{Problem, RngKey, Split, Visit};
use workbench::text::{
    CorpusId, LanguageProblem, SequenceBatch, Sequences, TextOptions, Vary, load_corpus,
    logit_segment, training_segments,
};

use crate::values::{
    cases, corpus, count, counts, fixed, flat, golden, in_streams, number, values,
};

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
