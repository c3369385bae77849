//! Seeds of several runs, as a command line names them.

use std::fmt;
use std::str::FromStr;

use crate::{Result, WorkbenchError};

/// Seeds of runs that are made one after the other, each of them once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds(Vec<u64>);

/// More than anybody waits for.
const MOST: usize = 1000;

impl Seeds {
    /// The seeds in the order in which they were named.
    pub fn as_slice(&self) -> &[u64] {
        &self.0
    }
}

impl FromStr for Seeds {
    type Err = WorkbenchError;

    /// Of `0..4`, which is 0, 1, 2 and 3, of a list such as `0,2,5`, or of both, `0..3,7`.
    fn from_str(text: &str) -> Result<Self> {
        let refuse = |valid: String| WorkbenchError::field("seeds", text, &valid);
        let mut seeds = Vec::new();
        for part in text.split(',') {
            let range = range(part).ok_or_else(|| refuse(valid()))?;
            // One more than there may be is enough to refuse them.
            seeds.extend(range.take(MOST + 1));
            if seeds.len() > MOST {
                return Err(refuse(valid()));
            }
        }
        let mut sorted = seeds.clone();
        sorted.sort_unstable();
        match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(refuse(format!(
                "each seed once, where {} is named again",
                pair[0]
            ))),
            None => Ok(Self(seeds)),
        }
    }
}

/// The numbers of `4` or of `0..4`; none where there is no number.
fn range(text: &str) -> Option<std::ops::Range<u64>> {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match text.split_once("..") {
        Some((from, to)) => number(from)?..number(to)?,
        None => {
            let seed = number(text)?;
            seed..seed.checked_add(1)?
        }
    };
    (!range.is_empty()).then_some(range)
}

fn valid() -> String {
    format!(
        "a range such as 0..4, which is 0, 1, 2 and 3, or a list such as 0,2,5, of at most {MOST} \
         seeds"
    )
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seeds: Vec<String> = self.0.iter().map(u64::to_string).collect();
        f.write_str(&seeds.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(text: &str) -> Result<Vec<u64>> {
        text.parse().map(|Seeds(seeds)| seeds)
    }

    #[test]
    fn seeds_are_ranges_and_lists() {
        assert_eq!(seeds("0..4").unwrap(), [0, 1, 2, 3]);
        assert_eq!(seeds("7, 2").unwrap(), [7, 2]);
        assert_eq!(seeds("5").unwrap(), [5]);
        assert_eq!(seeds("0..2,7,10..12").unwrap(), [0, 1, 7, 10, 11]);
        assert_eq!("0..3".parse::<Seeds>().unwrap().to_string(), "0,1,2");
        for wrong in [
            "4..4",
            "0..18446744073709551615",
            "18446744073709551615",
            "",
            "a..3",
            "1,,2",
            "-1",
            "1..2..3",
            "0..600,600..1200",
        ] {
            let error = seeds(wrong).unwrap_err().to_string();
            assert!(
                error.contains("`seeds` is") && error.contains("0..4"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_seed_that_is_named_twice_is_refused_by_name() {
        for text in ["1,1", "0..3,2", "5,0..9"] {
            let error = seeds(text).unwrap_err().to_string();
            assert!(error.contains(&format!("`seeds` is {text}")), "{error}");
            assert!(error.contains("each seed once, where "), "{error}");
        }
        let error = seeds("0..3,2").unwrap_err().to_string();
        assert!(error.ends_with("where 2 is named again"), "{error}");
    }
}
