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
fn a_run_is_called_as_its_data_unless_it_has_a_name() {
    let name = |text: &str, set: &[&str]| {
        let set: Vec<String> = set.iter().map(|text| text.to_string()).collect();
        Config::resolve(file("file", text), &set).unwrap().name
    };
    assert_eq!(name("", &[]), "digits");
    assert_eq!(name("", &["data.set=mnist_5k"]), "mnist_5k");
    assert_eq!(
        name("[data]\nset = \"mnist_5k\"", &["data.set=cifar10"]),
        "cifar10"
    );
    assert_eq!(name("name = \"mine\"", &["data.set=mnist_5k"]), "mine");
    assert_eq!(name("name = \"mine\"", &["name=yours"]), "yours");
    for blank in ["name=", "name=\"  \""] {
        let message = refused(&[blank]);
        assert!(message.contains("`name` is \""), "{message}");
    }
}

/// The default with its optional fields, which are commented out.
fn with_optional_fields() -> String {
    let uncommented = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if rest.split(' ').nth(1) == Some("=") => rest.to_string(),
        _ => line.to_string(),
    };
    let lines: Vec<String> = <ImageTask as crate::Task>::DEFAULTS
        .lines()
        .map(uncommented)
        .collect();
    lines.join("\n")
}

/// The fields that a section has, as the error about one that it lacks says.
fn fields_of(section: &str) -> Vec<String> {
    let field = format!("{section}.unknown_field=1");
    let message = refused(&[field.trim_start_matches('.')]);
    let (_, valid) = message.rsplit_once("alid: ").unwrap();
    valid.split(", ").map(String::from).collect()
}

#[test]
fn the_printed_default_has_every_field_and_is_valid_with_the_optional_ones() {
    let text = with_optional_fields();
    Config::resolve(file("printed", &text), &[]).unwrap();
    let table: Table = text.parse().unwrap();
    let inside = |section: &str| {
        let mut names = section.split('.').filter(|name| !name.is_empty());
        names.try_fold(&table, |table, name| table.get(name)?.as_table())
    };
    for section in [
        "",
        "data",
        "data.folder",
        "data.augment",
        "network",
        "space",
        "architecture",
        "search",
        "weights",
        "alpha",
    ] {
        let printed = inside(section).unwrap();
        let fields = fields_of(section);
        assert!(fields.len() > 1, "{fields:?}");
        for field in fields {
            // Only a run that was extended has it.
            let printed = printed.contains_key(&field) || field == "extension";
            assert!(printed, "`{field}` of [{section}] is not printed");
        }
    }
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
fn a_data_set_brings_values_of_its_own_below_those_that_are_given() {
    let resolve = |text: &str, set: &[&str]| {
        let set: Vec<String> = set.iter().map(|text| text.to_string()).collect();
        Config::resolve(file("file", text), &set).unwrap()
    };
    let folder = resolve("", &["data.set=folder"]);
    assert_eq!(
        (folder.data.folder.size, folder.name.as_str()),
        (48, "folder")
    );
    assert_eq!((folder.network.channels, folder.search.batch_size), (8, 16));
    assert!(folder.data.augment.flip);
    // The file's own fields stand, although the option names another set than it.
    let text =
        "name = \"mine\"\n[data]\nset = \"digits\"\nfolder = { size = 64 }\n[search]\nepochs = 7";
    let mixed = resolve(text, &["data.set=folder", "network.channels=12"]);
    assert_eq!((mixed.data.folder.size, mixed.name.as_str()), (64, "mine"));
    assert_eq!((mixed.search.epochs, mixed.network.channels), (7, 12));
    assert_eq!(
        mixed.data.folder.training_crop,
        folder.data.folder.training_crop
    );
    // What a run folder keeps means the same when it is read again.
    for config in [
        &folder,
        &mixed,
        &resolve("", &["data.set=folder", "data.augment.flip=false"]),
    ] {
        assert_eq!(resolve(&config.to_toml().unwrap(), &[]), *config);
    }
    // A method's values are laid as ever.
    let darts = resolve("", &["data.set=folder", "search.method=darts"]);
    assert_eq!((darts.architecture.draws, darts.data.folder.size), (1, 48));
    assert!(resolve("", &["data.set=cifar10"]).data.augment.flip);
    let mnist = resolve("", &["data.set=mnist_5k"]);
    let expected = Config {
        name: "mnist_5k".into(),
        data: mnist.data.clone(),
        ..default()
    };
    assert_eq!(mnist, expected);
    assert_eq!(resolve("", &["data.set=digits"]), default());
}

#[test]
fn a_folder_without_the_name_of_a_set_says_what_it_is() {
    let root = tempfile::tempdir().unwrap();
    let set = |files: &[&str]| {
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let root = format!("data.root=\"{}\"", root.path().display());
        let config = Config::resolve(None, &[root]).unwrap();
        (config.data.set, config.search.batch_size)
    };
    assert_eq!(set(&[]).0, DatasetId::Folder);
    // A fifth of 20 pictures is for test; a quarter of the others makes a batch.
    let pictures: Vec<String> = (0..20).map(|at| format!("{}/{at}.jpg", at % 2)).collect();
    let pictures: Vec<&str> = pictures.iter().map(String::as_str).collect();
    assert_eq!(set(&pictures), (DatasetId::Folder, 4));
    assert_eq!(set(&["train.bin"]).0, DatasetId::Cifar100);
    assert_eq!(
        set(&["cifar-10-batches-py/data_batch_1"]).0,
        DatasetId::Cifar10
    );
    assert_eq!(set(&["mnist_5k.csv.gz"]), (DatasetId::Mnist5k, 64));
    assert_eq!(set(&["digits.csv.gz"]), (DatasetId::Digits, 64));
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
