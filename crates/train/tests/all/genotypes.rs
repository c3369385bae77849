//! Genotypes as people have them, given to the commands.

use std::path::Path;
use std::process::{Command, Output};

use supernet::Published;
use train::FitConfig;
use train::tasks::image::ImageRecipe;

fn train(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_train"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// The weights that `count` prints.
fn counted(folder: &Path, genotype: &str) -> usize {
    let output = train(folder, &["count", genotype]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{genotype}: {message}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().last().unwrap();
    last.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn refused(folder: &Path, arguments: &[&str], expected: &[&str]) {
    let output = train(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert_eq!(message.trim().lines().count(), 1, "one sentence: {message}");
    for part in expected {
        assert!(message.contains(part), "should name `{part}`: {message}");
    }
}

const PDARTS: &str = "Genotype(normal=[('skip_connect', 0), ('dil_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 0), ('dil_conv_5x5', 4)], normal_concat=range(2, 6), reduce=[('avg_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2), ('max_pool_3x3', 0), ('dil_conv_3x3', 1), ('dil_conv_3x3', 1), ('dil_conv_5x5', 3)], reduce_concat=range(2, 6))";
/// As PyTorch counts them (36 channels, 20 cells, without the head).
const PDARTS_WEIGHTS: usize = 3_433_798;
const TINY: &str =
    "Genotype(normal=[[('conv_3x3', 0)]], reduce=[[('max_pool_3x3', 0), ('max_pool_3x3', 1)]])";

#[test]
fn count_takes_a_genotype_as_it_was_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(PDARTS.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for (name, bytes) in [
        ("pdarts.txt", PDARTS.into()),
        (
            "genotypes.py",
            format!("# cells\r\nPDARTS = {PDARTS}\r\n").into(),
        ),
        (
            "log.txt",
            format!("08/28 01:00:00 PM genotype = {PDARTS}\n").into(),
        ),
        ("utf16.txt", utf16),
        (
            "result.json",
            serde_json::json!({"genotype": PDARTS})
                .to_string()
                .into_bytes(),
        ),
    ] {
        std::fs::write(path.join(name), bytes).unwrap();
        assert_eq!(counted(path, name), PDARTS_WEIGHTS, "{name}");
    }
    for name in [PDARTS, "p-darts", "PDARTS"] {
        assert_eq!(counted(path, name), PDARTS_WEIGHTS, "{name}");
    }
    assert_eq!(counted(path, "nasnet-a"), 3_830_950);
    assert_eq!(counted(path, "amoebanet-a"), 3_145_078);

    std::fs::write(
        path.join("two.py"),
        format!("TINY = {TINY}\nPDARTS = {PDARTS}\n"),
    )
    .unwrap();
    refused(
        path,
        &["count", "two.py"],
        &[
            "two.py: holds 2 genotypes",
            "`two.py#PDARTS`",
            "TINY, PDARTS",
        ],
    );
    for choice in ["two.py#PDARTS", "two.py#2"] {
        assert_eq!(counted(path, choice), PDARTS_WEIGHTS);
    }
    refused(
        path,
        &["count", "two.py#DARTS"],
        &["no genotype `DARTS`", "TINY, PDARTS"],
    );
    refused(
        path,
        &["count", "three.py#PDARTS"],
        &["cannot read `three.py#PDARTS`"],
    );
    refused(
        path,
        &["count", "pdart"],
        &[
            "unknown genotype `pdart`, did you mean `p-darts`?",
            "nasnet-a",
            "a file",
        ],
    );
    std::fs::write(path.join("odd.txt"), TINY.replace("conv_3x3", "conv_9x9")).unwrap();
    refused(
        path,
        &["count", "odd.txt"],
        &[
            "odd.txt: normal cell, node 0: unknown operation `conv_9x9`",
            "conv_7x1_1x7",
        ],
    );
    std::fs::write(path.join("weights.pt"), [0x80, 0x02, 0xff]).unwrap();
    refused(
        path,
        &["count", "weights.pt"],
        &["cannot read `weights.pt`", "no text"],
    );
}

#[test]
fn a_configuration_takes_one_of_several_in_a_file_and_keeps_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("two.py");
    std::fs::write(&file, format!("TINY = {TINY}\nPDARTS = {PDARTS}\n")).unwrap();
    let resolve = |genotype: &str| {
        let set = [format!("genotype={}", toml::Value::String(genotype.into()))];
        FitConfig::<ImageRecipe>::resolve(None, &set).unwrap()
    };
    let config = resolve(&format!("{}#PDARTS", file.display()));
    assert_eq!(config.genotype, Published::PDarts.genotype().unwrap());
    let nasnet = resolve("nasnet-a");
    let again = resolve(&nasnet.genotype.to_string());
    assert_eq!(again.genotype, Published::NasnetA.genotype().unwrap());
}

#[test]
fn networks_have_one_bound_and_none_is_larger_than_its_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torch/network.safetensors");
    let import = |cells: &'static str| {
        [
            "import",
            weights.to_str().unwrap(),
            "darts-v2",
            "--channels",
            "1024",
            "--cells",
            cells,
            "--classes",
            "5",
            "--mean",
            "0.5,0.5,0.5",
            "--std",
            "0.5,0.5,0.5",
            "--out",
            "theirs",
        ]
    };
    refused(
        path,
        &import("20"),
        &["`network` is one of", "the file holds"],
    );
    let too_large = ["`network` is one of", "at most 10000000000 weights"];
    refused(path, &import("100"), &too_large);
    refused(
        path,
        &["count", "darts-v2", "--channels", "1024", "--cells", "100"],
        &too_large,
    );
    assert!(!path.join("theirs").exists());
    let node = "('skip_connect', 0), ('skip_connect', 0)";
    let nodes = vec![node; 17].join(", ");
    let cells = format!("Genotype(normal=[{nodes}], reduce=[{node}])");
    refused(
        path,
        &["count", &cells],
        &["normal cell: 17 nodes; a cell has 1 to 16"],
    );
}
