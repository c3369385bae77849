use crate::{Genotype, Operation, OperationSet, Published};

/// P-DARTS as its code prints it.
const PDARTS: &str = "Genotype(normal=[('skip_connect', 0), ('dil_conv_3x3', 1), ('skip_connect', 0),('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3',0), ('dil_conv_5x5', 4)], normal_concat=range(2, 6), reduce=[('avg_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2), ('max_pool_3x3', 0), ('dil_conv_3x3', 1), ('dil_conv_3x3', 1), ('dil_conv_5x5', 3)], reduce_concat=range(2, 6))";

fn read(text: &str) -> Result<Genotype, String> {
    Genotype::parse("file", text).map_err(|error| error.to_string())
}

fn chosen(text: &str, choice: &str) -> Result<Genotype, String> {
    Genotype::choose("file", text, Some(choice)).map_err(|error| error.to_string())
}

fn published(cells: Published) -> Genotype {
    cells.genotype().unwrap()
}

/// One cell of a node, for the ways of writing it.
const SMALL: &str = "normal: sep_conv_3x3@0 dil_conv_5x5@1\nreduce: max_pool_3x3@0 max_pool_3x3@1";

#[test]
fn a_genotype_is_read_however_it_was_pasted() {
    let pdarts = published(Published::PDarts);
    let double = PDARTS.replace('\'', "\"");
    let several_lines = PDARTS
        .replace(", (", ",\n    (")
        .replace("=[", " = [\n    ");
    let trailing = PDARTS.replace("4)]", "4),],").replace(",,", ",");
    let values = PDARTS
        .replace("0)", "0, 0.129779)")
        .replace("1)", "1, 3.1e-2)");
    let commented = several_lines.replace("    (", "    # an operation, 'old'\n    (");
    let lists = PDARTS.replace("range(2, 6)", "[2, 3, 4, 5]");
    let listed = PDARTS.replace("range(2, 6)", "list(range(2, 2 + 4))");
    let numpy = PDARTS.replace("0)", "np.int64(0))");
    let positional = PDARTS
        .replace("normal_concat=", "")
        .replace("reduce_concat=", "")
        .replace("normal=", "")
        .replace("reduce=", "");
    let dictionary = PDARTS
        .replace("Genotype(", "{")
        .replace("normal=", "'normal': ")
        .replace("reduce=", "'reduce': ")
        .replace("_concat=", "_concat': ")
        .replace(" normal_c", " 'normal_c")
        .replace(" reduce_c", " 'reduce_c")
        .replace("6))", "6)}");
    for text in [
        PDARTS.to_string(),
        format!("PDARTS = {PDARTS}\n"),
        format!("PDARTS: Genotype = {PDARTS}\n"),
        format!("PDARTS = (\n  {PDARTS}\n)\n"),
        format!("\u{feff}{PDARTS}"),
        format!("08/28 01:00:00 PM genotype = {PDARTS}\n"),
        format!("2019-08-28 13:00:00,123 INFO:root:epoch #3, don't stop: {PDARTS} (97.5 %)"),
        format!("print({PDARTS})"),
        format!("'{double}'"),
        format!("[{PDARTS}]"),
        format!("{{\"arch\": \"{PDARTS}\", \"accuracy\": 97.5, \"done\": true}}"),
        PDARTS.replace("Genotype", "gt.Genotype_pdarts"),
        PDARTS.replace("Genotype", "dict"),
        PDARTS
            .replace("normal_concat=range(2, 6), ", "")
            .replace(", reduce_concat=range(2, 6)", ""),
        several_lines.replace('\n', "\r\n"),
        double,
        several_lines,
        trailing,
        values,
        commented,
        lists,
        listed,
        numpy,
        positional,
        dictionary,
    ] {
        assert_eq!(read(&text).as_ref(), Ok(&pdarts), "{text}");
    }
}

#[test]
fn a_list_for_each_node_is_read_too() {
    let small: Genotype = SMALL.parse().unwrap();
    for text in [
        "Genotype(normal=[[('sep_conv_3x3', 0), ('dil_conv_5x5', 1)]], normal_concat=range(2, 3), reduce=[[('max_pool_3x3', 0), ('max_pool_3x3', 1)]], reduce_concat=range(2, 3))",
        "Structure(normal=((('sep_conv_3x3', 0), ('dil_conv_5x5', 1)),), normal_concat=None, reduce=((('max_pool_3x3', 0), ('max_pool_3x3', 1)),), connect=None)",
        r#"{"normal": [["sep_conv_3x3", 0], ["dil_conv_5x5", 1]], "reduce": [["max_pool_3x3", 0], ["max_pool_3x3", 1]],}"#,
        r#"{"network": {"genotype": {"normal": [[["sep_conv_3x3", 0], ["dil_conv_5x5", 1]]], "normal_concat": [2], "reduce": [[["max_pool_3x3", 0], ["max_pool_3x3", 1]]]}}}"#,
        r#"{"genotype": "normal: sep_conv_3x3@0 dil_conv_5x5@1\nreduce: max_pool_3x3@0 max_pool_3x3@1"}"#,
        "name = \"run\"\ngenotype = \"\"\"\nnormal: sep_conv_3x3@0 dil_conv_5x5@1\nreduce: max_pool_3x3@0 max_pool_3x3@1\"\"\"\n",
        "epochs 3 of 3\ngap +0.10\nnormal: sep_conv_3x3@0 dil_conv_5x5@1\nreduce: max_pool_3x3@0 max_pool_3x3@1\n",
        "OrderedDict([('normal', [('sep_conv_3x3', 0), ('dil_conv_5x5', 1)]), ('reduce', [('max_pool_3x3', 0), ('max_pool_3x3', 1)])])",
    ] {
        assert_eq!(read(text).as_ref(), Ok(&small), "{text}");
    }
    let three = read("Genotype(normal=[[('sep conv 3x3', 0), ('conv 1x1', 0), ('skip_connect', 1)], [('skip_connect', 2)]], normal_concat=[3], reduce=[('skip_connect', 0), ('skip_connect', 0)])").unwrap();
    let text = "normal: sep_conv_3x3@0 conv_1x1@0 skip_connect@1 | skip_connect@2\nnormal_concat: 3\nreduce: skip_connect@0 skip_connect@0";
    assert_eq!(three.to_string(), text);
}

/// As DARTS' own file is.
fn several() -> String {
    let small = "Genotype(normal=[('sep_conv_3x3', 0), ('dil_conv_5x5', 1)], normal_concat=range(2, 3), reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1)], reduce_concat=range(2, 3))";
    format!(
        "from collections import namedtuple\n\n\
         Genotype = namedtuple('Genotype', 'normal normal_concat reduce reduce_concat')\n\
         PRIMITIVES = ['none', 'max_pool_3x3']\n\
         # OLD = {small}\n\
         small_one = {small}\nPDARTS = {PDARTS}\n\nbest = PDARTS  # of both\n"
    )
}

#[test]
fn one_of_several_is_chosen_by_name_number_or_alias() {
    let text = several();
    let message = read(&text).unwrap_err();
    assert_eq!(
        message,
        "file: holds 2 genotypes; choose one by name, as in `file#PDARTS`, or by number, `file#1` to \
         `file#2`; names: small_one, PDARTS"
    );
    let pdarts = published(Published::PDarts);
    for choice in ["PDARTS", "2", "best"] {
        assert_eq!(chosen(&text, choice).as_ref(), Ok(&pdarts), "{choice}");
    }
    assert_eq!(chosen(&text, "1").unwrap().to_string(), SMALL);
    for choice in ["0", "3", "OLD"] {
        let message = chosen(&text, choice).unwrap_err();
        let expected = format!("file: holds no genotype `{choice}`; choose one by name");
        assert!(message.starts_with(&expected), "{message}");
    }
    // A log of a search: of one name the last, as Python would have it, but not unasked.
    let log = text
        .replace("small_one", "genotype")
        .replace("PDARTS =", "genotype =");
    let message = read(&log).unwrap_err();
    assert!(message.contains("names: genotype (2 times)"), "{message}");
    assert_eq!(chosen(&log, "genotype").as_ref(), Ok(&pdarts));
    // The same again and again is one.
    let same = format!("genotype = {PDARTS}\n").repeat(3);
    assert_eq!(read(&same), Ok(pdarts));
}

#[test]
fn every_error_says_what_was_found_and_what_would_be_valid() {
    let small = "Genotype(normal=[('sep_conv_3x3', 0), ('dil_conv_5x5', 1)], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1)])";
    for (text, expected) in [
        (
            small.replace("dil_conv_5x5", "dil_conv_5x6"),
            "normal cell, node 0: unknown operation `dil_conv_5x6`, did you mean `dil_conv_5x5`?; valid operations: none, ",
        ),
        (
            small.replace("sep_conv_3x3", "none"),
            "`none` is not kept in a genotype",
        ),
        (
            small.replace(", ('dil_conv_5x5', 1)", ""),
            "normal cell: 1 operations in a flat list, which has 2 for each node; valid for other numbers: a list for each node",
        ),
        (
            small.replace("x3', 0)", "x3', 5)"),
            "reads input 5; valid inputs: 0 to 1",
        ),
        (
            small.replace("x3', 0)", "x3', -1)"),
            "input -1; valid: a whole number",
        ),
        (
            small.replace("x3', 0)", "x3', 0.5)"),
            "input 0.5; valid: a whole number",
        ),
        (
            small.replace("('dil_conv_5x5', 1)", "(1, 'dil_conv_5x5')"),
            "found a list of 2 for an operation; valid: ('max_pool_3x3', 0), an operation and its input",
        ),
        (
            small.replace("reduce=", "reduction="),
            "unknown field `reduction`; valid: `normal`, `normal_concat`, `reduce`, `reduce_concat`",
        ),
        (
            small.replace("reduce=", "normal="),
            "duplicate field `normal`",
        ),
        (
            small.replace(")])", "))"),
            "line 1: `)` where `,` or `]` should be; valid: brackets that close",
        ),
        (
            small.replace("reduce=", "reduce=["),
            "where `,` or `]` should be",
        ),
        (
            small.replace("reduce=", "normal_concat=concat, reduce="),
            "`normal_concat` is `concat`; valid: the nodes that make up the output",
        ),
        (
            small.replace("reduce=", "normal_concat=range(0, 3), reduce="),
            "its output is made of [0, 1, 2]; valid: different nodes of 2 to 2",
        ),
        (
            small.replace("[('max_pool_3x3', 0), ('max_pool_3x3', 1)]", "cells"),
            "found `cells`; valid: a list of operations such as ('max_pool_3x3', 0)",
        ),
        (
            "genotype = Genotype(normal=gene_normal, normal_concat=concat)".into(),
            "valid: lines `normal: ...` and `reduce: ...`, JSON, or `Genotype(normal=[...], ...)`",
        ),
    ] {
        let message = read(&text).unwrap_err();
        assert!(
            message.starts_with("file: ") && message.contains(expected),
            "{text}\n{message}\n{expected}"
        );
    }
}

#[test]
fn hostile_texts_are_refused_without_much_ado() {
    for text in [
        "Genotype(normal=".to_string() + &"[".repeat(1_000_000),
        "Genotype(normal=[".to_string() + &"('skip_connect', 0),".repeat(100_000) + "], reduce=[('skip_connect', 0), ('skip_connect', 0)])",
        "normal=(".repeat(50_000),
        "Genotype(normal=[('skip_connect', 0), ('skip_connect', 0)], normal_concat=range(0, 1000000000), reduce=[('skip_connect', 0), ('skip_connect', 0)])".into(),
        String::new(),
        "\u{feff}".into(),
        "é'ü\"(ß{".into(),
    ] {
        let error = Genotype::<Operation>::parse("file", &text).unwrap_err();
        assert!(error.to_string().len() < 1000, "{error}");
    }
}

#[test]
fn published_names_come_with_their_cells() {
    for (name, text) in Operation::PUBLISHED {
        let read = Genotype::<Operation>::read(name).unwrap();
        assert_eq!(Ok(read), text.parse());
    }
}
