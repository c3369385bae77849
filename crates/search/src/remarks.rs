use crate::{SearchConfig, Task};

/// What a person should know about a configuration that is valid, a sentence each.
pub(crate) fn remarks<T: Task>(config: &SearchConfig<T>) -> Vec<String> {
    let mut remarks = Vec::new();
    let (search, alpha) = (&config.search, &config.alpha);
    let learns = search.method.rules().learns;
    if learns && search.warmup_epochs >= search.epochs {
        remarks.push(
            "`search.warmup_epochs` is as long as the search; the architecture is not trained"
                .into(),
        );
    }
    remarks.extend(many_draws(config));
    if learns && alpha.cost_budget.is_some() && alpha.cost_penalty == 0.0 {
        remarks.push(
            "`alpha.cost_penalty` is 0: the search does not lean to `alpha.cost_budget`, which \
             deriving alone keeps"
                .into(),
        );
    }
    remarks.extend(T::remarks(config));
    remarks
}

/// With so many draws nearly every operation of a row is on.
fn many_draws<T: Task>(config: &SearchConfig<T>) -> Option<String> {
    /// Equally likely operations are all but off: each is on with a probability of about 98 %.
    const MANY: usize = 4;
    let draws = config.architecture.draws;
    let rows = config.architecture.rows(&config.space);
    let longest = rows.iter().map(ExactSizeIterator::len).max().unwrap_or(1);
    let entries = longest * config.space.ops();
    (draws > MANY * entries).then(|| {
        format!(
            "`architecture.draws` is {draws} where a row has {entries} operations: nearly all of them \
             are on in every step, and the child keeps nearly all; usual are 1 to 9"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::ImageTask;

    fn of(set: &[&str]) -> Vec<String> {
        let set: Vec<String> = set.iter().map(|text| text.to_string()).collect();
        remarks(&SearchConfig::<ImageTask>::resolve(None, &set).unwrap())
    }

    #[test]
    fn the_default_and_the_papers_draws_need_no_remark() {
        assert_eq!(of(&[]), Vec::<String>::new());
        assert_eq!(of(&["architecture.draws=9"]), Vec::<String>::new());
    }

    #[test]
    fn what_leads_nowhere_is_remarked_on() {
        for (set, part) in [
            ("architecture.draws=500", "a row has 8 operations"),
            ("search.warmup_epochs=40", "is not trained"),
            ("alpha.cost_budget=1e6", "does not lean"),
        ] {
            let remarks = of(&[set]);
            assert!(
                remarks.len() == 1 && remarks[0].contains(part),
                "{remarks:?}"
            );
        }
        // A row of all edges into a node is longer.
        let by_node = ["architecture.draws=100", "architecture.sampling=per-node"];
        assert_eq!(of(&by_node), Vec::<String>::new());
        let lean = ["alpha.cost_budget=1e6", "alpha.cost_penalty=1"];
        assert_eq!(of(&lean), Vec::<String>::new());
    }
}
