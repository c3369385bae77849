//! The page that a search ends in, and searches side by side.

use std::path::Path;

use super::command_line::{TINY, refused, search};

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
    assert!(html.contains("default-src 'none'"));
    for address in ["http://", "https://", "@import", "url("] {
        assert!(!html.contains(address), "{address}");
    }
    assert_eq!(
        html.matches("<script").count(),
        html.matches("</script>").count()
    );
    html
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = search(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {message}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_search_ends_in_a_page_that_can_be_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    // A name that would be HTML.
    let name = "name=<b>a & b</b>";
    done(
        path,
        &[&TINY[..], &["--out", "run", "--set", name]].concat(),
    );
    let page = path.join("run/report.html");
    let html = read(&page);
    let expected = [
        "Cells",
        "Scores",
        "Curves",
        "Gap",
        "Probabilities",
        "Answers",
        "Mistakes",
        "Class by class, on test",
        "Notes",
        "Data",
        "Configuration",
        "Hardware",
        "The command that repeats it",
        "The cells as text",
    ];
    assert_eq!(headings(&html), expected);
    assert!(html.contains("&lt;b&gt;a &amp; b&lt;&#x2f;b&gt;") && !html.contains("<b>a &"));
    assert!(!html.contains("Not finished"));
    assert_eq!(html.matches("data:image/png;base64,").count(), 32);
    for part in [
        "1 of 1 epochs",
        "child less supernet",
        "<mark>search.epochs = 1</mark>",
        "class=\"chart\"",
        "class=\"slider\"",
        "class=\"heat confusion\"",
        "--config run&#x2f;config.toml",
    ] {
        assert!(html.contains(part), "{part}");
    }

    std::fs::remove_file(&page).unwrap();
    assert_eq!(done(path, &["report", "run"]), "wrote run/report.html\n");
    assert!(read(&page) == html, "from the folder it is the same");

    // As a run is before its end, and before its first epoch.
    std::fs::remove_file(path.join("run/result.json")).unwrap();
    done(path, &["report", "run"]);
    assert!(read(&page).contains("Not finished: 1 of 1 epochs."));
    std::fs::remove_file(path.join("run/metrics.jsonl")).unwrap();
    std::fs::remove_file(path.join("run/report.json")).unwrap();
    done(path, &["report", "run"]);
    let html = read(&page);
    assert!(html.contains("No epoch is finished yet.") && !html.contains("class=\"chart\""));
    let expected = ["Notes", "Configuration", "The command that repeats it"];
    assert_eq!(headings(&html), expected);
    assert!(refused(path, &["report", "nowhere"]).contains("does not exist"));
}

#[test]
fn seeds_and_methods_are_compared_and_other_folders_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    done(
        path,
        &[&TINY[..], &["--out", "all", "--seeds", "0..2"]].concat(),
    );
    let html = read(&path.join("all/report.html"));
    assert_eq!(
        headings(&html),
        ["Seeds", "Figures", "Settings that differ", "Curves"]
    );
    for part in [
        "href=\"seed-0&#x2f;report.html\"",
        "standard deviation",
        "Gap between child and supernet",
    ] {
        assert!(html.contains(part), "{part}");
    }
    done(path, &["report", "all"]);
    assert!(read(&path.join("all/report.html")) == html);

    let runs = ["all/seed-0", "all/seed-1"];
    let told = done(
        path,
        &[&["compare", "--out", "both.html"], &runs[..]].concat(),
    );
    for line in [
        "A  all/seed-0",
        "B  all/seed-1",
        "seed     0  1",
        "wrote both.html",
    ] {
        assert!(told.lines().any(|found| found == line), "{line}: {told}");
    }
    let figure = told
        .lines()
        .find(|line| line.starts_with("child test error %"));
    assert_eq!(figure.unwrap().split_whitespace().count(), 6, "{told}");
    assert_eq!(headings(&read(&path.join("both.html"))).len(), 3);

    assert!(refused(path, &["compare", runs[0]]).contains("`RUN` is 1 run folder"));
    let message = refused(path, &["compare", runs[0], "all"]);
    assert!(message.contains("holds several runs"), "{message}");
    std::fs::create_dir(path.join("other")).unwrap();
    let other = "task = \"language\"\n[search]\nepochs = 1\n";
    std::fs::write(path.join("other/config.toml"), other).unwrap();
    let message = refused(path, &["compare", runs[0], "other"]);
    assert!(
        message.contains("`other` is of the task `language`"),
        "{message}"
    );
    std::fs::write(path.join("other/config.toml"), "genotype = 'x'\n[fit]\n").unwrap();
    let message = refused(path, &["compare", runs[0], "other"]);
    assert!(
        message.contains("is of a training, not of a search"),
        "{message}"
    );
}
