//! The page that a training ends in, and trainings side by side.

use std::path::Path;

use crate::fit_commands::{fit, printed, refused};

/// Headings of a page, in their order.
pub(super) fn headings(html: &str) -> Vec<&str> {
    let parts = html.split("<h2>").skip(1);
    parts
        .filter_map(|part| part.split("</h2>").next())
        .collect()
}

/// Reads a page and checks what holds of all.
pub(super) fn read(path: &Path) -> String {
    let html = std::fs::read_to_string(path).unwrap();
    assert!(html.len() < 2 << 20, "{} bytes", html.len());
    for address in ["http://", "https://", "@import", "url("] {
        assert!(!html.contains(address), "{address}");
    }
    assert_eq!(
        html.matches("<script").count(),
        html.matches("</script>").count()
    );
    html
}

#[test]
fn a_training_ends_in_a_page_that_can_be_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let name = "name=<b>a & b</b>";
    printed(path, &fit(&["--quiet", "--out", "run", "--set", name]));
    let page = path.join("run/report.html");
    let html = read(&page);
    let expected = [
        "Scores",
        "Curves",
        "Answers",
        "Mistakes",
        "Class by class, on test",
        "Cells",
        "Data",
        "Configuration",
        "Hardware",
        "The command that repeats it",
        "The cells as text",
    ];
    assert_eq!(headings(&html), expected);
    assert!(html.contains("&lt;b&gt;a &amp; b") && !html.contains("<b>a &"));
    assert_eq!(html.matches("data:image/png;base64,").count(), 32);
    for part in [
        "1 of 1 epochs",
        "<mark>fit.epochs = 1</mark>",
        "class=\"heat confusion\"",
        "fit --config run&#x2f;config.toml",
        "sep_conv_3x3",
    ] {
        assert!(html.contains(part), "{part}");
    }

    std::fs::remove_file(&page).unwrap();
    assert_eq!(printed(path, &["report", "run"]), "wrote run/report.html\n");
    assert!(read(&page) == html, "from the folder it is the same");
    std::fs::remove_file(path.join("run/result.json")).unwrap();
    printed(path, &["report", "run"]);
    assert!(read(&page).contains("Not finished: 1 of 1 epochs."));
    refused(path, &["report", "nowhere"], &["nowhere", "does not exist"]);
}

#[test]
fn trainings_are_compared_and_other_folders_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    printed(path, &fit(&["--quiet", "--out", "all", "--seeds", "0..2"]));
    let html = read(&path.join("all/report.html"));
    assert_eq!(
        headings(&html),
        ["Seeds", "Figures", "Settings that differ", "Curves"]
    );
    printed(path, &["report", "all"]);
    assert!(read(&path.join("all/report.html")) == html);

    let told = printed(
        path,
        &["compare", "all/seed-0", "all/seed-1", "--out", "both.html"],
    );
    for line in [
        "A  all/seed-0",
        "B  all/seed-1",
        "seed     0  1",
        "wrote both.html",
    ] {
        assert!(told.lines().any(|found| found == line), "{line}: {told}");
    }
    assert!(
        told.contains("test error %") && told.contains("multiply-adds"),
        "{told}"
    );
    assert_eq!(headings(&read(&path.join("both.html"))).len(), 3);
    refused(path, &["compare", "all/seed-0"], &["`RUN` is 1 run folder"]);
    std::fs::create_dir(path.join("other")).unwrap();
    std::fs::write(path.join("other/config.toml"), "[search]\nepochs = 1\n").unwrap();
    let arguments = ["compare", "all/seed-0", "other"];
    refused(
        path,
        &arguments,
        &["other", "is of a search, not of a training"],
    );
}
