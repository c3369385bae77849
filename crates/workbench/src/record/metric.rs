//! What networks are judged by.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// A figure that networks are judged by. In records its name ends the names of fields, as in
/// `supernet_error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name, in lower case.
    pub name: Cow<'static, str>,
    /// Its unit; empty for none.
    pub unit: Cow<'static, str>,
    /// Which values are better.
    pub direction: Direction,
}

/// Which values of a figure are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Lower ones.
    Lower,
    /// Higher ones.
    Higher,
}

impl Metric {
    /// Share of examples classified wrongly, in percent.
    pub const ERROR: Metric = Metric {
        name: Cow::Borrowed("error"),
        unit: Cow::Borrowed("%"),
        direction: Direction::Lower,
    };

    /// Perplexity: the exponential of the mean loss per token.
    pub const PERPLEXITY: Metric = Metric {
        name: Cow::Borrowed("perplexity"),
        unit: Cow::Borrowed(""),
        direction: Direction::Lower,
    };

    /// Mean intersection over union: the mean over classes of the share of the pixels that are of a class
    /// or taken for it which are both, in percent.
    pub const MEAN_IOU: Metric = Metric {
        name: Cow::Borrowed("mIoU"),
        unit: Cow::Borrowed("%"),
        direction: Direction::Higher,
    };

    /// Whether value `a` is better than value `b`; what is no number is better than nothing.
    pub fn better(&self, a: f64, b: f64) -> bool {
        match self.direction {
            Direction::Lower => a < b,
            Direction::Higher => a > b,
        }
    }

    /// Orders values, the better one first and what is no number last.
    pub fn compare(&self, a: f64, b: f64) -> Ordering {
        let order = match self.direction {
            Direction::Lower => a.total_cmp(&b),
            Direction::Higher => b.total_cmp(&a),
        };
        a.is_nan().cmp(&b.is_nan()).then(order)
    }

    /// How its values are drawn: an error as the accuracy that is left.
    pub fn curve(&self) -> MetricCurve {
        if *self == Self::ERROR {
            return MetricCurve {
                title: "Accuracy".into(),
                unit: "percent".into(),
                complement: true,
            };
        }
        MetricCurve {
            title: capitalised(&self.name),
            unit: self.unit.to_string(),
            complement: false,
        }
    }

    /// A value that every finite one is better than.
    pub fn worst(&self) -> f64 {
        match self.direction {
            Direction::Lower => f64::INFINITY,
            Direction::Higher => f64::NEG_INFINITY,
        }
    }

    /// A value with its unit, as in `2.23 %`.
    pub fn show(&self, value: f64) -> String {
        format!("{value:.2} {}", self.unit).trim_end().to_string()
    }

    /// The name and the unit, for the head of a column, as in `error %`.
    pub fn heading(&self) -> String {
        format!("{} {}", self.name, self.unit)
            .trim_end()
            .to_string()
    }

    /// What a difference of two values is counted in: `points` for percent, else the unit, or the
    /// name where there is none.
    pub fn gap_unit(&self) -> &str {
        match &*self.unit {
            "%" => "points",
            "" => &self.name,
            unit => unit,
        }
    }
}

/// A figure as it is drawn over the epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricCurve {
    /// Title of the chart.
    pub title: String,
    /// Unit of the axis.
    pub unit: String,
    /// Whether 100 less the value is drawn.
    complement: bool,
}

impl MetricCurve {
    /// What is drawn of a value.
    pub fn value(&self, value: f64) -> f64 {
        match self.complement {
            true => 100.0 - value,
            false => value,
        }
    }

    /// Name of the chart's file.
    pub fn file_name(&self) -> String {
        format!("{}.svg", self.title.to_lowercase())
    }
}

/// The text with its first letter in upper case; as it is where it has capitals of its own.
pub fn capitalised(text: &str) -> String {
    if text.chars().any(char::is_uppercase) {
        return text.into();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// How a network does on a set of examples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Mean loss, in nats.
    pub loss: f64,
    /// What it is judged by, in the unit of the [`Metric`].
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_knows_its_direction_and_unit() {
        let error = Metric::ERROR;
        assert!(error.better(1.0, 2.0) && !error.better(2.0, 2.0));
        assert!(error.better(99.0, error.worst()) && !error.better(f64::NAN, error.worst()));
        assert_eq!(
            (error.show(2.234), error.gap_unit()),
            ("2.23 %".into(), "points")
        );
        let perplexity = Metric::PERPLEXITY;
        assert_eq!(perplexity.show(56.1), "56.10");
        assert_eq!(
            [error.heading(), perplexity.heading()],
            ["error %", "perplexity"]
        );
        assert_eq!(perplexity.gap_unit(), "perplexity");
        let overlap = Metric {
            name: "overlap".into(),
            unit: "pixels".into(),
            direction: Direction::Higher,
        };
        assert!(overlap.better(2.0, 1.0) && overlap.better(-1e9, overlap.worst()));
        assert_eq!(overlap.gap_unit(), "pixels");
    }

    #[test]
    fn the_better_value_comes_first_and_no_number_last() {
        let sorted = |direction| {
            let metric = Metric {
                direction,
                ..Metric::ERROR
            };
            let mut values = [2.0, f64::NAN, 1.0, 3.0];
            values.sort_by(|a, b| metric.compare(*a, *b));
            assert!(values[3].is_nan());
            [values[0], values[1], values[2]]
        };
        assert_eq!(sorted(Direction::Lower), [1.0, 2.0, 3.0]);
        assert_eq!(sorted(Direction::Higher), [3.0, 2.0, 1.0]);
    }

    #[test]
    fn an_error_is_drawn_as_accuracy_and_other_figures_as_they_are() {
        let accuracy = Metric::ERROR.curve();
        assert_eq!(accuracy.file_name(), "accuracy.svg");
        assert_eq!(accuracy.value(2.5), 97.5);
        let curve = Metric::PERPLEXITY.curve();
        assert_eq!(
            (curve.title.as_str(), curve.value(2.5)),
            ("Perplexity", 2.5)
        );
        let curve = Metric::MEAN_IOU.curve();
        assert_eq!((curve.title.as_str(), curve.value(2.5)), ("mIoU", 2.5));
        assert_eq!(curve.file_name(), "miou.svg");
    }

    #[test]
    fn it_is_written_in_words() {
        let text = r#"{"name":"error","unit":"%","direction":"lower"}"#;
        assert_eq!(serde_json::to_string(&Metric::ERROR).unwrap(), text);
        assert_eq!(serde_json::from_str::<Metric>(text).unwrap(), Metric::ERROR);
    }
}
