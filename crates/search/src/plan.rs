use supernet::CostTable;
use workbench::machine::halved_until;
use workbench::problem::Problem;

use crate::config::LoopConfig;
use crate::{SearchConfig, SearchError, Task};

/// A search before any network is made: data are loaded, the task is sized for them, and what it will need
/// is known.
pub struct SearchPlan<T: Task> {
    pub(crate) config: SearchConfig<T>,
    pub(crate) task: T,
    pub(crate) problem: T::Problem,
    pub(crate) budget: Option<Budget>,
}

/// What the child may cost.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    pub(crate) costs: CostTable,
    pub(crate) most: f64,
}

impl<T: Task> SearchPlan<T> {
    /// Loads the data and sizes the task.
    ///
    /// # Errors
    ///
    /// When the data cannot be loaded or do not fit the configuration.
    pub fn open(config: SearchConfig<T>) -> Result<Self, SearchError> {
        let (task, problem) = T::open(&config)?;
        let uncounted = |field, found: f64, valid| {
            let valid = format!(
                "{valid}: `task` {} does not count what operations cost",
                T::NAME
            );
            SearchError::field(field, found, &valid)
        };
        let alpha = &config.alpha;
        if alpha.cost_penalty > 0.0 && task.costs(alpha.cost).is_none() {
            return Err(uncounted("alpha.cost_penalty", alpha.cost_penalty, "0"));
        }
        let budget = match alpha.cost_budget {
            None => None,
            Some(most) => {
                let costs = task.child_costs(alpha.cost);
                let costs = costs.ok_or_else(|| uncounted("alpha.cost_budget", most, "none"))?;
                let least = costs.least(&config.space);
                if most < least {
                    let what = alpha.cost.name();
                    let valid = format!(
                        "{least} or more, the {what} of the cheapest child of this space and size"
                    );
                    return Err(SearchError::field("alpha.cost_budget", most, &valid));
                }
                Some(Budget { costs, most })
            }
        };
        Ok(Self {
            config,
            task,
            problem,
            budget,
        })
    }

    /// Bytes that a step is expected to need, where the task can tell.
    pub fn step_bytes(&self) -> Option<u64> {
        self.task.step_bytes(&self.config)
    }

    /// What would make a step fit, in words.
    pub(crate) fn memory_advice(&self, fits: &dyn Fn(u64) -> bool) -> String {
        let holds = |change: &dyn Fn(&mut LoopConfig)| {
            let mut config = self.config.clone();
            change(&mut config.search);
            self.task.step_bytes(&config).is_some_and(fits)
        };
        let mut ways = Vec::new();
        let batch_size = self.config.search.batch_size;
        let smaller = |batch| holds(&|search| search.batch_size = batch);
        if let Some(batch) = halved_until(batch_size, 2, smaller) {
            ways.push(format!("`search.batch_size` of {batch} or less"));
        }
        let mut cellwise = self.config.clone();
        cellwise.search.checkpoint_cells = true;
        if cellwise.validate().is_ok() && holds(&|search| search.checkpoint_cells = true) {
            ways.push("`search.checkpoint_cells=true`".into());
        }
        let examples = T::Problem::EXAMPLES;
        ways.push(format!("a smaller `network`, or smaller {examples}"));
        ways.join(", ")
    }
}
