//! Times and memory of steps as a Markdown table, beside PyTorch's, and what they were spent on.

use std::fmt::Write;

use anyhow::Context;

use crate::peer::Form;
use crate::worker::Measured;

/// A table whose rows begin with some columns of their own.
pub struct StepTable {
    forms: Vec<Form>,
    text: String,
}

impl StepTable {
    /// The head of a table with these columns first and a group of columns for each form of the peer.
    pub fn new(first: &[&str], forms: &[Form]) -> Self {
        let mut table = Self {
            forms: forms.to_vec(),
            text: String::new(),
        };
        let mut columns: Vec<String> = first.iter().map(|column| column.to_string()).collect();
        columns.extend(["seconds", "peak MiB"].map(String::from));
        for form in forms {
            let name = match form {
                Form::Eager => "PyTorch".into(),
                _ => format!("PyTorch {}", form.name()),
            };
            columns.extend([format!("{name} seconds"), format!("{name} peak MiB")]);
            columns.extend(["time ratio", "memory ratio"].map(String::from));
        }
        if forms.len() > 1 {
            columns.push("fastest PyTorch".into());
            columns.push("time ratio to it".into());
        }
        let rule = "---|".repeat(columns.len());
        table.line(&columns);
        table.text.push_str(&format!("|{rule}\n"));
        table
    }

    /// A row of what was measured, the peer's forms in their order.
    pub fn row(
        &mut self,
        first: &[&str],
        ours: &Measured,
        peers: &[Measured],
    ) -> anyhow::Result<()> {
        let memory = |mib: Option<f64>| mib.map_or("unknown".into(), |mib| format!("{mib:.0}"));
        let mut columns: Vec<String> = first.iter().map(|column| column.to_string()).collect();
        columns.extend([format!("{:.3}", ours.seconds()), memory(ours.peak_mib)]);
        for peer in peers {
            let memories = ours.peak_mib.zip(peer.peak_mib);
            let ratio = memories.map(|(ours, peer)| format!("{:.2}", ours / peer));
            columns.extend([
                format!("{:.3}", peer.seconds()),
                memory(peer.peak_mib),
                format!("{:.3}", ours.ratio_to(peer)),
                ratio.unwrap_or("unknown".into()),
            ]);
        }
        if peers.len() > 1 {
            let named = self.forms.iter().zip(peers);
            let fastest = named.min_by(|a, b| a.1.seconds().total_cmp(&b.1.seconds()));
            let (form, fastest) = fastest.context("no peer was measured")?;
            columns.extend([form.name(), format!("{:.3}", ours.ratio_to(fastest))]);
        }
        self.line(&columns);
        Ok(())
    }

    fn line(&mut self, columns: &[String]) {
        self.text
            .push_str(&format!("| {} |\n", columns.join(" | ")));
    }

    /// The table.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What the last step was spent on, the largest first, beside what the machine can do; `rest` is what else
/// there is.
pub fn profile_table(name: &str, measured: &Measured, rest: &str) -> anyhow::Result<String> {
    let total = measured.last();
    let mut operations = measured.profile.clone();
    operations.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let limits = measured.limits;
    let mut text = format!("\n{name}: one step of {total:.3} seconds");
    if let Some(limits) = limits {
        let [flops, bytes] = [limits.flops, limits.bytes].map(|rate| rate / 1e9);
        write!(
            text,
            ", on a machine of {flops:.0} GFLOP/s (multiply-adds in registers) and {bytes:.0} GB/s (read from memory)"
        )?;
    }
    text.push_str(
        "\n\n| operation | direction | calls | seconds | share % | GFLOP/s | % of limit | GB/s | % of limit |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let known: f64 = operations.iter().map(|operation| operation.seconds).sum();
    for operation in &operations {
        let seconds = operation.seconds;
        let rate = |amount: f64, limit: Option<f64>| {
            if amount == 0.0 {
                return " | ".to_string();
            }
            let rate = amount / seconds;
            let share = limit.map(|limit| format!("{:.0}", 100.0 * rate / limit));
            format!("{:.1} | {}", rate / 1e9, share.unwrap_or_default())
        };
        writeln!(
            text,
            "| {} | {} | {} | {seconds:.4} | {:.1} | {} | {} |",
            operation.operation,
            operation.pass,
            operation.calls,
            100.0 * seconds / total,
            rate(operation.flops, limits.map(|limits| limits.flops)),
            rate(operation.bytes, limits.map(|limits| limits.bytes)),
        )?;
    }
    let left = total - known;
    writeln!(
        text,
        "| everything else: {rest} | both | | {left:.4} | {:.1} | | | | |",
        100.0 * left / total
    )?;
    Ok(text)
}
