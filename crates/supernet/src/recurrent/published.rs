use super::RecurrentOperation;
use crate::SupernetError;
use crate::architecture::Genotype;

/// A published recurrent cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishedRecurrent {
    /// First-order DARTS (Liu et al. 2019).
    DartsV1,
    /// Second-order DARTS (Liu et al. 2019).
    DartsV2,
}

impl PublishedRecurrent {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::DartsV1, Self::DartsV2];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DartsV1 => "darts-rnn-v1",
            Self::DartsV2 => "darts-rnn-v2",
        }
    }

    /// The cell of this name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cell| cell.name() == name)
    }

    /// The cell in the text form of [`Genotype`].
    pub const fn text(self) -> &'static str {
        match self {
            Self::DartsV1 => {
                "cell: relu@0 | relu@1 | tanh@2 | relu@3 | relu@4 | identity@1 | relu@5 | relu@1"
            }
            Self::DartsV2 => {
                "cell: sigmoid@0 | relu@1 | relu@1 | identity@1 | tanh@2 | sigmoid@5 | tanh@3 \
                 | relu@5"
            }
        }
    }

    /// The cell.
    ///
    /// # Errors
    ///
    /// None for the cells listed here; the type is that of reading any genotype.
    pub fn genotype(self) -> Result<Genotype<RecurrentOperation>, SupernetError> {
        Genotype::parse(self.name(), self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_a_cell_of_eight_steps_with_one_pair_each() {
        for cell in PublishedRecurrent::ALL {
            let found = PublishedRecurrent::find(cell.name()).unwrap();
            let genotype = found.genotype().unwrap();
            assert!(genotype.cells[0].nodes.iter().all(|step| step.len() == 1));
            assert_eq!(genotype.nodes(), 8);
            assert_eq!(genotype.to_string(), cell.text());
            let json = serde_json::to_string(&genotype).unwrap();
            assert_eq!(Genotype::parse("file", &json).unwrap(), genotype);
            let pairs = genotype.cells[0].operations();
            let pairs: Vec<String> = pairs
                .map(|pair| format!("('{}', {})", pair.op, pair.input))
                .collect();
            let pairs = pairs.join(", ");
            for printed in [
                format!("Genotype(recurrent=[{pairs}], concat=range(1, 9))"),
                format!("DARTS_V2 = Genotype(recurrent = [{pairs}], concat = [1,2,3,4,5,6,7,8])"),
                format!("10:30 genotype = {{'recurrent': [{pairs}], 'concat': range(1, 9)}}"),
            ] {
                assert_eq!(Genotype::read(&printed).unwrap(), genotype, "{printed}");
            }
        }
        assert_eq!(PublishedRecurrent::find("darts-v2"), None);
    }
}
