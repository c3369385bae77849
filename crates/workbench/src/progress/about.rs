/// What a display should know of a run that begins or goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunAbout {
    /// What is done, in a word.
    pub label: String,
    /// Name of the run.
    pub name: String,
    /// What it runs on.
    pub on: String,
    /// Its folder.
    pub into: String,
    /// How much memory it is expected to need, where that is known.
    pub memory: Option<String>,
    /// Number of the first step of each epoch, and at the end that of all steps.
    pub first_steps: Vec<usize>,
    /// Epochs that are done.
    pub epochs_done: usize,
}

impl RunAbout {
    /// Steps that are done and those of the whole run.
    pub(super) fn steps(&self) -> [u64; 2] {
        let all = self.first_steps.last().copied().unwrap_or(0);
        let done = self.first_steps.get(self.epochs_done).copied();
        [done.unwrap_or(all) as u64, all as u64]
    }

    /// Epochs of the whole run.
    pub(super) fn epochs(&self) -> usize {
        self.first_steps.len().saturating_sub(1)
    }
}
