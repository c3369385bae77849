//! What a network says: of a stream in pieces, of PyTorch's weights, with a batch's statistics.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax};
use burn_flex::{Flex, FlexDevice};
use serde_json::Value;
use supernet::recurrent::{
    CellChoice, CellForm, LanguageConfig, LanguageMasks, LanguageSize, PublishedRecurrent,
    StepNormalization,
};
use supernet::{Statistics, WeightInit};
use train::portable::{Inherited, Portable};
use train::tasks::language::{LanguageExport, LanguageRecipe};
use train::{ExportedNetwork, Judging, Recipe, score_network};
use workbench::problem::Split;
use workbench::text::{
    Corpus, Dropout, EvaluationStreams, LanguageProblem, Regularisation, Sequences, Vary,
    Vocabulary,
};

use crate::fit_commands::{printed, refused};

const SIZE: LanguageSize = LanguageSize {
    words: 9,
    hidden: 8,
};

fn recipe(network: LanguageConfig) -> LanguageRecipe {
    LanguageRecipe {
        network,
        dropout: Dropout::default(),
        regularisation: Regularisation::default(),
    }
}

fn derived() -> LanguageConfig {
    LanguageConfig::derived(SIZE, PublishedRecurrent::DartsV2.genotype().unwrap())
}

/// 101 words by chance, the same for every purpose, in sequences of this length.
fn problem(length: usize) -> LanguageProblem {
    let mut state = 7_u32;
    let mut word = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % SIZE.words as u32
    };
    let tokens: Vec<u32> = (0..101).map(|_| word()).collect();
    let words: Vocabulary = (0..SIZE.words).map(|word| word.to_string()).collect();
    let parts = [tokens.clone(), tokens.clone(), tokens];
    let corpus = Corpus::new("chance", words, parts).unwrap();
    let sequences = Sequences {
        length,
        vary: Vary::Never,
    };
    LanguageProblem::for_training(corpus, sequences, EvaluationStreams::default()).unwrap()
}

#[test]
fn a_stream_is_scored_alike_as_a_whole_and_in_segments() {
    let lstm = LanguageConfig {
        size: SIZE,
        cell: CellChoice::Lstm,
    };
    for network in [derived(), lstm] {
        let recipe = recipe(network);
        let network = recipe.init::<Flex>(&mut WeightInit::new(3), &FlexDevice);
        let network = network.unwrap();
        let loss = |length| {
            let (problem, how) = (problem(length), Judging::running(64));
            let scored = score_network(&recipe, &problem, &network, Split::Test, how, &FlexDevice);
            let (score, tokens) = scored.unwrap();
            assert_eq!(tokens, 100);
            score.loss
        };
        let whole = loss(100);
        for length in [1, 7, 50, 99] {
            let off = (loss(length) - whole).abs();
            assert!(off < 1e-5, "in segments of {length}: {off}");
        }
    }
}

fn made(name: &str) -> PathBuf {
    // Written by `torch/language.py`.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torch");
    folder.join(name)
}

fn answers() -> (Tensor<Flex, 2, Int>, Vec<f32>) {
    let text = fs::read_to_string(made("language_answers.json")).unwrap();
    let answers: Value = serde_json::from_str(&text).unwrap();
    let rows = answers["words"].as_array().unwrap();
    let words = rows.iter().flat_map(|row| row.as_array().unwrap());
    let words: Vec<i32> = words.map(|word| word.as_i64().unwrap() as i32).collect();
    let shape = [rows.len(), words.len() / rows.len()];
    let said = answers["log_probabilities"].as_array().unwrap().iter();
    let said = said.flat_map(|moment| moment.as_array().unwrap());
    let said = said.flat_map(|stream| stream.as_array().unwrap());
    let said = said.map(|value| value.as_f64().unwrap() as f32).collect();
    (
        Tensor::from_data(TensorData::new(words, shape), &FlexDevice),
        said,
    )
}

#[test]
fn weights_of_pytorch_say_what_they_say_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let words: String = (0..12).map(|word| format!("w{word}\n")).collect();
    fs::write(path.join("words.txt"), words).unwrap();
    let weights = made("language.pt").display().to_string();
    let import = |vocabulary: &'static str, out: &'static str| {
        let weights = weights.as_str();
        let options = ["--vocabulary", vocabulary, "--out", out];
        [&["import", weights, "darts-rnn-v2"], &options[..]].concat()
    };
    printed(path, &import("words.txt", "theirs"));
    let read = ExportedNetwork::<LanguageRecipe>::read(&path.join("theirs")).unwrap();
    assert_eq!(read.config.vocabulary[11], "w11");
    let network = read.init::<Flex>(&FlexDevice).unwrap();
    let (tokens, expected) = answers();
    let masks = LanguageMasks::default();
    let logits = network
        .forward(tokens, None, &masks, Statistics::Running)
        .logits;
    let found: Vec<f32> = log_softmax(logits, 2).into_data().to_vec().unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
    }

    // Words of a corpus, in the order in which they first appear.
    fs::create_dir(path.join("penn")).unwrap();
    let text = " a b c d e f g h i j k \n";
    for part in ["train", "valid", "test"] {
        fs::write(path.join(format!("penn/ptb.{part}.txt")), text).unwrap();
    }
    printed(path, &import("penn", "of-corpus"));
    let read = ExportedNetwork::<LanguageRecipe>::read(&path.join("of-corpus")).unwrap();
    assert_eq!(read.config.vocabulary[10..], ["k", "<eos>"]);
    let told = printed(
        path,
        &["eval", "of-corpus", "--data", "ptb", "--data-root", "penn"],
    );
    assert!(told.contains("on ptb (11 tokens)"), "{told}");
    printed(
        path,
        &["sample", "of-corpus", "--prompt", "a b", "--tokens", "3"],
    );

    fs::write(path.join("few.txt"), "a\nb\n").unwrap();
    refused(
        path,
        &import("few.txt", "no"),
        &["few.txt", "2 words", "12, the rows"],
    );
    refused(path, &import("none.txt", "no"), &["cannot read `none.txt`"]);
    let image = made("network.safetensors").display().to_string();
    let options = ["--vocabulary", "words.txt", "--out", "no"];
    refused(
        path,
        &[&["import", &image, "darts-rnn-v2"], &options[..]].concat(),
        &["network.safetensors", "no matrix `encoder.weight`"],
    );
    refused(
        path,
        &[&["import", &weights, "cell: tanh@0 | relu@1"], &options[..]].concat(),
        &["`rnns.0._Ws.2` is not part of the network"],
    );
}

#[test]
fn a_child_of_normalised_states_is_scored_with_the_statistics_of_its_streams() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    super::corpus(path, 20);
    let export = |inherited, form| LanguageExport {
        format: LanguageExport::FORMAT,
        network: LanguageConfig {
            size: SIZE,
            cell: CellChoice::Derived {
                genotype: PublishedRecurrent::DartsV1.genotype().unwrap(),
                normalization: StepNormalization::StepSum,
                form,
            },
        },
        vocabulary: [
            "the", "cat", "dog", ".", "<eos>", "<unk>", "sat", "ran", "on",
        ]
        .map(String::from)
        .to_vec(),
        text: None,
        trained: None,
        inherited,
    };
    let inherited = Some(Inherited {
        batch_size: 4,
        seed: 0,
    });
    for (name, form, lines) in [
        ("searched", CellForm::Searched, 2),
        ("plain", CellForm::Retrained, 1),
    ] {
        let config = export(inherited, form);
        let recipe = LanguageRecipe::of_export(&config);
        let network = recipe
            .init::<Flex>(&mut WeightInit::new(1), &FlexDevice)
            .unwrap();
        let weights = network.state_dict();
        let exported = ExportedNetwork::<LanguageRecipe> { config, weights };
        exported.write(&path.join(name)).unwrap();
        let told = printed(
            path,
            &["eval", name, "--data", "text", "--data-root", "corpus"],
        );
        assert_eq!(told.lines().count(), lines, "{told}");
        // Four streams of 24 tokens, whose first ones are not foreseen; or one.
        let tokens = if lines == 2 {
            "(92 tokens)"
        } else {
            "(95 tokens)"
        };
        assert!(told.contains(tokens), "{told}");
    }
    let mut broken = export(None, CellForm::Retrained);
    broken.vocabulary.pop();
    let message = broken.validate().unwrap_err().to_string();
    assert!(
        message.contains("`vocabulary` is 8 different words in 8"),
        "{message}"
    );
}
