use super::*;
use std::path::Path;

fn chart(points: &[(f64, f64)]) -> Block {
    let series = |name: &str| Series {
        name: name.into(),
        points: points.to_vec(),
    };
    Block::Chart(Chart {
        title: "Loss <i>".into(),
        x_label: "epoch".into(),
        y_label: "nats".into(),
        shaded: Some(("warm-up".into(), 1.5)),
        baseline: None,
        series: vec![series("</script><b>"), series("b")],
    })
}

fn page(blocks: Vec<Block>) -> Page {
    Page {
        title: "runs/<b>&\"x\"".into(),
        kind: "search".into(),
        warning: Some("not finished".into()),
        lead: "A & B".into(),
        figures: vec![Headline::new("gap", "+1.00 points", "child - supernet")],
        facts: vec![("seed".into(), "0".into())],
        chapters: vec![Chapter {
            title: "One".into(),
            blocks,
        }],
        made_by: "search 0".into(),
    }
}

fn picture() -> Picture {
    Picture {
        png: "iVBORw0KGgo=".into(),
        width: 1,
        height: 1,
    }
}

#[test]
fn every_block_is_shown_and_what_a_person_wrote_is_escaped() {
    let text = |text: &str| text.to_string();
    let nasty = text("<script>alert(1)</script>");
    let blocks = vec![
        Block::text(nasty.clone()),
        Block::List {
            items: vec![nasty.clone()],
        },
        Block::Facts {
            facts: vec![(nasty.clone(), nasty.clone())],
        },
        Block::Table(Table {
            caption: nasty.clone(),
            head: vec![nasty.clone()],
            rows: vec![vec![nasty.clone(), text("2")]],
            folded: true,
        }),
        Block::Bars(Bars {
            caption: nasty.clone(),
            unit: text("%"),
            most: 100.0,
            bars: vec![Bar {
                name: nasty.clone(),
                value: Some(12.5),
                note: text("of 4"),
            }],
        }),
        chart(&[(1.0, 2.0), (2.0, f64::NAN), (3.0, 1.0)]),
        Block::Probabilities(Probabilities {
            caption: nasty.clone(),
            operations: vec![nasty.clone(), text("skip")],
            edges: vec![nasty.clone()],
            epochs: vec![1, 2],
            values: vec![vec![vec![50, 50]], vec![vec![7, 93]]],
        }),
        Block::Samples {
            text: nasty.clone(),
            samples: vec![
                Sample::Labelled {
                    picture: picture(),
                    truth: nasty.clone(),
                    answered: text("cat"),
                },
                Sample::Panels {
                    panels: vec![Panel {
                        name: nasty.clone(),
                        picture: picture(),
                        key: vec![(nasty.clone(), text("#800000"))],
                    }],
                },
                Sample::Words {
                    words: vec![(nasty.clone(), 0.25)],
                },
                Sample::Passage {
                    how: nasty.clone(),
                    text: nasty.clone(),
                },
            ],
        },
        Block::Confusion(ConfusionTable {
            of: text("images"),
            names: vec![nasty.clone(), text("dog")],
            counts: vec![vec![3, 1], vec![0, 0]],
        }),
        Block::Settings {
            settings: vec![Setting {
                field: text("a.b"),
                value: nasty.clone(),
                default: Some(text("2")),
            }],
        },
        Block::Code {
            text: nasty.clone(),
        },
        Block::Links {
            links: vec![(nasty.clone(), text("seed-0/report.html"))],
        },
    ];
    let kinds = blocks.len();
    let html = page(blocks).html().unwrap();
    assert!(!html.contains("alert(1)</script>"), "escaped");
    assert!(!html.contains("<b>&\"x\""), "the title is escaped");
    // A script that holds a chart cannot be ended by the name of a curve.
    let scripts = html.matches("</script>").count();
    assert_eq!(scripts, html.matches("<script").count());
    let escaped = html.matches("&lt;script&gt;alert(1)").count();
    assert!(escaped > kinds, "{escaped}");
    for part in [
        "<summary>",
        "class=\"bars\"",
        "class=\"plot\"",
        "type=\"range\"",
        "93</td>",
        "class=\"labelled wrong\"",
        "class=\"panels\"",
        "class=\"words\"",
        "<blockquote>",
        "class=\"mistaken\"",
        "What differs from the default",
        "<mark>",
        "class=\"command\"",
        "href=\"seed-0&#x2f;report.html\"",
        "default-src 'none'",
        "prefers-color-scheme: dark",
        "@media print",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn a_page_names_no_place_on_a_network_and_is_small() {
    let points: Vec<_> = (0..20_000)
        .map(|at| (f64::from(at), f64::from(at) / 3.0))
        .collect();
    let html = page(vec![chart(&points), chart(&[]), chart(&[(1.0, 0.5)])])
        .html()
        .unwrap();
    assert!(!html.contains("http://") && !html.contains("https://"));
    assert!(html.len() < 500_000, "{}", html.len());
    // The last point is kept.
    assert!(html.contains("19999"));
}

#[test]
fn a_page_of_no_section_has_its_head() {
    let page = Page {
        chapters: Vec::new(),
        figures: Vec::new(),
        facts: Vec::new(),
        warning: None,
        ..page(Vec::new())
    };
    let html = page.html().unwrap();
    assert!(html.contains("<h1>") && !html.contains("<nav>"));
    assert!(
        !html.contains("Charts by uPlot"),
        "no library without a chart"
    );
}

#[test]
fn times_and_counts_are_told_as_a_person_says_them() {
    let told = [3.26, 59.96, 200.0, 7380.0].map(duration);
    assert_eq!(told, ["3.3 s", "1 min 00 s", "3 min 20 s", "2 h 03 min"]);
    assert_eq!(
        [7, 999, 1000, 1_234_567].map(count),
        ["7", "999", "1,000", "1,234,567"]
    );
}

/// A run of a search of one epoch, as files.
fn written(folder: &Path, name: &str, config: &str, gap: f64) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("config.toml"), config).unwrap();
    let record = serde_json::json!({
        "epoch": 1, "temperature": 1.0, "learning_rate": 0.1, "train_loss": 2.0, "train_error": 50.0,
        "supernet_loss": 2.0, "supernet_error": 40.0, "child_loss": 2.0, "child_error": 40.0 + gap, "gap": gap,
        "entropy_normal": 2.0, "entropy_reduce": 2.0, "genotype": "g", "normal": [[0.5, 0.5]],
        "reduce": [[0.5, 0.5]],
        "timing": {"search_seconds": 1.0, "validation_seconds": 0.5, "images_per_second": 9.0},
    });
    std::fs::write(path.join("metrics.jsonl"), format!("{record}\n")).unwrap();
    path
}

#[test]
fn runs_are_compared_by_what_differs() {
    use crate::run_folder::RunKind::{Search, Training};
    let parent = tempfile::tempdir().unwrap();
    let write = |name: &str, config: &str, gap| written(parent.path(), name, config, gap);
    let a = write(
        "a",
        "seed = 0\nname = 'x'\n[search]\nepochs = 2\nmethod = 'egs'\n",
        -1.0,
    );
    let b = write(
        "b",
        "seed = 0\nname = 'y'\n[search]\nepochs = 2\nmethod = 'snas'\n",
        2.0,
    );
    let comparison = Comparison::read(Search, &[&a, &b]).unwrap();
    let text = comparison.text();
    let line = |start: &str| {
        text.lines()
            .find(|line| line.starts_with(start))
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        line("search.method"),
        ["search.method", "\"egs\"", "\"snas\""]
    );
    assert_eq!(line("gap, points"), ["gap,", "points", "-1.00", "+2.00"]);
    assert_eq!(line("epochs"), ["epochs", "1", "of", "2", "1", "of", "2"]);
    assert!(!text.contains("seed") && !text.contains("name"), "{text}");
    let page = comparison.page("two", "search", Vec::new());
    let html = page.html().unwrap();
    for part in [
        "Gap between child and supernet",
        "Settings that differ",
        "2 searches for the task image",
    ] {
        assert!(html.contains(part), "{part}");
    }

    let message = |kind, paths: &[&Path]| Comparison::between(kind, paths).unwrap_err().to_string();
    assert!(message(Search, &[&a]).contains("`RUN` is 1 run folder; valid is 2 or more"));
    assert!(message(Training, &[&a, &b]).contains("is of a search, not of a training"));
    let empty = parent.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert!(message(Search, &[&a, &empty]).contains("has no `config.toml`"));
    let other = write("other", "task = 'language'\n[search]\nepochs = 2\n", 0.0);
    let refused = message(Search, &[&a, &other]);
    assert!(
        refused.contains("other` is of the task `language`, and run folder `")
            && refused.contains("a` of the task `image`; valid are runs of one task"),
        "{refused}"
    );
}
