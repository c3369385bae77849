//! A space of other operations than the convolutions: one kind of cell, one input.

use burn::tensor::Tensor;
use burn_flex::{Flex, FlexDevice};
use egs_core::{Activation, NoiseKey, Normalization};
use supernet::{
    Architecture, ArchitectureConfig, CellGenotype, Codes, DeriveRule, DerivedCodes, Genotype,
    GenotypeOp, OperationSet, Relaxation, Sampling, SearchSpace, SupernetError, WeightInit,
    derive_genotype,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Nothing,
    Tanh,
    Identity,
}

impl OperationSet for Gate {
    const ALL: &'static [Self] = &[Gate::Nothing, Gate::Tanh, Gate::Identity];
    const NONE: Option<Self> = Some(Gate::Nothing);
    const CELLS: &'static [&'static str] = &["cell"];
    const INPUTS: usize = 1;

    fn name(self) -> &'static str {
        match self {
            Gate::Nothing => "nothing",
            Gate::Tanh => "tanh",
            Gate::Identity => "identity",
        }
    }
}

/// Edges 0 into node 0; 1 and 2 into node 1; 3, 4 and 5 into node 2.
fn space() -> SearchSpace<Gate> {
    SearchSpace {
        nodes: 3,
        ..Default::default()
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

fn architecture() -> Architecture<Flex> {
    let mut init = WeightInit::new(4);
    Architecture::new(&space(), Activation::Relu, &mut init, &FlexDevice)
}

fn host<const D: usize>(tensor: Tensor<Flex, D>) -> Vec<f32> {
    tensor.into_data().to_vec().unwrap()
}

#[test]
fn edges_are_counted_from_one_input() {
    let space = space();
    space.validate().unwrap();
    assert_eq!((space.edges(), space.ops()), (6, 3));
    let edges: Vec<_> = (0..3)
        .map(|n| space.first_edge(n)..space.first_edge(n + 1))
        .collect();
    assert_eq!(edges, [0..1, 1..3, 3..6]);
    let rows = config(Sampling::PerNode, Normalization::None).rows(&space);
    assert_eq!(rows, edges);
    let useless = SearchSpace {
        operations: vec![Gate::Nothing],
        ..space
    };
    let error = useless.validate().unwrap_err().to_string();
    assert!(error.contains("nothing, tanh, identity"), "{error}");
}

#[test]
fn a_space_is_written_and_read_by_names() {
    let json = serde_json::to_string(&space()).unwrap();
    assert_eq!(
        json,
        r#"{"nodes":3,"operations":["nothing","tanh","identity"]}"#
    );
    assert_eq!(
        serde_json::from_str::<SearchSpace<Gate>>(&json).unwrap(),
        space()
    );
    let error = serde_json::from_str::<SearchSpace<Gate>>(r#"{"operations": ["tan"]}"#);
    let error = error.unwrap_err().to_string();
    let expected = "unknown operation `tan`, did you mean `tanh`?; valid operations: nothing, tanh";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn there_is_one_table_of_logits_and_of_codes() {
    let architecture = architecture();
    assert_eq!(architecture.logits.dims(), [1, 6, 3]);
    for sampling in [Sampling::PerEdge, Sampling::PerNode] {
        for normalization in [Normalization::None, Normalization::Sum] {
            let config = config(sampling, normalization);
            let probabilities = architecture.probabilities(&config);
            assert_eq!(probabilities.len(), 1);
            for row in config.rows(&space()) {
                let sum: f64 = probabilities[0][row].iter().flatten().sum();
                assert!((sum - 1.0).abs() < 1e-6, "{sampling:?}: {sum}");
            }
            for relaxation in [Relaxation::Code, Relaxation::Relaxed, Relaxation::Mixture] {
                let sample = architecture.relax(relaxation, &config, 1.0, NoiseKey::new(1, 2));
                let [table] = sample.unwrap().codes.tables.try_into().unwrap();
                assert_eq!(table.active.len(), 6);
                let weights = host(table.weights.unwrap());
                for (on, weight) in table.active.concat().into_iter().zip(weights) {
                    assert_eq!(on, weight > 0.0);
                }
            }
        }
    }
}

/// Each row has noise of its own, and which it is does not change with the other rows.
#[test]
fn rows_of_noise_are_numbered_in_order() {
    let (architecture, space) = (architecture(), space());
    let key = NoiseKey::new(7, 3);
    for sampling in [Sampling::PerEdge, Sampling::PerNode] {
        let config = config(sampling, Normalization::Sum);
        let sample = architecture.sample(&config, 0.8, key).unwrap();
        let weights = sample.codes.tables[0].weights.clone().unwrap();
        for (number, row) in config.rows(&space).into_iter().enumerate() {
            let logits = architecture.logits.val().narrow(1, row.start, row.len());
            let logits: Tensor<Flex, 2> = logits.reshape([1, row.len() * 3]);
            let key = key.with_first_row(number as u32);
            let alone = config.estimator(0.8).unwrap().sample(logits, key).unwrap();
            let together = weights.clone().narrow(0, row.start, row.len());
            assert_eq!(host(alone.weights), host(together), "{sampling:?} {number}");
        }
    }
}

/// Nothing, tanh, identity on each edge.
fn by_hand() -> Vec<Vec<Vec<f64>>> {
    vec![vec![
        vec![0.8, 0.15, 0.05],
        vec![0.2, 0.35, 0.45],
        vec![0.1, 0.5, 0.4],
        vec![0.7, 0.2, 0.1],
        vec![0.2, 0.1, 0.7],
        vec![0.9, 0.1, 0.0],
    ]]
}

fn derive(rule: DeriveRule, key: NoiseKey) -> (Genotype<Gate>, Vec<DerivedCodes>) {
    let config = config(Sampling::PerEdge, Normalization::None);
    let derived = derive_genotype(rule, &by_hand(), &space(), &config, key).unwrap();
    derived.0.validate().unwrap();
    derived
}

#[test]
fn every_rule_derives_one_cell() {
    let key = NoiseKey::new(0, 0);
    let text = |rule| derive(rule, key).0.to_string();
    // One input, so one edge of a node is kept.
    let kept = "cell: tanh@0 | tanh@1 | identity@1";
    assert_eq!(text(DeriveRule::DartsTop2), kept);
    let argmax = "cell: tanh@0 | identity@0 tanh@1 | identity@1";
    assert_eq!(text(DeriveRule::ArgmaxPerEdge), argmax);
    // Two draws: a pair has 2 p q, one operation alone p^2.
    let codes = "cell: tanh@0 | tanh@0 identity@0 tanh@1 identity@1 | identity@1";
    assert_eq!(text(DeriveRule::MostProbableCode), codes);
    let sampled = |seed| derive(DeriveRule::SampledCode, NoiseKey::new(seed, 0));
    assert_eq!(sampled(1), sampled(1));
    assert!((2..20).any(|seed| sampled(seed) != sampled(1)));

    let (_, derived) = derive(DeriveRule::MostProbableCode, key);
    let codes = Codes::<Flex>::from_derived(&derived, &FlexDevice);
    assert_eq!(codes.tables.len(), 1);
    assert_eq!(codes.tables[0].active, derived[0].active);
}

#[test]
fn a_node_shares_its_weight_among_its_operations() {
    let mut probabilities = vec![vec![vec![0.0; 3]; 6]];
    probabilities[0][0][1] = 1.0;
    probabilities[0][1][1] = 0.5;
    probabilities[0][2][2] = 0.5;
    probabilities[0][5][2] = 1.0;
    let config = config(Sampling::PerNode, Normalization::Sum);
    let (rule, key) = (DeriveRule::MostProbableCode, NoiseKey::new(0, 0));
    let (genotype, _) = derive_genotype(rule, &probabilities, &space(), &config, key).unwrap();
    let text = "cell: tanh@0 | tanh@0*0.5 identity@1*0.5 | identity@2";
    assert_eq!(genotype.to_string(), text);
}

#[test]
fn each_table_has_noise_of_its_own() {
    let config = config(Sampling::PerEdge, Normalization::None);
    let twice = [by_hand(), by_hand()].concat();
    let key = NoiseKey::new(5, 0).with_first_row(2);
    let rule = DeriveRule::SampledCode;
    let (_, both) = derive_genotype(rule, &twice, &space(), &config, key).unwrap();
    assert_eq!(both[0], derive(rule, key).1[0]);
    assert_eq!(both[1], derive(rule, key.with_first_row(2 + 6)).1[0]);
}

#[test]
fn a_genotype_has_a_text_and_a_json_form() {
    let text = "cell: tanh@0 | tanh@0*0.5 identity@1*0.5";
    let genotype: Genotype<Gate> = text.parse().unwrap();
    let weighted = |op, input| GenotypeOp {
        op,
        input,
        weight: 0.5,
    };
    let nodes = vec![
        vec![GenotypeOp::new(Gate::Tanh, 0)],
        vec![weighted(Gate::Tanh, 0), weighted(Gate::Identity, 1)],
    ];
    assert_eq!(genotype.cells, [CellGenotype::new(nodes)]);
    assert_eq!((genotype.to_string().as_str(), genotype.nodes()), (text, 2));
    let names: Vec<_> = genotype.named_cells().map(|(name, _)| name).collect();
    assert_eq!(names, ["cell"]);
    let json = serde_json::to_string(&genotype).unwrap();
    let expected = r#"{"cell":[[{"op":"tanh","input":0}],[{"op":"tanh","input":0,"weight":0.5},{"op":"identity","input":1,"weight":0.5}]]}"#;
    assert_eq!(json, expected);
    assert_eq!(
        serde_json::from_str::<Genotype<Gate>>(&json).unwrap(),
        genotype
    );
    assert_eq!(Genotype::<Gate>::parse("file", &json).unwrap(), genotype);
}

#[test]
fn a_genotype_that_does_not_fit_is_refused() {
    let cases = [
        (
            "cell: tanh@1",
            "cell, node 0: `tanh@1` reads input 1; valid inputs: 0 to 0",
        ),
        ("cell: nothing@0", "`nothing` is not kept"),
        (
            "cell: tan@0",
            "cell, node 0: unknown operation `tan`, did you mean `tanh`",
        ),
        ("cell: tanh", "valid: `tanh@0`"),
        ("normal: tanh@0", "valid: a line `cell: ...`"),
        ("", "no line `cell: ...`"),
        (
            r#"{"normal": []}"#,
            "unknown field `normal`; valid: `cell`, `cell_concat`",
        ),
        ("{}", "missing field `cell`"),
        (
            r#"{"cell": [[{"op": "sin", "input": 0}]]}"#,
            "cell, node 0: unknown operation `sin`; valid operations: nothing, tanh, identity",
        ),
    ];
    for (text, expected) in cases {
        let error = Genotype::<Gate>::parse("file", text)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("file: ") && error.contains(expected),
            "{error}"
        );
    }
    let cells = Vec::new();
    let error = Genotype::<Gate> { cells }.validate().unwrap_err();
    assert!(matches!(error, SupernetError::Genotype { .. }), "{error}");
}

/// Two tables in one parameter begin where two parameters began that were drawn one after the other.
#[test]
fn stacked_tables_are_drawn_one_after_the_other() {
    use supernet::Operation;
    let space = SearchSpace::<Operation> {
        nodes: 3,
        ..Default::default()
    };
    let architecture = Architecture::<Flex>::new(
        &space,
        Activation::Relu,
        &mut WeightInit::new(11),
        &FlexDevice,
    );
    assert_eq!(architecture.logits.dims(), [2, 9, 8]);
    let mut init = WeightInit::new(11);
    let mut table = || init.normal::<Flex, 2>([9, 8], 1.0, 1e-3, &FlexDevice);
    let tables = [table(), table()].map(|table| host(table.val()));
    assert_eq!(host(architecture.logits.val()), tables.concat());
}
