//! How a network does class by class, for a terminal.

use clap::Args;
use workbench::columns::{WIDTH, aligned};
use workbench::problem::{Confusion, Problem};

use crate::TrainError;

/// What is told of a score beside itself.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct DetailArgs {
    /// Print the score of every class and what it is taken for most often.
    #[arg(long)]
    per_class: bool,
    /// Print how often each class is taken for each; of more than 20, the most frequent mistakes.
    #[arg(long)]
    confusion: bool,
}

/// At most this many classes make a matrix, and mistakes a list.
const MOST: usize = 20;

impl DetailArgs {
    /// Whether nothing of the classes is asked for.
    pub(super) fn is_empty(self) -> bool {
        !(self.per_class || self.confusion)
    }

    /// Checks that the answers to a problem can be told class by class.
    ///
    /// # Errors
    ///
    /// When they are asked for and are no classes.
    pub(super) fn check<P: Problem>(self, problem: &P) -> Result<(), TrainError> {
        if self.is_empty() || problem.classes().is_some() {
            return Ok(());
        }
        Err(TrainError::Option {
            option: if self.per_class {
                "per-class"
            } else {
                "confusion"
            },
            found: format!("given, but an answer to `{}` is no class", problem.name()),
            valid: "no such option for this data set".into(),
        })
    }

    /// What was asked for.
    pub(super) fn text<P: Problem>(self, problem: &P, confusion: &Confusion) -> String {
        let mut text = String::new();
        if self.per_class {
            text += &per_class(problem, confusion);
        }
        if self.confusion {
            text += &match confusion.classes() <= MOST {
                true => matrix(confusion),
                false => mistakes(confusion),
            };
        }
        text
    }
}

fn per_class<P: Problem>(problem: &P, confusion: &Confusion) -> String {
    let metric = problem.metric();
    let head = ["class", P::CLASSIFIED, &metric.heading(), "most taken for"].map(String::from);
    let mut rows = vec![head.to_vec()];
    for class in 0..confusion.classes() {
        let wrong = confusion
            .answers(class)
            .filter(|(answered, _)| *answered != class);
        let most = wrong.max_by_key(|&(answered, count)| (count, std::cmp::Reverse(answered)));
        let score = problem.class_score(confusion, class);
        rows.push(vec![
            confusion.name(class),
            confusion.examples(class).to_string(),
            score.map_or("-".into(), |value| format!("{value:.2}")),
            most.map_or(String::new(), |(answered, count)| {
                format!("{} ({count})", confusion.name(answered))
            }),
        ]);
    }
    let facts = problem.class_facts(confusion);
    let facts = facts
        .iter()
        .map(|(name, value)| format!("{name} {value}\n"));
    aligned(&rows) + &facts.collect::<String>()
}

/// A row for each true class and a column for each answer; columns are numbered where their names would
/// not fit a terminal.
fn matrix(confusion: &Confusion) -> String {
    let classes = 0..confusion.classes();
    let row = |class: usize, name: String| {
        let times = classes
            .clone()
            .map(|answered| match confusion.times(class, answered) {
                0 => ".".into(),
                count => count.to_string(),
            });
        std::iter::once(name).chain(times).collect::<Vec<String>>()
    };
    let named = |head: &dyn Fn(usize) -> String, name: &dyn Fn(usize) -> String| {
        let corner = std::iter::once("true \\ answered".to_string());
        let head = corner.chain(classes.clone().map(head)).collect();
        let rows = classes.clone().map(|class| row(class, name(class)));
        aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
    };
    let by_name = named(&|class| confusion.name(class), &|class| {
        confusion.name(class)
    });
    if by_name.lines().all(|line| line.chars().count() <= WIDTH) {
        return by_name;
    }
    named(&|class| class.to_string(), &|class| {
        format!("{class} {}", confusion.name(class))
    })
}

fn mistakes(confusion: &Confusion) -> String {
    let mistakes = confusion.mistakes();
    let mut rows = vec![["true", "answered", "times"].map(String::from).to_vec()];
    rows.extend(mistakes.iter().take(MOST).map(|&(truth, answered, count)| {
        vec![
            confusion.name(truth),
            confusion.name(answered),
            count.to_string(),
        ]
    }));
    let more = mistakes.len().saturating_sub(MOST);
    let more = match more {
        0 => String::new(),
        more => format!("and {more} less frequent pairs of classes\n"),
    };
    aligned(&rows) + &more
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(names: &[String]) -> Confusion {
        let mut confusion = Confusion::new(names.to_vec());
        for (truth, answered, times) in [(0, 0, 12), (0, 1, 3), (1, 1, 4)] {
            (0..times).for_each(|_| confusion.count(truth, answered));
        }
        confusion
    }

    #[test]
    fn a_matrix_has_true_classes_for_rows() {
        let names = ["cat", "dog"].map(String::from);
        let expected = "\
true \\ answered  cat  dog
cat               12    3
dog                .    4
";
        assert_eq!(matrix(&counted(&names)), expected);
    }

    #[test]
    fn long_names_head_rows_alone() {
        let names: Vec<String> = (0..12)
            .map(|at| format!("a class of number {at}"))
            .collect();
        let text = matrix(&counted(&names));
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(text.contains("\n1 a class of number 1 "), "{text}");
    }

    #[test]
    fn of_many_classes_the_most_frequent_mistakes_are_listed() {
        let names: Vec<String> = (0..50).map(|class| format!("n{class}")).collect();
        let mut confusion = counted(&names);
        (1..30).for_each(|class| confusion.count(class, class + 1));
        let text = mistakes(&confusion);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1].split_whitespace().collect::<Vec<_>>(),
            ["n0", "n1", "3"]
        );
        assert_eq!(lines.len(), 22);
        assert_eq!(lines[21], "and 10 less frequent pairs of classes");
    }
}
