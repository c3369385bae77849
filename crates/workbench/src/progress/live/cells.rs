//! Cells as text: a line or more for each node.

use crate::session::{PresentCell, PresentInput, PresentNode};

/// Columns between two inputs of a node.
const GAP: usize = 2;

/// Cells in pages of at most `rows` lines of `width` columns. A page begins with the title of its cell, and a
/// node is not divided where a page has room for it.
pub(super) fn pages(cells: &[PresentCell], width: usize, rows: usize) -> Vec<Vec<String>> {
    let mut pages: Vec<Vec<String>> = Vec::new();
    if rows < 2 {
        return pages;
    }
    let mut page: Vec<String> = Vec::new();
    for cell in cells {
        let names = cell.nodes.iter().map(|node| node.name.chars().count());
        let name = names.max().unwrap_or(0);
        let continued = format!("{}, continued", cell.title);
        for (index, node) in cell.nodes.iter().enumerate() {
            let mut lines = lines(node, name, width);
            let title = usize::from(index == 0);
            if !page.is_empty() && page.len() + title + lines.len() > rows {
                pages.push(std::mem::take(&mut page));
            }
            match index {
                0 => page.push(cell.title.clone()),
                _ if page.is_empty() => page.push(continued.clone()),
                _ => {}
            }
            while page.len() + lines.len() > rows {
                page.extend(lines.drain(..rows - page.len()));
                pages.push(std::mem::replace(&mut page, vec![continued.clone()]));
            }
            page.append(&mut lines);
        }
    }
    pages.extend(Some(page).filter(|page| !page.is_empty()));
    pages
}

/// Lines that all cells take together, titles among them.
pub(super) fn height(cells: &[PresentCell], width: usize) -> usize {
    let pages = pages(cells, width, usize::MAX);
    pages.iter().map(Vec::len).sum()
}

/// A node and its inputs, which stand in columns below each other; its name takes `name` columns.
fn lines(node: &PresentNode, name: usize, width: usize) -> Vec<String> {
    let inputs: Vec<String> = node.inputs.iter().map(input).collect();
    let longest = inputs.iter().map(|text| text.chars().count()).max();
    let column = longest.unwrap_or(0) + GAP;
    let begin = name + 4;
    let columns = ((width + GAP).saturating_sub(begin) / column).max(1);
    let rows = inputs.chunks(columns).enumerate().map(|(row, inputs)| {
        let head = match row {
            0 => format!("{:>name$} <- ", node.name),
            _ => " ".repeat(begin),
        };
        let padded = inputs.iter().map(|text| format!("{text:<column$}"));
        let line = head + &padded.collect::<String>();
        line.trim_end().to_string()
    });
    rows.collect()
}

fn input(input: &PresentInput) -> String {
    let PresentInput {
        from,
        operation,
        probability,
    } = input;
    match probability {
        Some(p) => format!("{from} {operation} {:.0}%", 100.0 * p),
        None => format!("{from} {operation}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(title: &str, inputs: &[usize]) -> PresentCell {
        let node = |(node, &inputs): (usize, &usize)| PresentNode {
            name: node.to_string(),
            inputs: (0..inputs)
                .map(|from| PresentInput {
                    from: format!("c{from}"),
                    operation: "sep_conv_3x3".into(),
                    probability: Some(0.254),
                })
                .collect(),
        };
        PresentCell {
            title: title.into(),
            nodes: inputs.iter().enumerate().map(node).collect(),
        }
    }

    #[test]
    fn inputs_of_a_node_stand_in_columns() {
        let pages = pages(&[cell("normal cell", &[2, 3])], 46, 9);
        assert_eq!(
            pages,
            [[
                "normal cell",
                "0 <- c0 sep_conv_3x3 25%  c1 sep_conv_3x3 25%",
                "1 <- c0 sep_conv_3x3 25%  c1 sep_conv_3x3 25%",
                "     c2 sep_conv_3x3 25%",
            ]]
        );
    }

    #[test]
    fn what_does_not_fit_is_on_a_page_of_its_own_and_nothing_is_lost() {
        let cells = [
            cell("normal cell", &[2, 3, 4, 5]),
            cell("reduction cell", &[2, 3]),
        ];
        let all = height(&cells, 46);
        assert_eq!(all, 2 + 1 + 2 + 2 + 3 + 1 + 2);
        for rows in 2..20 {
            let pages = pages(&cells, 46, rows);
            assert!(pages.iter().all(|page| page.len() <= rows), "{pages:?}");
            let text = pages.concat().join("\n");
            assert_eq!(text.matches("sep_conv").count(), 19, "{rows} rows: {text}");
            assert_eq!(pages.len() == 1, rows >= all, "{rows} rows");
            assert!(pages.iter().all(|page| page[0].contains(" cell")));
        }
        assert!(pages(&cells, 46, 1).is_empty());
    }
}
