//! Networks of derived recurrent cells, and what a child keeps of its supernet.

use burn::tensor::Tensor;
use egs_core::{NoiseKey, Normalization};
use supernet::recurrent::*;
use supernet::{
    ArchitectureConfig, CodeTable, Codes, DeriveRule, ForwardMode, Genotype, Sampling, SearchSpace,
    Statistics, WeightInit, count_weights, derive_genotype,
};

use crate::recurrent::{SIZE, carried, config, dropped, state, supernet, values, words};
use crate::support::{Train, assert_close, device};

fn genotype() -> Genotype<RecurrentOperation> {
    "cell: tanh@0 | relu@1 identity@0 | sigmoid@2*0.5 tanh@1*0.25"
        .parse()
        .unwrap()
}

/// The logits of a stream in segments of these lengths.
fn in_segments(net: &LanguageNetwork<Train>, lengths: &[usize]) -> Vec<f32> {
    let total = lengths.iter().sum();
    let (stream, mut start) = (words([total, 3]), 0);
    let (mut state, mut logits) = (None, Vec::new());
    for &length in lengths {
        let segment = stream.clone().narrow(0, start, length);
        let masks = LanguageMasks::default();
        let out = net.forward(segment, state.take(), &masks, Statistics::Batch);
        assert!(!out.state.hidden.is_require_grad());
        logits.extend(values(out.logits));
        state = Some(out.state);
        start += length;
    }
    logits
}

#[test]
fn a_stream_scored_whole_and_in_segments_agrees() {
    let configs = [
        LanguageConfig::derived(SIZE, genotype()),
        LanguageConfig::derived(SIZE, PublishedRecurrent::DartsV2.genotype().unwrap()),
        LanguageConfig {
            size: SIZE,
            cell: CellChoice::Lstm,
        },
    ];
    for config in configs {
        let net = config.init(&mut WeightInit::new(2), &device()).unwrap();
        let whole = in_segments(&net, &[24]);
        for lengths in [&[7, 17][..], &[1, 2, 21], &[8, 8, 8]] {
            assert_close(&whole, &in_segments(&net, lengths), 1e-5, "logits");
        }
        assert_ne!(
            in_segments(&net, &[1])[..],
            whole[SIZE.words * 3..SIZE.words * 6]
        );
    }
}

#[test]
fn networks_have_the_published_numbers_of_weights() {
    let published = |words, hidden| {
        let size = LanguageSize { words, hidden };
        let genotype = PublishedRecurrent::DartsV2.genotype().unwrap();
        LanguageConfig::derived(size, genotype)
    };
    assert_eq!(published(10_000, 850).weights(), 22_960_000);
    assert_eq!(published(33_278, 700).weights(), 33_127_878);
    assert_eq!(published(33_278, 850).weights(), 42_769_578);
    assert_eq!(published(10_000, 300).weights(), 4_810_000);
    // 10 products of 2 * 850 * 850 in the cell: each step reads one state.
    let products = 850 * 10_000 + 10 * 2 * 850 * 850;
    assert_eq!(published(10_000, 850).multiply_adds(), products);
    let lstm = LanguageConfig::lstm_of_weights(10_000, 22_960_000);
    assert!(lstm.weights().abs_diff(22_960_000) < 20_000, "{lstm:?}");

    let size = LanguageSize {
        words: 50,
        hidden: 9,
    };
    let supernet = LanguageSupernetConfig { size, ..config(8) };
    let init = &mut WeightInit::new(0);
    let net = supernet.init::<Train>(init, &device()).unwrap();
    let derived = published(50, 9);
    assert_eq!(count_weights(&net), derived.weights());
    let lstm = LanguageConfig {
        size,
        cell: CellChoice::Lstm,
    };
    for config in [derived, lstm] {
        let net = config.init::<Train>(init, &device()).unwrap();
        assert_eq!(count_weights(&net), config.weights());
    }
}

#[test]
fn a_child_computes_what_its_supernet_does_under_its_codes() {
    let net = supernet(3);
    let mode = ForwardMode::SCORE;
    let masks = dropped(4);
    for text in [
        "cell: tanh@0 | relu@1 | sigmoid@2",
        "cell: tanh@0 relu@0 | relu@1 identity@0 sigmoid@0 | sigmoid@2 tanh@1",
        "cell: tanh@0*0.5 relu@0*0.5 | relu@1*0.25 identity@0*0.75 | sigmoid@2",
    ] {
        let genotype: Genotype<RecurrentOperation> = text.parse().unwrap();
        let codes = Codes::of_genotype(&genotype, &config(3).space, &device());
        let table = &codes.tables[0];
        let expected = net.forward(words([5, 4]), table, carried(state(4)), &masks, mode);
        let child = net.inherit(&genotype, CellForm::Searched).unwrap();
        let found = child.forward(words([5, 4]), carried(state(4)), &masks, Statistics::Batch);
        assert_close(&values(expected.logits), &values(found.logits), 1e-6, text);
        let bare = net.inherit(&genotype, CellForm::Retrained).unwrap();
        let bare = bare.forward(words([5, 4]), carried(state(4)), &masks, Statistics::Batch);
        assert_ne!(values(found.hidden), values(bare.hidden));
    }
    let misfit = |text: &str| {
        let genotype = text.parse().unwrap();
        net.inherit(&genotype, CellForm::Searched)
            .unwrap_err()
            .to_string()
    };
    assert!(misfit("cell: tanh@0").contains("the supernet has 3"));
}

/// A derived weight is one over the size of the row's code, `none` included, which is what the supernet
/// weighs the operation with where states are not normalised.
#[test]
fn derived_weights_keep_the_share_of_none() {
    let space = SearchSpace::<RecurrentOperation> {
        nodes: 1,
        ..Default::default()
    };
    let egs = ArchitectureConfig {
        draws: 7,
        sampling: Sampling::PerNode,
        normalization: Normalization::Sum,
        ..Default::default()
    };
    let even = [vec![vec![0.3, 0.3, 0.3, 0.05, 0.05]]];
    let rule = DeriveRule::MostProbableCode;
    let key = NoiseKey::new(0, 0);
    let (genotype, codes) = derive_genotype(rule, &even, &space, &egs, key).unwrap();
    let kept = &genotype.cells[0].nodes[0];
    assert!(codes[0].active[0][0], "`none` was chosen");
    let share = 1.0 / (kept.len() + 1) as f64;
    assert!(
        kept.iter()
            .all(|entry| (entry.weight - share).abs() < 1e-12)
    );

    let net = LanguageSupernetConfig {
        space: space.clone(),
        ..config(1)
    };
    let net = net
        .init::<Train>(&mut WeightInit::new(1), &device())
        .unwrap();
    let run = |code: CodeTable<Train>, genotype: &Genotype<RecurrentOperation>| {
        let code = CellCode {
            table: &code,
            space: &space,
            normalization: StepNormalization::StepSum,
        };
        let cell = net.cell().clone().in_form(CellForm::Retrained);
        let inputs = Tensor::ones([2, 4, SIZE.hidden], &device());
        let masks = CellMasks::default();
        let own = cell.forward(inputs.clone(), state(4), code, &masks, ForwardMode::SCORE);
        let codes = Codes::of_genotype(genotype, &space, &device());
        let code = CellCode {
            table: &codes.tables[0],
            ..code
        };
        let child = cell.forward(inputs, state(4), code, &masks, ForwardMode::SCORE);
        (values(own.hidden), values(child.hidden))
    };
    let drawn = Codes::from_derived(&codes, &device()).tables.remove(0);
    let (own, child) = run(drawn, &genotype);
    assert_close(&own, &child, 1e-6, "hidden states");
}

#[test]
fn a_derived_cell_of_many_pairs_stays_bounded() {
    let steps: Vec<String> = (0..8)
        .map(|step| {
            let pair = |input: usize| format!("identity@{input} relu@{input}");
            (0..=step).map(pair).collect::<Vec<_>>().join(" ")
        })
        .collect();
    let genotype: Genotype<RecurrentOperation> =
        format!("cell: {}", steps.join(" | ")).parse().unwrap();
    let config = LanguageConfig::derived(SIZE, genotype);
    let net = config
        .init::<Train>(&mut WeightInit::new(2), &device())
        .unwrap();
    let masks = LanguageMasks::default();
    let out = net.forward(words([70, 2]), None, &masks, Statistics::Batch);
    assert!(values(out.hidden).iter().all(|value| value.abs() < 1.0));
}

#[test]
fn names_of_tensors_are_those_of_darts_and_misfits_are_named() {
    let config = LanguageConfig::derived(SIZE, genotype());
    let net = config
        .init::<Train>(&mut WeightInit::new(2), &device())
        .unwrap();
    let state = net.state_dict();
    let names: Vec<&str> = state.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "decoder.bias",
            "encoder.weight",
            "rnns.0._W0",
            "rnns.0._Ws.0",
            "rnns.0._Ws.1",
            "rnns.0._Ws.2"
        ]
    );
    let fresh = || {
        config
            .init::<Train>(&mut WeightInit::new(3), &device())
            .unwrap()
    };
    let loaded = fresh().load_state_dict(&state).unwrap();
    assert_eq!(loaded.state_dict(), state);
    let refused = |change: &dyn Fn(&mut supernet::StateDict)| {
        let mut state = state.clone();
        change(&mut state);
        fresh().load_state_dict(&state).unwrap_err().to_string()
    };
    let error = refused(&|state| drop(state.remove("rnns.0._W0")));
    assert!(error.contains("`rnns.0._W0` is missing"), "{error}");
    let error = refused(&|state| {
        let mut other = state["encoder.weight"].clone();
        other.values[0] += 1.0;
        state.insert("decoder.weight".into(), other);
    });
    assert!(error.contains("differs from `encoder.weight`"), "{error}");
    let error = refused(&|state| {
        let extra = state["decoder.bias"].clone();
        state.insert("rnns.0._Ws.3".into(), extra);
    });
    assert!(error.contains("is not part of the network"), "{error}");
}
