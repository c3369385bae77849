//! Pages opened in a browser: whether every figure drew, nothing was complained about and nothing is too wide.

mod browser;
mod made;

use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::Args;

use self::browser::{BROWSERS, Browser, THEMES, WIDTHS};

/// Open pages in Chromium, wide and of a phone's width, light and dark, and check that every figure drew, that the
/// console has no error and that nothing is wider than the window.
#[derive(Args)]
pub struct Pages {
    /// The pages, such as runs/*/report.html.
    #[arg(required_unless_present = "make", value_name = "FILE")]
    pages: Vec<PathBuf>,
    /// Make a page of every kind in this folder, by small runs of some minutes, and check these too.
    #[arg(long, value_name = "FOLDER")]
    make: Option<PathBuf>,
    /// Folder for pictures of each page: wide and of a phone's width, light and dark.
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
}

/// A page is larger than this only by mistake.
const MOST_BYTES: u64 = 2 << 20;

impl Pages {
    pub fn run(self) -> anyhow::Result<()> {
        let mut pages = self.pages;
        // A missing browser is told before minutes are spent; where pages were named, somebody asks for it.
        let browser = match (Browser::find(), pages.is_empty()) {
            (Some(browser), _) => browser,
            (None, true) => {
                println!(
                    "SKIPPED: no browser is found; {} would do",
                    BROWSERS.join(", ")
                );
                return Ok(());
            }
            (None, false) => anyhow::bail!(
                "no browser is found; valid is one of {} on the path",
                BROWSERS.join(", ")
            ),
        };
        if let Some(folder) = &self.make {
            pages.extend(made::pages(folder)?);
        }
        for page in &pages {
            let figures = check(&browser, page, self.pictures.as_deref())?;
            println!("{}: {figures} figures drawn", page.display());
        }
        Ok(())
    }
}

/// How many figures the page drew, which are all that it has, in each width and theme. Pictures of it are
/// NAME-WIDTH-light.png and NAME-WIDTH-dark.png in a folder.
fn check(browser: &Browser, page: &Path, pictures: Option<&Path>) -> anyhow::Result<usize> {
    let bytes = workbench::files::read(page)?.len() as u64;
    ensure!(
        bytes <= MOST_BYTES,
        "{} has {bytes} bytes; valid is up to {MOST_BYTES}",
        page.display()
    );
    let mut figures = 0;
    for width in WIDTHS {
        for theme in THEMES {
            let seen = browser.open(page, width, theme)?;
            ensure!(
                seen.drawn == seen.figures,
                "{}, {width} pixels wide, {}: {} of {} figures drew",
                page.display(),
                theme.name,
                seen.drawn,
                seen.figures
            );
            ensure!(
                seen.wider.is_empty(),
                "{}, {width} pixels wide: wider than that is {}",
                page.display(),
                seen.wider
            );
            figures = seen.figures;
            if let Some(folder) = pictures {
                let name = format!("{}-{width}-{}.png", name(page), theme.name);
                let picture = folder.join(name);
                browser.photograph(page, width, theme, seen.height, &picture)?;
            }
        }
    }
    Ok(figures)
}

/// What pictures of a page are called after: its run, or itself.
fn name(page: &Path) -> String {
    let run = page.parent().and_then(Path::file_name).unwrap_or_default();
    let name = match page.file_stem().unwrap_or_default() {
        stem if stem == "report" => run,
        stem => stem,
    };
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use workbench::report::{Block, Chapter, Chart, Drawing, Page, Series};

    fn page(blocks: Vec<Block>) -> String {
        let page = Page {
            title: "a <page>".into(),
            kind: "test".into(),
            warning: None,
            lead: String::new(),
            figures: Vec::new(),
            facts: Vec::new(),
            chapters: Chapter::of("All", blocks).into_iter().collect(),
            made_by: String::new(),
        };
        page.html().unwrap()
    }

    fn chart(points: &[(f64, f64)]) -> Block {
        Block::Chart(Chart {
            title: "Loss".into(),
            x_label: "epoch".into(),
            y_label: "nats".into(),
            shaded: Some(("warm-up".into(), 1.5)),
            baseline: Some(0.0),
            series: vec![Series {
                name: "a".into(),
                points: points.to_vec(),
            }],
        })
    }

    #[test]
    fn a_browser_draws_every_figure_and_complains_of_nothing() {
        let Some(browser) = Browser::find() else {
            eprintln!("SKIPPED: no browser is found");
            return;
        };
        let folder = std::env::temp_dir().join(format!("pages-written-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let check = |file: &Path| check(&browser, file, None);
        let file = folder.join("page.html");
        let drawing = Block::Drawing(Drawing {
            caption: "A square".into(),
            svg: "<svg width=\"9\" height=\"9\"><rect width=\"9\" height=\"9\"/></svg>".into(),
            folded: true,
        });
        let several = chart(&[(1.0, 2.0), (2.0, f64::NAN), (3.0, 1.0)]);
        let blocks = vec![several, chart(&[(1.0, 0.5)]), chart(&[]), drawing];
        let html = page(blocks);
        std::fs::write(&file, &html).unwrap();
        assert_eq!(check(&file).unwrap(), 4);

        // A check that passes whatever a page does would be none.
        std::fs::write(&file, html.replace("root.classList.add", "nothing.add")).unwrap();
        assert!(check(&file).unwrap_err().to_string().contains("console"));
        std::fs::write(&file, html.replace("<rect width=\"9\" height=\"9\"/>", "")).unwrap();
        let message = check(&file).unwrap_err().to_string();
        assert!(message.contains("3 of 4 figures"), "{message}");
        let wide = "<p id=\"long\" style=\"width:900px\">";
        std::fs::write(&file, html.replacen("<p class=\"lead\">", wide, 1)).unwrap();
        let message = check(&file).unwrap_err().to_string();
        assert!(
            message.contains("390 pixels wide: wider than that is p#long"),
            "{message}"
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
