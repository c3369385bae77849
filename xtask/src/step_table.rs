//! Times and memory of steps as a Markdown table, beside PyTorch's.

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
