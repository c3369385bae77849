use std::fmt::Debug;

use crate::SupernetError;

/// Operations of cells, and the kinds of cells they make.
///
/// Operations are known by their names in configurations, genotypes and messages.
pub trait OperationSet: Copy + Eq + Debug + Send + Sync + 'static {
    /// All operations that a genotype or a search space may name.
    const ALL: &'static [Self];
    /// Those of a search space that names none, in the order of the logits.
    const SEARCHED: &'static [Self] = Self::ALL;
    /// The operation that contributes nothing, where the set has one: it takes part in the draw, and
    /// no genotype keeps it.
    const NONE: Option<Self>;
    /// The kinds of cells, each with a table of logits of its own: `["normal", "reduce"]`, or
    /// `["cell"]`.
    const CELLS: &'static [&'static str];
    /// Number of inputs of a cell.
    const INPUTS: usize;
    /// Intermediate nodes of a cell where a space does not say.
    const NODES: usize = 4;
    /// Most edges into a node that [`DeriveRule::DartsTop2`](crate::DeriveRule::DartsTop2) keeps.
    const KEPT_EDGES: usize = Self::INPUTS;
    /// The operation that hands its input on, where the set has one: cells that are full of it are how
    /// differentiable search collapses.
    const SKIP: Option<Self> = None;
    /// The operations that pool: like a skip, they have no weights.
    const POOLS: &'static [Self] = &[];
    /// Published genotypes: their names, and their text.
    const PUBLISHED: &'static [(&'static str, &'static str)] = &[];

    /// What else published codes call the fields of a genotype: their name, and ours, which is that of a
    /// kind of cell, or that with `_concat` behind it.
    const FIELDS: &'static [(&'static str, &'static str)] = &[];

    /// The number that pictures show the first node of a cell by.
    const FIRST_NODE: usize = 0;
    /// What pictures call the output of a cell.
    const OUTPUT: &'static str = "c_{k}";
    /// How the nodes of a cell make its output, in pictures.
    const JOINED: &'static str = "concat";

    /// The name in configurations and genotypes: without spaces and without `@`, `*`, `|`.
    fn name(self) -> &'static str;

    /// What titles call a kind of cell, an index of [`CELLS`](Self::CELLS): "normal cell".
    fn cell_title(cell: usize) -> String {
        match Self::CELLS[cell] {
            "cell" => "cell".into(),
            name => format!("{name} cell"),
        }
    }

    /// What pictures call an input of a cell.
    fn input_label(input: usize) -> String {
        format!("input {input}")
    }

    /// The place of an operation among all, which is its colour in every picture.
    fn place(self) -> usize {
        let same = |other: &Self| *other == self;
        Self::ALL.iter().position(same).unwrap_or(0)
    }

    /// The operation of this name, if there is one.
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|op| op.name() == name)
    }

    /// All names, separated by commas, for messages.
    fn names() -> String {
        let names: Vec<_> = Self::ALL.iter().map(|op| op.name()).collect();
        names.join(", ")
    }
}

/// The operation of this name; `place` says where it was read.
pub(crate) fn find<O: OperationSet>(place: &str, name: &str) -> Result<O, SupernetError> {
    O::from_name(name).ok_or_else(|| {
        let names = O::ALL.iter().map(|op| op.name());
        SupernetError::unknown_operation(place, name, names)
    })
}

/// Reads and writes operations by name.
pub(crate) mod by_name {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::{OperationSet, find};

    pub(crate) fn serialize<O: OperationSet, S: Serializer>(
        op: &O,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        op.name().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, O: OperationSet, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<O, D::Error> {
        let name = String::deserialize(deserializer)?;
        find("", &name).map_err(D::Error::custom)
    }

    /// The same for a list of them. Each is read on its own, so that an error can say which it is.
    pub(crate) mod list {
        use super::*;

        #[derive(Serialize, Deserialize)]
        #[serde(transparent, bound = "O: OperationSet")]
        struct Named<O>(#[serde(with = "super")] O);

        pub(crate) fn serialize<O: OperationSet, S: Serializer>(
            ops: &[O],
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(ops.iter().map(|&op| Named(op)))
        }

        pub(crate) fn deserialize<'de, O: OperationSet, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Vec<O>, D::Error> {
            let named = Vec::<Named<O>>::deserialize(deserializer)?;
            Ok(named.into_iter().map(|Named(op)| op).collect())
        }
    }
}
