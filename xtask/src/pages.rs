//! Pages opened in a browser: whether every figure drew and nothing was complained about.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use clap::Args;

/// Open pages in Chromium and check that every figure drew and that its console has no error.
#[derive(Args)]
pub struct Pages {
    /// The pages, such as runs/*/report.html.
    #[arg(required = true, value_name = "FILE")]
    pages: Vec<PathBuf>,
    /// Folder for pictures of each page: wide and of a phone's width, light and dark.
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
}

/// Names that the browser goes by.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// A page is larger than this only by mistake.
const MOST_BYTES: u64 = 2 << 20;
/// Widths of a window and of a phone.
const WIDTHS: [u32; 2] = [1280, 390];
/// Without a screen a browser lays nothing out narrower than this; what is narrower is shown in a frame.
const NARROWEST: u32 = 500;

impl Pages {
    pub fn run(self) -> anyhow::Result<()> {
        let browser = find_browser().with_context(|| {
            format!(
                "no browser is found; valid is one of {} on the path",
                BROWSERS.join(", ")
            )
        })?;
        for page in &self.pages {
            let figures = check(browser, page)?;
            println!("{}: {figures} figures drawn", page.display());
            if let Some(folder) = &self.pictures {
                photograph(browser, page, folder)?;
            }
        }
        Ok(())
    }
}

/// A browser that starts.
fn find_browser() -> Option<&'static str> {
    let starts = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    BROWSERS.into_iter().find(starts)
}

/// A browser without a window that writes no profile of a user.
fn headless(browser: &str, profile: &Path) -> Command {
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ])
        .args([
            "--no-first-run",
            "--disable-extensions",
            "--enable-logging=stderr",
        ])
        .arg(format!("--user-data-dir={}", profile.display()));
    command
}

fn address(page: &Path) -> anyhow::Result<String> {
    let path = page.canonicalize();
    let path = path.with_context(|| format!("cannot open {}", page.display()))?;
    Ok(format!("file://{}", path.display()))
}

/// How many figures the page drew, which are all that it has.
fn check(browser: &str, page: &Path) -> anyhow::Result<usize> {
    let bytes = std::fs::metadata(page)
        .with_context(|| format!("cannot read {}", page.display()))?
        .len();
    ensure!(
        bytes <= MOST_BYTES,
        "{} has {bytes} bytes; valid is up to {MOST_BYTES}",
        page.display()
    );
    let profile = Profile::new()?;
    let output = headless(browser, &profile.0)
        .args(["--virtual-time-budget=4000", "--dump-dom"])
        .arg(address(page)?)
        .output()
        .context("cannot start the browser")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if let Some(line) = said.lines().find(|line| line.contains(":CONSOLE")) {
        bail!("{}: the console says {line}", page.display());
    }
    let dom = String::from_utf8_lossy(&output.stdout);
    let number = |name: &str| {
        let (_, rest) = dom.split_once(&format!(" data-{name}=\""))?;
        rest.split('"').next()?.parse::<usize>().ok()
    };
    match (number("figures"), number("drawn")) {
        (Some(figures), Some(drawn)) if figures == drawn => Ok(figures),
        (Some(figures), Some(drawn)) => {
            bail!("{}: {drawn} of {figures} figures drew", page.display())
        }
        _ => bail!("{}: its script did not run to the end", page.display()),
    }
}

/// Writes pictures of a page into a folder: NAME-WIDTH-light.png and NAME-WIDTH-dark.png.
fn photograph(browser: &str, page: &Path, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let run = page.parent().and_then(Path::file_name).unwrap_or_default();
    let name = match page.file_stem().unwrap_or_default() {
        stem if stem == "report" => run,
        stem => stem,
    };
    for width in WIDTHS {
        for (theme, setting) in [("light", "1"), ("dark", "0")] {
            let picture = folder.join(format!("{}-{width}-{theme}.png", name.display()));
            let profile = Profile::new()?;
            let status = headless(browser, &profile.0)
                .arg(format!("--blink-settings=preferredColorScheme={setting}"))
                .arg(format!("--window-size={},{HEIGHT}", width.max(NARROWEST)))
                .arg(format!("--screenshot={}", picture.display()))
                .arg("--virtual-time-budget=4000")
                .arg(match width < NARROWEST {
                    true => address(&profile.frame(&address(page)?, width)?)?,
                    false => address(page)?,
                })
                .output()
                .context("cannot start the browser")?
                .status;
            ensure!(status.success(), "the browser failed on {}", page.display());
        }
    }
    Ok(())
}

/// The height of a picture, in pixels.
const HEIGHT: u32 = 6000;

/// A folder for a browser's profile, which goes when it is dropped.
struct Profile(PathBuf);

impl Profile {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("pages-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    /// A page that shows another one at a width.
    fn frame(&self, address: &str, width: u32) -> anyhow::Result<PathBuf> {
        let path = self.0.join("frame.html");
        let page = format!(
            "<body style=\"margin:0\"><iframe src=\"{address}\" style=\"border:0\" width={width} height={HEIGHT}>"
        );
        std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's folder for such files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
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
        let Some(browser) = find_browser() else {
            eprintln!("skipped: no browser is found");
            return;
        };
        let profile = Profile::new().unwrap();
        let folder = profile.0.with_extension("written");
        std::fs::create_dir_all(&folder).unwrap();
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
        assert_eq!(check(browser, &file).unwrap(), 4);

        // A check that passes whatever a page does would be none.
        std::fs::write(&file, html.replace("root.classList.add", "nothing.add")).unwrap();
        assert!(
            check(browser, &file)
                .unwrap_err()
                .to_string()
                .contains("console")
        );
        std::fs::write(&file, html.replace("<rect width=\"9\" height=\"9\"/>", "")).unwrap();
        let message = check(browser, &file).unwrap_err().to_string();
        assert!(message.contains("3 of 4 figures"), "{message}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
