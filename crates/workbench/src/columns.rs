//! Text for a terminal of 80 columns.

/// Columns that every terminal has.
pub const WIDTH: usize = 80;
/// Columns of a field's name.
const NAME: usize = 10;

/// A name and its value as lines, each with its end: the value begins in a column of its own and is
/// broken at spaces where it is too long. A word longer than a line stays whole.
pub fn field(name: &str, value: &str) -> String {
    field_of(name, value.split(' '))
}

/// As [`field`], of pieces that stay whole.
pub fn field_of<'a>(name: &str, pieces: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = format!("{name:<NAME$}");
    if name.chars().count() >= NAME {
        text.push(' ');
    }
    let mut column = text.chars().count();
    let mut begins = true;
    for piece in pieces {
        let length = piece.chars().count();
        if !begins && column + 1 + length > WIDTH {
            text.push('\n');
            text.push_str(&" ".repeat(NAME));
            column = NAME;
            begins = true;
        }
        if !begins {
            text.push(' ');
            column += 1;
        }
        text.push_str(piece);
        column += length;
        begins = false;
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Rows of cells as lines, each with its end: the first column to the left, all others to the right.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            line += &match column {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A table that grows by a line at a time, under a head of two lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    heads: Vec<[String; 2]>,
}

/// A column has room for this many characters at least, such as `100.00`.
const LEAST: usize = 6;

impl Columns {
    /// Columns of these heads, of two lines each.
    pub fn new(heads: Vec<[String; 2]>) -> Self {
        Self { heads }
    }

    /// The two lines of the head.
    pub fn head(&self) -> [String; 2] {
        [0, 1].map(|line| self.line(self.heads.iter().map(|head| head[line].clone())))
    }

    /// A line of cells, one a column.
    pub fn line(&self, cells: impl IntoIterator<Item = String>) -> String {
        let width = |head: &[String; 2]| {
            let lengths = head.iter().map(|line| line.chars().count());
            lengths.max().unwrap_or(0).max(LEAST)
        };
        let cells = self.heads.iter().zip(cells);
        let cells: Vec<String> = cells
            .map(|(head, cell)| format!("{cell:>0$}", width(head)))
            .collect();
        cells.join(" ").trim_end().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_broken_at_spaces_and_indented() {
        assert_eq!(field("gap", "+1.00 points"), "gap       +1.00 points\n");
        let text = field("files", &"genotype.json ".repeat(9));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{text}");
        assert!(lines[1].starts_with("          genotype.json"));
        // Nothing is gained by breaking before the only word.
        let long = "x".repeat(100);
        assert_eq!(field("next", &long), format!("next      {long}\n"));
        assert_eq!(field("a long name", "x"), "a long name x\n");
        let whole = field_of("normal", ["11 operations,"; 6]);
        let second = "          11 operations, 11 operations,";
        assert_eq!(whole.lines().nth(1), Some(second));
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 3]| cells.map(String::from).to_vec();
        let rows = [row(["seed", "error %", "s"]), row(["0", "2.5", "100.0"])];
        assert_eq!(
            aligned(&rows),
            "seed  error %      s\n0         2.5  100.0\n"
        );
        assert_eq!(aligned(&[]), "");
    }

    #[test]
    fn a_growing_table_has_its_cells_below_their_heads() {
        let heads = [["", "epoch"], ["train", "loss"], ["validation", "error %"]];
        let columns = Columns::new(heads.map(|head| head.map(String::from)).to_vec());
        let [top, bottom] = columns.head();
        assert_eq!(top, "        train validation");
        assert_eq!(bottom, " epoch   loss    error %");
        let line = columns.line(["1", "2.302", "5.00"].map(String::from));
        assert_eq!(line, "     1  2.302       5.00");
    }
}
