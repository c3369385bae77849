//! What people call the parts of a data set.

/// What the images of a part are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// To learn from.
    Training,
    /// To judge by while it learns.
    Validation,
    /// To judge by in the end.
    Test,
}

const TRAINING: [&str; 3] = ["train", "training", "trn"];
const VALIDATION: [&str; 8] = [
    "val",
    "valid",
    "validation",
    "validate",
    "eval",
    "evaluation",
    "dev",
    "development",
];
const TEST: [&str; 6] = ["test", "tests", "testing", "tst", "holdout", "heldout"];
const UNLABELLED: [&str; 5] = ["pred", "predict", "prediction", "unlabeled", "unlabelled"];

/// Words beside the part's own that say nothing about it: `train_images`, `TestSet`, `val2017`.
const FILLERS: [&str; 13] = [
    "dataset", "datasets", "data", "images", "image", "imgs", "img", "pictures", "photos", "set",
    "split", "folder", "files",
];

impl Part {
    /// The part that a folder of this name holds, whatever its case, separators and fillers.
    pub(super) fn of(name: &str) -> Option<Self> {
        let lower = name.to_lowercase();
        let letters: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
        Self::of_word(without_fillers(&letters))
    }

    /// The part that one of the words of a name speaks of, as in `seg_train`.
    pub(super) fn mentioned(name: &str) -> Option<Self> {
        let lower = name.to_lowercase();
        let mut words = lower.split(|c: char| !c.is_alphanumeric());
        Self::of(name).or_else(|| words.find_map(|word| Self::of_word(without_fillers(word))))
    }

    fn of_word(word: &str) -> Option<Self> {
        let kinds = [
            (&TRAINING[..], Self::Training),
            (&VALIDATION, Self::Validation),
            (&TEST, Self::Test),
        ];
        let kind = kinds.into_iter().find(|(words, _)| words.contains(&word));
        kind.map(|(_, part)| part)
    }
}

/// Whether one of the words of a name says that its images have no labels, as in `seg_pred`.
pub(super) fn is_unlabelled(name: &str) -> bool {
    let lower = name.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    words.any(|word| UNLABELLED.contains(&without_fillers(word)))
}

/// Whether a name means a class as often as a part: what is valid, or not.
pub(super) fn is_ambiguous(name: &str) -> bool {
    name.eq_ignore_ascii_case("valid")
}

/// Lower-case letters without fillers, years and numbers before and behind.
fn without_fillers(letters: &str) -> &str {
    let mut rest = letters.trim_matches(|c: char| c.is_ascii_digit());
    while let Some(shorter) = FILLERS
        .iter()
        .find_map(|filler| rest.strip_suffix(filler).or(rest.strip_prefix(filler)))
        .filter(|shorter| !shorter.is_empty())
    {
        rest = shorter;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_known_by_any_spelling() {
        use Part::{Test, Training, Validation};
        for (names, part) in [
            (
                &[
                    "train",
                    "Train",
                    "TRAINING",
                    "train_images",
                    "Training Set",
                    "trainset",
                    "train2017",
                    "01_train",
                    "img-train",
                    "TrainingData",
                    "data_train",
                ][..],
                Some(Training),
            ),
            (
                &["val", "Valid", "validation_set", "dev", "Eval", "val2017"],
                Some(Validation),
            ),
            (
                &[
                    "test",
                    "TEST",
                    "Testing",
                    "test-set",
                    "held_out",
                    "holdout",
                    "test_images",
                ],
                Some(Test),
            ),
            (
                &[
                    "train station",
                    "testudo",
                    "steam train",
                    "value",
                    "data",
                    "set",
                    "contest",
                    "2017",
                ],
                None,
            ),
        ] {
            for name in names {
                assert_eq!(Part::of(name), part, "{name}");
            }
        }
        assert_eq!(Part::mentioned("seg_train"), Some(Training));
        assert_eq!(Part::mentioned("fruits-360_Test"), Some(Test));
        assert_eq!(Part::mentioned("ILSVRC2012_img_val"), Some(Validation));
        assert_eq!(Part::mentioned("restrain"), None);
    }
}
