use supernet::Sampling;
use workbench::images::DatasetId;

use super::*;
use crate::tasks::ImageTask;

type Config = SearchConfig<ImageTask>;

fn default() -> Config {
    Config::resolve(None, &[]).unwrap()
}

fn file<'a>(name: &'a str, text: &'a str) -> Option<Source<'a>> {
    Some(Source { name, text })
}

fn refused(overrides: &[&str]) -> String {
    let overrides: Vec<String> = overrides.iter().map(|text| text.to_string()).collect();
    Config::resolve(None, &overrides).unwrap_err().to_string()
}

#[test]
fn the_default_is_valid_and_round_trips() {
    let config = default();
    let again = Config::resolve(file("again", &config.to_toml().unwrap()), &[]).unwrap();
    assert_eq!(config, again);
    assert_eq!(config.fingerprint().unwrap(), again.fingerprint().unwrap());
}

#[test]
fn the_papers_settings_are_valid() {
    let text = include_str!("../../../../configs/cifar10.toml");
    let config = Config::resolve(file("cifar10.toml", text), &[]).unwrap();
    assert_eq!((config.network.channels, config.network.cells), (16, 8));
    assert_eq!(config.search.epochs, 100);
}

#[test]
fn a_file_may_leave_fields_out_and_overrides_win() {
    let text =
        "seed = 3\n[search]\nepochs = 7\ntemperature = { shape = \"constant\", value = 2.0 }";
    let overrides = ["search.epochs=9".to_string(), "data.set=mnist_5k".into()];
    let config = Config::resolve(file("file", text), &overrides).unwrap();
    assert_eq!((config.seed, config.search.epochs), (3, 9));
    assert_eq!(config.data.set, DatasetId::Mnist5k);
    assert_eq!(config.search.temperature, Schedule::Constant { value: 2.0 });
    assert_eq!(config.network, default().network);
}

#[test]
fn a_method_brings_values_of_its_own_that_files_and_overrides_replace() {
    let resolve = |text: &str, set: &[&str]| {
        let set: Vec<String> = set.iter().map(|text| text.to_string()).collect();
        Config::resolve(file("file", text), &set).unwrap()
    };
    let darts = resolve("[search]\nmethod = \"darts\"", &[]);
    assert_eq!(darts.search.derive, DeriveRule::DartsTop2);
    assert_eq!(darts.architecture.draws, 1);
    // What a run folder keeps is complete: it means the same when it is read again.
    assert_eq!(resolve(&darts.to_toml().unwrap(), &[]), darts);
    let gdas = resolve(
        "[search]\nmethod = \"darts\"\nexecution = \"dense\"",
        &["search.method=gdas", "search.derive=argmax-per-edge"],
    );
    assert_eq!(gdas.search.derive, DeriveRule::ArgmaxPerEdge);
    assert_eq!(
        gdas.search.execution,
        Execution::Sampled,
        "dense was meant for darts"
    );
    // The paper's file normalises codes; a mixture has none.
    let paper = include_str!("../../../../configs/cifar10.toml");
    let mixture = resolve(paper, &["search.method=darts"]);
    assert_eq!(mixture.architecture.normalization, Normalization::None);
    // It samples by node, too; a mixture is one of the operations on an edge.
    for method in ["darts", "snas", "gdas"] {
        let config = resolve(paper, &[&format!("search.method={method}")]);
        assert_eq!(config.architecture.sampling, Sampling::PerEdge, "{method}");
    }
    assert_eq!(mixture.network, resolve(paper, &[]).network);
    assert_eq!(resolve(paper, &["search.method=egs"]), resolve(paper, &[]));
    let random = resolve("", &["search.method=random", "architecture.draws=7"]);
    assert_eq!(random.search.derive, DeriveRule::SampledCode);
    assert_eq!(random.architecture.draws, 7);
}

#[test]
fn what_contradicts_the_method_is_refused() {
    let cases: [(&[&str], &str); 13] = [
        (
            &["search.method=random", "alpha.cost_penalty=0.1"],
            "`alpha.cost_penalty` is 0.1; valid: 0 with `search.method` random",
        ),
        (
            &["search.method=darts", "alpha.distribution_penalty=0.5"],
            "`alpha.distribution_penalty` is 0.5; valid: 0 with `search.method` darts",
        ),
        (&["alpha.cost_penalty=-1.0"], "`alpha.cost_penalty` is -1"),
        (
            &["search.method=gdas", "architecture.draws=4"],
            "`architecture.draws` is 4; valid: 1 with `search.method` gdas",
        ),
        (&["search.method=snas", "architecture.draws=2"], "valid: 1"),
        (
            &["search.method=darts", "search.execution=sampled"],
            "`search.execution` is sampled; valid: exact-sparse or dense",
        ),
        (
            &["search.method=darts", "architecture.normalization=sum"],
            "`architecture.normalization` is sum; valid: none",
        ),
        (
            &["alpha.second_order=true"],
            "valid: false with `search.method` egs",
        ),
        (
            &["search.method=random", "search.derive=most-probable-code"],
            "valid: sampled-code with `search.method` random",
        ),
        (
            &[
                "search.method=darts",
                "alpha.second_order=true",
                "search.checkpoint_cells=true",
            ],
            "`search.checkpoint_cells` is true; valid: false where",
        ),
        (&["search.precision=f16"], "valid: f32 or bf16"),
        (
            &["search.precision=bf16", "search.checkpoint_cells=true"],
            "`search.precision` is bf16; valid: f32 with",
        ),
        (&["search.method=dart"], "did you mean `darts`"),
    ];
    for (overrides, expected) in cases {
        let error = refused(overrides);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn each_refusal_names_field_value_and_what_is_valid() {
    let cases: [(&[&str], &str); 9] = [
        (
            &["architecture.draws=0"],
            "`architecture.draws` is 0; valid: 1 or more",
        ),
        (
            &["search.temperature={shape=\"linear\",from=5.0,to=-1.0}"],
            "`search.temperature` is -1",
        ),
        (&["search.epochs=0"], "`search.epochs` is 0"),
        (&["search.batch_size=1"], "`search.batch_size` is 1"),
        (
            &["data.weights_fraction=1.0"],
            "`data.weights_fraction` is 1",
        ),
        (&["weights.clip_norm=nan"], "`weights.clip_norm` is NaN"),
        (&["network.cells=0"], "`network.cells` is 0"),
        (&["serach.epochs=3"], "did you mean `search`"),
        (&["search.epoch=3"], "did you mean `epochs`"),
    ];
    for (overrides, expected) in cases {
        let error = refused(overrides);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn skips_can_be_limited_and_no_limit_changes_no_fingerprint() {
    let set = |text: &str| Config::resolve(None, &[text.to_string()]).unwrap();
    let limited = set("search.max_skips=2");
    assert_eq!(limited.search.max_skips, Some(2));
    let again = Config::resolve(file("again", &limited.to_toml().unwrap()), &[]).unwrap();
    assert_eq!(again, limited);
    assert!(!default().to_toml().unwrap().contains("max_skips"));
    assert_ne!(
        limited.fingerprint().unwrap(),
        default().fingerprint().unwrap()
    );
    let message = refused(&[
        "search.max_skips=0",
        "space.operations=[\"none\", \"skip_connect\"]",
    ]);
    assert!(message.contains("`search.max_skips` is 0"), "{message}");
}

#[test]
fn further_operations_can_be_searched_and_are_not_by_default() {
    use supernet::Operation;
    let config = |text: &str| Config::resolve(None, &[text.to_string()]).unwrap();
    assert_eq!(default().space.operations, Operation::DARTS);
    let chosen = config("space.operations=[\"skip_connect\", \"sep_conv_7x7\", \"conv_7x1_1x7\"]");
    assert_eq!(chosen.space.operations.len(), 3);
}
