use workbench::progress::Progress;
use workbench::record::{FitEpoch, FitOutcome};
use workbench::session::Reporter;

/// Progress on standard error.
pub(super) struct Display {
    pub(super) progress: Progress,
}

impl Reporter<FitEpoch> for Display {
    fn step(&mut self, _epoch: usize, _loss: Option<f64>) {
        self.progress.advance(1);
    }

    fn note(&mut self, text: &str) {
        self.progress.line(&format!("note: {text}"));
    }

    fn epoch(&mut self, record: &FitEpoch) {
        let (metric, name) = (&record.metric, &record.metric.name);
        let validation = record.validation.map(|score| {
            let shown = metric.show(score.value);
            format!(", validation {name} {shown}")
        });
        self.progress.line(&format!(
            "epoch {:>3}: train loss {:.3}, train {name} {}{}, learning rate {:.4}, {:.1} s",
            record.epoch,
            record.train.loss,
            metric.show(record.train.value),
            validation.unwrap_or_default(),
            record.learning_rate,
            record.seconds
        ));
    }
}

/// Prints how a training ended.
pub(super) fn print_outcome(outcome: &FitOutcome) {
    let multiply_adds = outcome.multiply_adds;
    let multiply_adds = multiply_adds.map(|count| format!(" {count} multiply-adds,"));
    println!(
        "test {} {} on {} (seed {}, {} weights,{} {} epochs{}, {})",
        outcome.metric.name,
        outcome.metric.show(outcome.test.value),
        outcome.data,
        outcome.seed,
        outcome.weights,
        multiply_adds.unwrap_or_default(),
        outcome.epochs,
        match outcome.result_epoch {
            last if last == outcome.epochs => String::new(),
            best => format!(", weights of epoch {best}"),
        },
        outcome.backend,
    );
}
