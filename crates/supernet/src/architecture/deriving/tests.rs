use super::{super::Sampling, *};
use crate::{Genotype, GenotypeOp, Operation, SearchSpace};

fn space() -> SearchSpace {
    SearchSpace {
        nodes: 2,
        operations: vec![
            Operation::None,
            Operation::SkipConnect,
            Operation::SepConv3x3,
        ],
    }
}

fn config(sampling: Sampling, normalization: Normalization) -> ArchitectureConfig {
    ArchitectureConfig {
        draws: 2,
        sampling,
        normalization,
        ..Default::default()
    }
}

fn derived(rule: DeriveRule, p: &[Vec<Vec<f64>>], seed: u64) -> Genotype {
    let config = config(Sampling::PerEdge, Normalization::None);
    let key = NoiseKey::new(seed, 0);
    let (genotype, _) = derive_genotype(rule, p, &space(), &config, key).unwrap();
    genotype.validate().unwrap();
    genotype
}

fn most_probable(
    p: &[Vec<Vec<f64>>],
    config: &ArchitectureConfig,
) -> (Genotype, Vec<DerivedCodes>) {
    let (rule, key) = (DeriveRule::MostProbableCode, NoiseKey::new(0, 0));
    derive_genotype(rule, p, &space(), config, key).unwrap()
}

/// Rows of edges 0 and 1 of node 0, then 0, 1 and 2 of node 1; none, skip, sep.
fn by_hand() -> [Vec<Vec<f64>>; 2] {
    let rows = vec![
        vec![0.8, 0.15, 0.05],
        vec![0.2, 0.35, 0.45],
        vec![0.1, 0.5, 0.4],
        vec![0.7, 0.2, 0.1],
        vec![0.9, 0.0, 0.1],
    ];
    let tied = vec![
        vec![0.5, 0.25, 0.25],
        vec![0.5, 0.25, 0.25],
        vec![0.5, 0.2, 0.3],
        vec![0.4, 0.3, 0.3],
        vec![0.0, 0.3, 0.7],
    ];
    [rows, tied]
}

#[test]
fn the_rule_of_darts_keeps_two_edges_of_a_node_and_ignores_none() {
    let genotype = derived(DeriveRule::DartsTop2, &by_hand(), 0);
    let normal = "skip_connect@0 sep_conv_3x3@1 | skip_connect@0 skip_connect@1";
    assert_eq!(genotype.cells[0].to_string(), normal);
    // Equal ones in their order: skip before sep, edge 0 before edge 1.
    let reduce = "skip_connect@0 skip_connect@1 | sep_conv_3x3@0 sep_conv_3x3@2";
    assert_eq!(genotype.cells[1].to_string(), reduce);
}

#[test]
fn the_argmax_drops_the_edges_of_none_and_never_empties_a_node() {
    let genotype = derived(DeriveRule::ArgmaxPerEdge, &by_hand(), 0);
    let normal = "sep_conv_3x3@1 | skip_connect@0";
    assert_eq!(genotype.cells[0].to_string(), normal);
    assert_eq!(genotype.cells[1].nodes[0].len(), 1);
    assert_eq!(
        genotype.cells[1].nodes[1],
        [GenotypeOp::new(Operation::SepConv3x3, 2)]
    );
}

#[test]
fn sampled_codes_follow_the_law_and_the_seed() {
    let p = by_hand();
    let sample = |seed| derived(DeriveRule::SampledCode, &p, seed);
    assert_eq!(sample(3), sample(3));
    // Node 1, edge 0: skip is on in a code of two draws with probability 1 - 0.5^2.
    let kept = (0..2_000).filter(|&seed| {
        let skip = GenotypeOp::new(Operation::SkipConnect, 0);
        sample(seed).cells[0].nodes[1].contains(&skip)
    });
    // Five standard deviations of a binomial: 2000 trials, probability 0.75.
    assert!((kept.count() as f64 - 1_500.0).abs() < 97.0);
}

#[test]
fn an_edge_keeps_every_operation_of_its_most_probable_code() {
    // P({1,2}) = 2 * 0.5 * 0.45 = 0.45 is more than 0.25 and 0.2025.
    let row = vec![0.05, 0.5, 0.45];
    let p = [vec![row.clone(); 5], vec![row; 5]];
    let config = config(Sampling::PerEdge, Normalization::None);
    let (genotype, _) = most_probable(&p, &config);
    let both = "skip_connect@0 sep_conv_3x3@0 skip_connect@1 sep_conv_3x3@1";
    assert_eq!(
        genotype.cells[0].to_string().split(" | ").next().unwrap(),
        both
    );
    genotype.validate().unwrap();
}

#[test]
fn a_node_of_nones_gets_its_most_probable_operation() {
    let mut rows = vec![vec![0.98, 0.01, 0.01]; 5];
    rows[1] = vec![0.97, 0.01, 0.02];
    let p = [rows.clone(), rows];
    let config = config(Sampling::PerEdge, Normalization::None);
    let (genotype, _) = most_probable(&p, &config);
    assert_eq!(
        genotype.cells[0].nodes[0],
        [GenotypeOp::new(Operation::SepConv3x3, 1)]
    );
}

#[test]
fn a_node_row_shares_its_weight_among_all_its_operations() {
    // Node 0: one row of 6 entries; node 1: one row of 9.
    let mut rows = vec![vec![0.0, 0.5, 0.0], vec![0.0, 0.0, 0.5]];
    rows.extend([
        vec![0.0, 0.0, 0.0],
        vec![0.0, 0.0, 1.0],
        vec![0.0, 0.0, 0.0],
    ]);
    let p = [rows.clone(), rows];
    let config = config(Sampling::PerNode, Normalization::Sum);
    let (genotype, _) = most_probable(&p, &config);
    let text = "skip_connect@0*0.5 sep_conv_3x3@1*0.5 | sep_conv_3x3@1";
    assert_eq!(genotype.cells[0].to_string(), text);
}

fn with_few_skips(
    rule: DeriveRule,
    most: usize,
    sampling: Sampling,
) -> (Genotype, Vec<DerivedCodes>) {
    let config = config(sampling, Normalization::None);
    let deriving = Deriving {
        rule,
        max_skips: Some(most),
    };
    // A row of the estimator is a node's.
    let share = |mut table: Vec<Vec<f64>>| {
        if sampling == Sampling::PerNode {
            for (edge, row) in table.iter_mut().enumerate() {
                let edges = if edge < 2 { 2.0 } else { 3.0 };
                row.iter_mut().for_each(|p| *p /= edges);
            }
        }
        table
    };
    let p = by_hand().map(share);
    derive_genotype(deriving, &p, &space(), &config, NoiseKey::new(0, 0)).unwrap()
}

#[test]
fn skips_beyond_the_limit_give_way_weakest_first_in_the_normal_cell() {
    let top2 = |most| with_few_skips(DeriveRule::DartsTop2, most, Sampling::PerEdge).0;
    let free = derived(DeriveRule::DartsTop2, &by_hand(), 0);
    assert_eq!(top2(3), free);
    // Of edges 0 (0.15), 2 (0.5) and 3 (0.2): edge 0 first, then edge 3.
    let normal = |most| top2(most).cells[0].to_string();
    assert_eq!(
        normal(2),
        "sep_conv_3x3@0 sep_conv_3x3@1 | skip_connect@0 skip_connect@1"
    );
    // Edge 3's convolution is as probable as edge 4's, and comes first.
    assert_eq!(
        normal(1),
        "sep_conv_3x3@0 sep_conv_3x3@1 | skip_connect@0 sep_conv_3x3@1"
    );
    assert_eq!(
        normal(0),
        "sep_conv_3x3@0 sep_conv_3x3@1 | sep_conv_3x3@0 sep_conv_3x3@1"
    );
    assert_eq!(
        top2(0).cells[1],
        free.cells[1],
        "the reduction cell is left alone"
    );
}

#[test]
fn every_rule_keeps_the_limit_and_codes_agree_with_cells() {
    for rule in [
        DeriveRule::MostProbableCode,
        DeriveRule::DartsTop2,
        DeriveRule::ArgmaxPerEdge,
        DeriveRule::SampledCode,
    ] {
        for sampling in [Sampling::PerEdge, Sampling::PerNode] {
            for most in 0..4 {
                let (genotype, codes) = with_few_skips(rule, most, sampling);
                genotype.validate().unwrap();
                let cell = &genotype.cells[0];
                let skips = cell
                    .operations()
                    .filter(|entry| entry.op == Operation::SkipConnect);
                assert!(
                    skips.count() <= most,
                    "{rule:?} {sampling:?} {most}: {cell}"
                );
                let on = |edge: usize| codes[0].active[edge][1];
                assert!((0..5).filter(|&edge| on(edge)).count() <= most);
            }
        }
    }
}

#[test]
fn a_skip_stays_where_there_is_nothing_else() {
    let config = config(Sampling::PerEdge, Normalization::None);
    let skips = |rule, row: Vec<f64>, operations: &[Operation]| {
        let deriving = Deriving {
            rule,
            max_skips: Some(0),
        };
        let space = SearchSpace {
            nodes: 2,
            operations: operations.to_vec(),
        };
        let p = [vec![row.clone(); 5], vec![row; 5]];
        let key = NoiseKey::new(0, 0);
        let (genotype, _) = derive_genotype(deriving, &p, &space, &config, key).unwrap();
        let cell = genotype.cells[0].operations();
        let skips = cell.filter(|entry| entry.op == Operation::SkipConnect);
        skips.count()
    };
    let none_or_skip = [Operation::None, Operation::SkipConnect];
    for rule in [DeriveRule::DartsTop2, DeriveRule::MostProbableCode] {
        assert!(skips(rule, vec![0.5, 0.5], &none_or_skip) > 0);
    }
    let row = vec![0.0, 1.0, 0.0];
    assert_eq!(
        skips(DeriveRule::MostProbableCode, row, &space().operations),
        0
    );
}
