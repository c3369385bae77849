//! How a network does class by class.

use super::{Bar, Bars, Block, ConfusionTable, Table};
use crate::record::{ByClass, Direction, Metric};

/// At most this many classes make a matrix; of more, the most frequent mistakes are listed.
const MOST: usize = 25;

/// The score of every class, and what classes are taken for; `of` is what is counted, as a plural noun.
pub fn by_class(metric: &Metric, by_class: &ByClass, of: &str) -> Vec<Block> {
    let examples = |name: &String| {
        let answers = by_class.confusion.get(name);
        answers.map_or(0, |answers| answers.values().sum::<u64>())
    };
    let bars = by_class.values.iter().map(|(name, value)| Bar {
        name: name.clone(),
        value: *value,
        note: format!("of {} {of}", examples(name)),
    });
    let bars: Vec<Bar> = bars.collect();
    let values = bars.iter().filter_map(|bar| bar.value);
    // Mistakes are few: beside 100 % none of them would show.
    let most = match metric.direction {
        Direction::Higher if metric.unit == "%" => 100.0,
        _ => values.fold(1.0, f64::max),
    };
    let scores = Block::Bars(Bars {
        caption: format!("{} of each class", metric.name),
        unit: metric.unit.to_string(),
        most,
        bars,
    });
    let counts = match by_class.confusion.len() <= MOST {
        true => matrix(by_class, of),
        false => mistakes(by_class),
    };
    vec![scores, counts]
}

fn matrix(by_class: &ByClass, of: &str) -> Block {
    let names: Vec<String> = by_class.confusion.keys().cloned().collect();
    let count = |truth: &String, answered: &String| {
        let answers = by_class.confusion.get(truth);
        let count = answers.and_then(|answers| answers.get(answered));
        count.copied().unwrap_or(0)
    };
    let row = |truth| {
        names
            .iter()
            .map(|answered| count(truth, answered))
            .collect()
    };
    Block::Confusion(ConfusionTable {
        of: of.into(),
        counts: names.iter().map(row).collect(),
        names,
    })
}

fn mistakes(by_class: &ByClass) -> Block {
    let all = by_class.confusion.iter().flat_map(|(truth, answers)| {
        let wrong = answers
            .iter()
            .filter(move |(answered, _)| *answered != truth);
        wrong.map(move |(answered, count)| (truth, answered, *count))
    });
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|&(_, _, count)| std::cmp::Reverse(count));
    let rows = all.iter().take(MOST);
    let rows = rows
        .map(|(truth, answered, count)| {
            [*truth, *answered]
                .map(String::clone)
                .into_iter()
                .chain([count.to_string()])
                .collect()
        })
        .collect();
    Block::Table(Table {
        caption: "The most frequent mistakes".into(),
        head: ["true class", "answer", "times"].map(String::from).into(),
        rows,
        folded: false,
    })
}
