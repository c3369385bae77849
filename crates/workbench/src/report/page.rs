//! What a page says, before it is HTML.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::plot::{LineChart, Shaded};

/// A page that opens from disk and needs nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The heading.
    pub title: String,
    /// What it is of, such as `search`.
    pub kind: String,
    /// What comes before all else, such as that a run is not finished.
    pub warning: Option<String>,
    /// What was done and what came of it, in a sentence or two.
    pub lead: String,
    /// The figures that matter most.
    pub figures: Vec<Headline>,
    /// What stands below them, by name.
    pub facts: Vec<(String, String)>,
    /// Everything else, in its order.
    pub chapters: Vec<Chapter>,
    /// What made the page, as its foot tells.
    pub made_by: String,
}

/// A figure of the first screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Headline {
    /// What it is of.
    pub name: String,
    /// The figure, with its unit.
    pub value: String,
    /// How it is to be understood, in a few words.
    pub note: String,
}

impl Headline {
    /// A figure and a few words.
    pub fn new(name: &str, value: impl Into<String>, note: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            note: note.into(),
        }
    }
}

/// A part of a page under a heading of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// The heading.
    pub title: String,
    /// What it holds.
    pub blocks: Vec<Block>,
}

impl Chapter {
    /// A chapter of these blocks; none where there are none.
    pub fn of(title: &str, blocks: Vec<Block>) -> Option<Self> {
        let title = title.into();
        (!blocks.is_empty()).then_some(Self { title, blocks })
    }
}

/// Something that a chapter shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    /// A paragraph.
    Text {
        /// The paragraph.
        text: String,
    },
    /// Paragraphs that stand below each other, such as notes.
    List {
        /// The paragraphs.
        items: Vec<String>,
    },
    /// Names and what they say.
    Facts {
        /// In their order.
        facts: Vec<(String, String)>,
    },
    /// Rows of cells.
    Table(Table),
    /// Figures as bars.
    Bars(Bars),
    /// Curves over a common pair of axes.
    Chart(Chart),
    /// A drawing.
    Drawing(Drawing),
    /// Probabilities of operations over the epochs.
    Probabilities(Probabilities),
    /// Examples with what is true and what was answered.
    Samples {
        /// What they are, in a sentence.
        text: String,
        /// The examples.
        samples: Vec<Sample>,
    },
    /// How often examples of each class were taken for each.
    Confusion(ConfusionTable),
    /// The fields of a configuration.
    Settings {
        /// In their order.
        settings: Vec<Setting>,
    },
    /// Something to be typed or read by a program.
    Code {
        /// As it is.
        text: String,
    },
    /// Links to files beside the page.
    Links {
        /// Names and relative addresses.
        links: Vec<(String, String)>,
    },
}

impl Block {
    /// A paragraph.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// Rows of cells: the first column to the left, all others to the right.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Table {
    /// What it is, in a few words.
    pub caption: String,
    /// Names of the columns.
    pub head: Vec<String>,
    /// A cell for each column.
    pub rows: Vec<Vec<String>>,
    /// Whether it is shown only when it is asked for.
    #[serde(default)]
    pub folded: bool,
}

/// Figures of one unit, each with a bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bars {
    /// What they are.
    pub caption: String,
    /// The unit, empty for none.
    pub unit: String,
    /// The value of a whole bar.
    pub most: f64,
    /// The bars.
    pub bars: Vec<Bar>,
}

/// One of several bars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// What it is of.
    pub name: String,
    /// Its value; none where there is none.
    pub value: Option<f64>,
    /// What else is said of it.
    pub note: String,
}

/// Curves over a common pair of axes: drawn by a script that shows values, or without it, and in print, as a
/// picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// The heading.
    pub title: String,
    /// What the horizontal axis counts.
    pub x_label: String,
    /// What the vertical axis counts.
    pub y_label: String,
    /// What is shaded, and until where.
    pub shaded: Option<(String, f64)>,
    /// A value that is always in the picture, with a line of its own.
    pub baseline: Option<f64>,
    /// The curves.
    pub series: Vec<Series>,
}

/// A curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// The curve of those records that have a value, over their epochs.
    pub fn over_epochs<'a, R: 'a>(
        name: impl Into<String>,
        records: impl IntoIterator<Item = &'a R>,
        point: impl Fn(&R) -> Option<(usize, f64)>,
    ) -> Self {
        let points = records.into_iter().filter_map(point);
        Self {
            name: name.into(),
            points: points.map(|(epoch, value)| (epoch as f64, value)).collect(),
        }
    }
}

impl Chart {
    /// The chart as a picture.
    ///
    /// # Errors
    ///
    /// When it cannot be drawn.
    pub fn svg(&self) -> Result<String> {
        let series = self.series.iter();
        let series: Vec<_> = series
            .map(|series| (series.name.clone(), series.points.clone()))
            .collect();
        let chart = LineChart {
            title: &self.title,
            x_label: &self.x_label,
            y_label: &self.y_label,
            shaded: self.shaded.as_ref().map(|(name, until)| Shaded {
                name,
                until: *until,
            }),
            baseline: self.baseline,
        };
        chart.svg(&series)
    }
}

/// A drawing of the project's own: its text is put into the page as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// What it is.
    pub caption: String,
    /// SVG.
    pub svg: String,
    /// Whether it is shown only when it is asked for.
    #[serde(default)]
    pub folded: bool,
}

/// Probabilities of the operations of every edge, for a person to go through epoch by epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probabilities {
    /// What they are of.
    pub caption: String,
    /// Names of the operations.
    pub operations: Vec<String>,
    /// Names of the edges.
    pub edges: Vec<String>,
    /// Numbers of the epochs.
    pub epochs: Vec<usize>,
    /// `[epochs][edges][operations]`, in percent, rounded.
    pub values: Vec<Vec<Vec<u8>>>,
}

/// An example, with what is true of it and what was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum Sample {
    /// A picture of one class.
    Labelled {
        /// The picture.
        picture: Picture,
        /// Its class.
        truth: String,
        /// The class answered.
        answered: String,
    },
    /// Pictures beside each other, such as an image, what is true and what was answered.
    Panels {
        /// From left to right.
        panels: Vec<Panel>,
    },
    /// A text with how probable each of its words was.
    Words {
        /// Words and their probabilities, 0 to 1.
        words: Vec<(String, f64)>,
    },
    /// A text that a network wrote.
    Passage {
        /// How it was written.
        how: String,
        /// The text.
        text: String,
    },
}

/// A picture in the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// A PNG file in base64.
    pub png: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// One of several pictures beside each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panel {
    /// What it is.
    pub name: String,
    /// The picture.
    pub picture: Picture,
    /// What its colours stand for: names and colours as `#rrggbb`.
    pub key: Vec<(String, String)>,
}

/// How often examples of each class were taken for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionTable {
    /// What is counted, as a plural noun.
    pub of: String,
    /// Names of the classes.
    pub names: Vec<String>,
    /// `[true][answered]`.
    pub counts: Vec<Vec<u64>>,
}

/// A field of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name with its section.
    pub field: String,
    /// Its value as TOML.
    pub value: String,
    /// The default where the value is another one; empty where the default has no such field.
    pub default: Option<String>,
}
