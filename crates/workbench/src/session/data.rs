use serde_json::Value;

use crate::Result;
use crate::problem::Problem;

/// What a session asks of the data of its experiment; every [`Problem`] is such data.
pub trait RunData {
    /// What [`unreadable`](Self::unreadable) counts: of one, and of several.
    const UNREADABLE: [&'static str; 2];

    /// What a checkpoint remembers of the data.
    fn description(&self) -> Value;

    /// Checks that a run that began with data of the description `before` can go on with these.
    ///
    /// # Errors
    ///
    /// Naming what differs.
    fn check(&self, before: &Value) -> Result<()>;

    /// What a person should know about how the data were read, a sentence each.
    fn notes(&self) -> Vec<String>;

    /// Files that were met so far and could not be read, a sentence each.
    fn unreadable(&self) -> Vec<String>;
}

impl<P: Problem> RunData for P {
    const UNREADABLE: [&'static str; 2] = P::UNREADABLE;

    fn description(&self) -> Value {
        Problem::description(self)
    }

    fn check(&self, before: &Value) -> Result<()> {
        Problem::check(self, before)
    }

    fn notes(&self) -> Vec<String> {
        Problem::notes(self)
    }

    fn unreadable(&self) -> Vec<String> {
        Problem::unreadable(self)
    }
}
