//! Tables of experiments as pages: their Markdown with what it draws.

use std::path::Path;

use anyhow::Context;
use workbench::files::write_atomic;
use workbench::report::{Block, Chapter, Drawing, Page, Table};

/// Writes a page of a Markdown text as the tables of experiments are written: one heading, chapters,
/// paragraphs, lists and tables. A picture, of means and deviations, comes first.
pub fn write(path: &Path, markdown: &str, picture: Option<String>) -> anyhow::Result<()> {
    let page = page(markdown, picture);
    let html = page.html().context("cannot make the page")?;
    Ok(write_atomic(path, html)?)
}

fn page(markdown: &str, picture: Option<String>) -> Page {
    let mut page = Page {
        title: String::new(),
        kind: "experiment".into(),
        warning: None,
        lead: String::new(),
        figures: Vec::new(),
        facts: Vec::new(),
        chapters: Vec::new(),
        made_by: "Made by cargo xtask.".into(),
    };
    let drawing = |svg| {
        Block::Drawing(Drawing {
            caption: "Dots are means over seeds, lines one standard deviation to both sides."
                .into(),
            svg,
            folded: false,
        })
    };
    let mut chapter = Chapter {
        title: "Table".into(),
        blocks: picture.map(drawing).into_iter().collect(),
    };
    // A page has signs that a text for terminals lacks.
    let markdown = markdown.replace("+-", "±").replace("->", "→");
    for line in markdown.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            page.title = title.into();
        } else if let Some(title) = line.strip_prefix("## ") {
            let next = Chapter {
                title: title.into(),
                blocks: Vec::new(),
            };
            page.chapters.push(std::mem::replace(&mut chapter, next));
        } else if let Some(row) = line.strip_prefix('|') {
            put_row(&mut chapter.blocks, cells(row));
        } else if let Some(item) = line.strip_prefix("- ") {
            match chapter.blocks.last_mut() {
                Some(Block::List { items }) => items.push(item.into()),
                _ => chapter.blocks.push(Block::List {
                    items: vec![item.into()],
                }),
            }
        } else if !line.is_empty() {
            match page.lead.is_empty() {
                true => page.lead = line.into(),
                false => chapter.blocks.push(Block::text(line)),
            }
        }
    }
    page.chapters.push(chapter);
    page.chapters.retain(|chapter| !chapter.blocks.is_empty());
    page
}

fn cells(row: &str) -> Vec<String> {
    let row = row.trim_end().trim_end_matches('|');
    // A pipe of a cell is escaped.
    let parts = row.replace("\\|", "\0");
    let parts = parts.split('|');
    parts.map(|cell| cell.trim().replace('\0', "|")).collect()
}

/// A row of the table that stands last, or the head of a new one; the line below a head says nothing.
fn put_row(blocks: &mut Vec<Block>, row: Vec<String>) {
    match blocks.last_mut() {
        Some(Block::Table(table)) => {
            if !row.iter().all(|cell| cell.starts_with("---")) {
                table.rows.push(row);
            }
        }
        _ => blocks.push(Block::Table(Table {
            head: row,
            ..Table::default()
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chapters_tables_and_lists_come_over() {
        let markdown = "# Title\n\nWhat it is.\n\nMore.\n\n| a | b |\n|---|---|\n| x \\| y | 1 +- 2 |\n\n## How\n\n- one\n- two\n";
        let page = page(markdown, Some("<svg></svg>".into()));
        assert_eq!(
            (page.title.as_str(), page.lead.as_str()),
            ("Title", "What it is.")
        );
        let [table, how] = &page.chapters[..] else {
            panic!("{:?}", page.chapters);
        };
        assert!(matches!(&table.blocks[0], Block::Drawing(_)));
        assert_eq!(table.blocks[1], Block::text("More."));
        let expected = Table {
            head: vec!["a".into(), "b".into()],
            rows: vec![vec!["x | y".into(), "1 ± 2".into()]],
            ..Table::default()
        };
        assert_eq!(table.blocks[2], Block::Table(expected));
        let items = vec!["one".into(), "two".into()];
        assert_eq!(how.blocks, [Block::List { items }]);
    }
}
