use std::collections::BTreeMap;

/// How often examples of each class were taken for each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    names: Vec<String>,
    /// By the true class and the one answered; what did not occur is left out.
    counts: BTreeMap<(usize, usize), u64>,
}

impl Confusion {
    /// No example yet, of classes of these names in the order of their numbers.
    pub fn new(names: Vec<String>) -> Self {
        Self {
            names,
            counts: BTreeMap::new(),
        }
    }

    /// Counts an example of the class `truth` that was taken for `answered`.
    pub fn count(&mut self, truth: usize, answered: usize) {
        self.count_many(truth, answered, 1);
    }

    /// Counts so many examples of the class `truth` that were taken for `answered`.
    pub fn count_many(&mut self, truth: usize, answered: usize, times: u64) {
        *self.counts.entry((truth, answered)).or_default() += times;
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.names.len()
    }

    /// Name of a class; its number where it has none.
    pub fn name(&self, class: usize) -> String {
        let name = self.names.get(class).cloned();
        name.unwrap_or_else(|| class.to_string())
    }

    /// Examples of the class `truth` that were taken for `answered`.
    pub fn times(&self, truth: usize, answered: usize) -> u64 {
        self.counts.get(&(truth, answered)).copied().unwrap_or(0)
    }

    /// Examples of a class.
    pub fn examples(&self, class: usize) -> u64 {
        self.answers(class).map(|(_, count)| count).sum()
    }

    /// What a class was taken for, and how often.
    pub fn answers(&self, class: usize) -> impl Iterator<Item = (usize, u64)> {
        let row = self.counts.range((class, 0)..=(class, usize::MAX));
        row.map(|(&(_, answered), &count)| (answered, count))
    }

    /// Share of a class that was taken for another, in percent; none without an example.
    pub fn error(&self, class: usize) -> Option<f64> {
        let examples = self.examples(class);
        let wrong = examples - self.times(class, class);
        (examples > 0).then(|| 100.0 * wrong as f64 / examples as f64)
    }

    /// Share of all examples that were taken for their own class, in percent; none without an example.
    pub fn accuracy(&self) -> Option<f64> {
        let all: u64 = self.counts.values().sum();
        let right: u64 = (0..self.classes())
            .map(|class| self.times(class, class))
            .sum();
        (all > 0).then(|| 100.0 * right as f64 / all as f64)
    }

    /// Intersection over union of a class, in percent: the examples of it that were taken for it, of those
    /// that are of it or were taken for it; none without either.
    pub fn iou(&self, class: usize) -> Option<f64> {
        let taken: u64 = (0..self.classes())
            .map(|truth| self.times(truth, class))
            .sum();
        let both = self.times(class, class);
        let either = self.examples(class) + taken - both;
        (either > 0).then(|| 100.0 * both as f64 / either as f64)
    }

    /// The mean of [`iou`](Self::iou) over the classes that have one, in percent; none where none has.
    pub fn mean_iou(&self) -> Option<f64> {
        let values: Vec<f64> = (0..self.classes())
            .filter_map(|class| self.iou(class))
            .collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// The true class, the wrong one answered and how often that was, the most frequent first.
    pub fn mistakes(&self) -> Vec<(usize, usize, u64)> {
        let wrong = self
            .counts
            .iter()
            .filter(|((truth, answered), _)| truth != answered);
        let mut mistakes: Vec<_> = wrong
            .map(|(&(truth, answered), &count)| (truth, answered, count))
            .collect();
        mistakes.sort_by_key(|&(_, _, count)| std::cmp::Reverse(count));
        mistakes
    }
}

/// How a network does on each class, by the names of the classes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ByClass {
    /// In the unit of the metric; none for a class without an example.
    pub values: BTreeMap<String, Option<f64>>,
    /// How often examples of a class were taken for one; what did not occur is left out.
    pub confusion: BTreeMap<String, BTreeMap<String, u64>>,
}

impl ByClass {
    /// Of a confusion, with `value` for the score of a class.
    pub fn of(confusion: &Confusion, value: impl Fn(usize) -> Option<f64>) -> Self {
        let mut by_class = Self::default();
        for class in 0..confusion.classes() {
            let name = |class| confusion.name(class);
            let answers = confusion.answers(class);
            let answers = answers.map(|(answered, count)| (name(answered), count));
            by_class.confusion.insert(name(class), answers.collect());
            by_class.values.insert(name(class), value(class));
        }
        by_class
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted() -> Confusion {
        let mut confusion = Confusion::new(["cat", "dog", "owl"].map(String::from).to_vec());
        for (truth, answered) in [(0, 0), (0, 0), (0, 1), (0, 2), (0, 1), (1, 1)] {
            confusion.count(truth, answered);
        }
        confusion
    }

    #[test]
    fn errors_are_shares_of_the_true_class() {
        let confusion = counted();
        let errors = [0, 1, 2].map(|class| confusion.error(class));
        assert_eq!(errors, [Some(60.0), Some(0.0), None]);
        assert_eq!(confusion.examples(0), 5);
        assert_eq!(confusion.mistakes(), [(0, 1, 2), (0, 2, 1)]);
        assert_eq!(confusion.name(7), "7");
    }

    #[test]
    fn a_class_that_nothing_is_of_or_taken_for_has_no_overlap() {
        let mut confusion = counted();
        let overlaps = |confusion: &Confusion| [0, 1, 2].map(|class| confusion.iou(class));
        assert_eq!(
            overlaps(&confusion),
            [Some(40.0), Some(100.0 / 3.0), Some(0.0)]
        );
        assert_eq!(confusion.accuracy(), Some(50.0));
        confusion = Confusion::new(confusion.names);
        assert_eq!((confusion.mean_iou(), confusion.accuracy()), (None, None));
        confusion.count_many(1, 1, 7);
        assert_eq!(overlaps(&confusion), [None, Some(100.0), None]);
        assert_eq!(confusion.mean_iou(), Some(100.0));
    }

    #[test]
    fn by_class_it_is_told_by_name() {
        let confusion = counted();
        let by_class = ByClass::of(&confusion, |class| confusion.error(class));
        assert_eq!(by_class.values["cat"], Some(60.0));
        assert_eq!(by_class.confusion["cat"]["dog"], 2);
        assert!(by_class.confusion["owl"].is_empty());
    }
}
