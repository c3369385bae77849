//! Chromium without a window.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

/// Names that the browser goes by.
pub const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// Widths of a window and of a phone.
pub const WIDTHS: [u32; 2] = [1280, 390];
/// What a reader prefers.
pub const THEMES: [Theme; 2] = [
    Theme {
        name: "light",
        setting: 1,
    },
    Theme {
        name: "dark",
        setting: 0,
    },
];
/// A window is at least so wide; what is narrower is shown in a frame of it.
const WINDOW: u32 = 1280;
/// The height of a window, in pixels; of pictures it is the page's own up to the most.
const HEIGHT: u32 = 1600;
const MOST_HEIGHT: u32 = 16_000;

#[derive(Clone, Copy)]
pub struct Theme {
    pub name: &'static str,
    /// What the browser calls it.
    setting: u8,
}

/// What a page says of itself once it is shown.
pub struct Seen {
    pub figures: usize,
    pub drawn: usize,
    /// The height of all of it, in pixels.
    pub height: u32,
    /// What is wider than the page, if something is.
    pub wider: String,
}

/// A browser that starts.
pub struct Browser(&'static str);

impl Browser {
    pub fn find() -> Option<Self> {
        let starts = |name: &&str| Command::new(name).arg("--version").output().is_ok();
        BROWSERS.into_iter().find(starts).map(Self)
    }

    /// Opens a page in a frame, waits until its script has run, and asks it what it shows.
    pub fn open(&self, page: &Path, width: u32, theme: Theme) -> anyhow::Result<Seen> {
        let profile = Profile::new()?;
        let frame = profile.frame(&address(page)?, width, HEIGHT)?;
        let output = self
            .headless(&profile, theme, HEIGHT)
            .args(["--virtual-time-budget=8000", "--dump-dom"])
            .arg(address(&frame)?)
            .output()
            .context("cannot start the browser")?;
        let said = String::from_utf8_lossy(&output.stderr);
        if let Some(line) = said.lines().find(|line| line.contains(":CONSOLE")) {
            bail!("{}: the console says {line}", page.display());
        }
        let dom = String::from_utf8_lossy(&output.stdout);
        let told = |name: &str| {
            let (_, rest) = dom.split_once(&format!(" data-{name}=\""))?;
            rest.split('"').next()
        };
        let number = |name: &str| told(name)?.parse::<usize>().ok();
        match (
            number("figures"),
            number("drawn"),
            number("height"),
            told("wider"),
        ) {
            (Some(figures), Some(drawn), Some(height), Some(wider)) => Ok(Seen {
                figures,
                drawn,
                height: u32::try_from(height).unwrap_or(MOST_HEIGHT),
                wider: wider.into(),
            }),
            _ => bail!("{}: its script did not run to the end", page.display()),
        }
    }

    /// Takes a picture of all of a page.
    pub fn photograph(
        &self,
        page: &Path,
        width: u32,
        theme: Theme,
        height: u32,
        picture: &Path,
    ) -> anyhow::Result<()> {
        if let Some(folder) = picture.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let height = height.min(MOST_HEIGHT);
        let profile = Profile::new()?;
        let frame = profile.frame(&address(page)?, width, height)?;
        let status = self
            .headless(&profile, theme, height)
            .arg(format!("--screenshot={}", picture.display()))
            .arg("--virtual-time-budget=8000")
            .arg(address(&frame)?)
            .output()
            .context("cannot start the browser")?
            .status;
        ensure!(status.success(), "the browser failed on {}", page.display());
        Ok(())
    }

    /// Without a window, and with no profile of a user.
    fn headless(&self, profile: &Profile, theme: Theme, height: u32) -> Command {
        let mut command = Command::new(self.0);
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
            // The frame's page asks the one inside, another file.
            .arg("--allow-file-access-from-files")
            .arg(format!("--window-size={WINDOW},{height}"))
            .arg(format!(
                "--blink-settings=preferredColorScheme={}",
                theme.setting
            ))
            .arg(format!("--user-data-dir={}", profile.0.display()));
        command
    }
}

fn address(page: &Path) -> anyhow::Result<String> {
    let path = page.canonicalize();
    let path = path.with_context(|| format!("cannot open {}", page.display()))?;
    Ok(format!("file://{}", path.display()))
}

/// A folder for a browser's profile, which goes when it is dropped.
struct Profile(PathBuf);

impl Profile {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("pages-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    /// A page that shows another one at a size, and says of itself what that one says.
    fn frame(&self, address: &str, width: u32, height: u32) -> anyhow::Result<PathBuf> {
        let path = self.0.join("frame.html");
        let page = include_str!("frame.html")
            .replace("ADDRESS", address)
            .replace("WIDTH", &width.to_string())
            .replace("HEIGHT", &height.to_string());
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
