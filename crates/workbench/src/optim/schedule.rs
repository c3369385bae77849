//! Values that change over a run: learning rates and temperatures.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::config::{from_table, parse_table};
use crate::{Result, WorkbenchError};

/// A value as a function of the progress of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "shape", rename_all = "lowercase")]
pub enum Schedule {
    /// The same value throughout.
    Constant {
        /// The value.
        value: f64,
    },
    /// A straight line.
    Linear {
        /// The value at the start.
        from: f64,
        /// The value at the end.
        to: f64,
    },
    /// Half a cosine wave: slow at both ends.
    Cosine {
        /// The value at the start.
        from: f64,
        /// The value at the end.
        to: f64,
    },
    /// A power of what is left of the run: `from (1 - progress)^power`, and not less than `floor`.
    Poly {
        /// The value at the start.
        from: f64,
        /// The power.
        power: f64,
        /// The least value.
        floor: f64,
    },
}

/// The power that segmentation networks are published with.
const POWER: f64 = 0.9;

impl Schedule {
    /// The value at `progress`, which is 0 at the start of a run and 1 at its end; progress outside
    /// of that range counts as the nearer end.
    pub fn value(&self, progress: f64) -> f64 {
        let progress = progress.clamp(0.0, 1.0);
        match *self {
            Self::Constant { value } => value,
            Self::Linear { from, to } => from + (to - from) * progress,
            Self::Cosine { from, to } => cosine(from, to, progress),
            Self::Poly { from, power, floor } => (from * (1.0 - progress).powf(power)).max(floor),
        }
    }

    /// The value at a step, both counted from 0, of a run of `steps` that first rises over
    /// `warm_up` steps along a straight line, `(step + 1) / warm_up` of the value at the start, and
    /// follows the schedule over the remaining steps.
    ///
    /// [`Poly`](Self::Poly) is published otherwise: it runs over all steps, and a step of the warm-up takes
    /// `step / warm_up` of its value, so that the first one is of no effect.
    pub fn value_after_warm_up(&self, step: usize, warm_up: usize, steps: usize) -> f64 {
        if let Self::Poly { .. } = self {
            let share = step.min(warm_up) as f64 / warm_up.max(1) as f64;
            let share = if warm_up == 0 { 1.0 } else { share };
            return share * self.value(step as f64 / steps.max(1) as f64);
        }
        if step < warm_up {
            return self.value(0.0) * (step + 1) as f64 / warm_up as f64;
        }
        let remaining = steps.saturating_sub(warm_up).max(1);
        self.value((step - warm_up) as f64 / remaining as f64)
    }

    /// Whether it has one value throughout, so that it goes on beyond its end.
    pub fn is_constant(&self) -> bool {
        let (low, high) = self.range();
        low == high
    }

    /// The smallest and the largest value that it takes; no numbers where one of its fields is none.
    pub fn range(&self) -> (f64, f64) {
        let (from, to) = (self.value(0.0), self.value(1.0));
        // The larger of a number and none is the number.
        let hidden = matches!(self, Self::Poly { from, floor, .. } if (from + floor).is_nan());
        match from.is_nan() || to.is_nan() || hidden {
            true => (f64::NAN, f64::NAN),
            false => (from.min(to), from.max(to)),
        }
    }
}

/// A schedule as it is written, before its fields are those of its shape: an error inside of it can then
/// name the field.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a schedule such as { shape = \"linear\", from = 1.0, to = 0.1 }"
)]
struct Written {
    shape: Shape,
    from: Option<f64>,
    to: Option<f64>,
    value: Option<f64>,
    power: Option<f64>,
    floor: Option<f64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Constant,
    Linear,
    Cosine,
    Poly,
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written {
            shape,
            from,
            to,
            value,
            power,
            floor,
        } = Written::deserialize(deserializer)?;
        let unknown = |field, valid| Err(D::Error::unknown_field(field, valid));
        let end = |field: &'static str, value: Option<f64>| {
            value.ok_or_else(|| D::Error::missing_field(field))
        };
        match (shape, [from, to], value) {
            (Shape::Poly, [_, Some(_)], _) => unknown("to", &["shape", "from", "power", "floor"]),
            (Shape::Poly, [from, None], None) => Ok(Self::Poly {
                from: end("from", from)?,
                power: power.unwrap_or(POWER),
                floor: floor.unwrap_or(0.0),
            }),
            (Shape::Poly, _, Some(_)) => unknown("value", &["shape", "from", "power", "floor"]),
            _ if power.is_some() => unknown("power", &["shape", "from", "to", "value"]),
            _ if floor.is_some() => unknown("floor", &["shape", "from", "to", "value"]),
            (Shape::Constant, [None, None], value) => Ok(Self::Constant {
                value: end("value", value)?,
            }),
            (Shape::Constant, [Some(_), _], _) => unknown("from", &["shape", "value"]),
            (Shape::Constant, _, _) => unknown("to", &["shape", "value"]),
            (_, _, Some(_)) => unknown("value", &["shape", "from", "to"]),
            (Shape::Linear, [from, to], None) => Ok(Self::Linear {
                from: end("from", from)?,
                to: end("to", to)?,
            }),
            (Shape::Cosine, [from, to], None) => Ok(Self::Cosine {
                from: end("from", from)?,
                to: end("to", to)?,
            }),
        }
    }
}

impl FromStr for Schedule {
    type Err = WorkbenchError;

    /// Of a number, which is a constant, or of a table as configurations have it.
    fn from_str(text: &str) -> Result<Self> {
        if let Ok(value) = text.trim().parse() {
            return Ok(Self::Constant { value });
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Of {
            schedule: Schedule,
        }
        let table = parse_table(&format!("schedule = {text}"), "of an option")?;
        Ok(from_table::<Of>(table, "of an option")?.schedule)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant { value } => write!(f, "constant, {value}"),
            Self::Linear { from, to } => write!(f, "linear from {from} to {to}"),
            Self::Cosine { from, to } => write!(f, "a cosine from {from} to {to}"),
            Self::Poly { from, power, floor } => {
                write!(
                    f,
                    "power {power} of what is left, from {from}, not below {floor}"
                )
            }
        }
    }
}

/// Cosine annealing from `maximum` at progress 0 to `minimum` at progress 1:
/// `minimum + (maximum - minimum) (1 + cos(pi progress)) / 2`.
pub fn cosine(maximum: f64, minimum: f64, progress: f64) -> f64 {
    let weight = 0.5 * (1.0 + (std::f64::consts::PI * progress.clamp(0.0, 1.0)).cos());
    minimum + (maximum - minimum) * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_values(schedule: Schedule, expected: [f64; 4]) {
        for (progress, expected) in [0.0, 0.25, 0.5, 1.0].into_iter().zip(expected) {
            let value = schedule.value(progress);
            assert!(
                (value - expected).abs() < 1e-12,
                "{progress}: {value}, not {expected}"
            );
        }
    }

    #[test]
    fn cosine_follows_its_formula() {
        let quarter = 0.1 + 0.9 * (0.5 + 0.5 * 0.5_f64.sqrt());
        assert_values(
            Schedule::Cosine { from: 1.0, to: 0.1 },
            [1.0, quarter, 0.55, 0.1],
        );
    }

    #[test]
    fn linear_follows_its_line_and_constant_stays() {
        assert_values(
            Schedule::Linear { from: 5.0, to: 1.0 },
            [5.0, 4.0, 3.0, 1.0],
        );
        assert_values(Schedule::Constant { value: 0.3 }, [0.3; 4]);
    }

    #[test]
    fn progress_beyond_the_ends_counts_as_the_end() {
        let schedule = Schedule::Cosine {
            from: 0.025,
            to: 0.001,
        };
        assert_eq!((schedule.value(-1.0), schedule.value(9.0)), (0.025, 0.001));
        assert_eq!(schedule.range(), (0.001, 0.025));
    }

    #[test]
    fn a_range_with_an_end_that_is_no_number_has_none() {
        for (from, to) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0)] {
            for schedule in [Schedule::Linear { from, to }, Schedule::Cosine { from, to }] {
                let (low, high) = schedule.range();
                assert!(!(low.is_finite() && high.is_finite()), "{schedule:?}");
            }
        }
    }

    #[test]
    fn a_warm_up_rises_along_a_line_and_then_the_schedule_begins() {
        let schedule = Schedule::Cosine { from: 0.8, to: 0.0 };
        let values: Vec<f64> = (0..8)
            .map(|step| schedule.value_after_warm_up(step, 4, 8))
            .collect();
        let eighth = 0.4 * (1.0 + 0.5_f64.sqrt());
        let expected = [0.2, 0.4, 0.6, 0.8, 0.8, eighth, 0.4, 0.8 - eighth];
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-12, "{values:?}");
        }
        assert_eq!(schedule.value_after_warm_up(0, 0, 8), 0.8);
    }

    #[test]
    fn a_power_of_what_is_left_ends_at_its_floor() {
        let schedule = |text: &str| text.parse::<Schedule>().unwrap();
        let square = schedule("{ shape = \"poly\", from = 0.8, power = 2, floor = 0.1 }");
        assert_values(square, [0.8, 0.45, 0.2, 0.1]);
        assert_eq!(square.range(), (0.1, 0.8));
        let usual = schedule("{ shape = \"poly\", from = 0.8 }");
        assert_values(
            usual,
            [0.8, 0.8 * 0.75_f64.powf(0.9), 0.8 * 0.5_f64.powf(0.9), 0.0],
        );
        let warmed: Vec<f64> = (0..4)
            .map(|step| square.value_after_warm_up(step, 2, 4))
            .collect();
        assert_eq!(
            warmed,
            [
                0.0,
                0.5 * square.value(0.25),
                square.value(0.5),
                square.value(0.75)
            ]
        );
        assert_eq!(square.value_after_warm_up(0, 0, 4), 0.8);
        for (from, floor) in [(f64::NAN, 0.0), (0.1, f64::NAN)] {
            assert!(
                Schedule::Poly {
                    from,
                    power: 0.9,
                    floor
                }
                .range()
                .0
                .is_nan()
            );
        }
    }

    #[test]
    fn it_is_written_in_a_configuration_by_its_shape() {
        let text = "shape = \"linear\"\nfrom = 1\nto = 0.1";
        let schedule: Schedule = toml::from_str(text).unwrap();
        assert_eq!(schedule, Schedule::Linear { from: 1.0, to: 0.1 });
    }

    #[test]
    fn an_option_names_it_by_a_number_or_a_table() {
        let of = |text: &str| text.parse::<Schedule>();
        assert_eq!(of("0.5").unwrap(), Schedule::Constant { value: 0.5 });
        let cosine = of("{ shape = \"cosine\", from = 0.1, to = 0 }").unwrap();
        assert_eq!(cosine, Schedule::Cosine { from: 0.1, to: 0.0 });
        assert!(of("0.5").unwrap().is_constant() && !cosine.is_constant());
        for (text, expected) in [
            ("fast", "line 1"),
            ("true", "a schedule such as"),
            ("{ shape = \"cosine\" }", "missing field `from`"),
            (
                "{ shape = \"poly\", from = 1, to = 0 }",
                "unknown field `to`",
            ),
            (
                "{ shape = \"linear\", from = 1, to = 0, power = 2 }",
                "unknown field `power`",
            ),
            ("1\nother = 2", "unknown field `other`"),
        ] {
            let message = of(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
