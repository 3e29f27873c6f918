//! Cells become columns.
//!
//! In: lines of cells, each cell with a tab behind it; what follows the last tab of a line belongs to no
//! column. Out: each cell filled with spaces to the width of its column and two more. A column reaches
//! over as many lines as have it without a gap.

/// Aligns the cells.
pub fn aligned(text: &str) -> String {
    let lines: Vec<Vec<&str>> = text
        .split_inclusive(['\n', '\u{c}'])
        .map(|line| line.split(['\t', '\u{b}']).collect())
        .collect();
    let mut out = String::with_capacity(text.len() * 2);
    // The widths of the columns that reach over this line.
    let mut columns: Vec<usize> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        columns.truncate(line.len() - 1);
        for (column, cell) in line.iter().enumerate() {
            out.push_str(cell.trim_end_matches(['\n', '\u{c}']));
            if column + 1 == line.len() {
                out.extend(cell.ends_with(['\n', '\u{c}']).then_some('\n'));
                continue;
            }
            if columns.len() <= column {
                columns.push(width(&lines[at..], column));
            }
            out.extend(std::iter::repeat_n(' ', columns[column] + PADDING - cell.chars().count()));
        }
    }
    out
}

/// The widest cell of the column that begins in the first of these lines.
fn width(lines: &[Vec<&str>], column: usize) -> usize {
    let cells = lines.iter().take_while(|line| line.len() > column + 1);
    cells.map(|line| line[column].chars().count()).max().unwrap_or_default()
}

const PADDING: usize = 2;

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn a_column_ends_where_a_line_does_not_have_it() {
        assert_eq!(aligned("a\tbb\t\nccc\td\t\n"), "a    bb  \nccc  d   \n");
        assert_eq!(aligned("long:\tx\n\na\tb\n"), "long:  x\n\na  b\n");
        assert_eq!(aligned("a\t\nlonger\nb\t\n"), "a  \nlonger\nb  \n");
        assert_eq!(aligned("\t\t\n"), "    \n");
    }
}
