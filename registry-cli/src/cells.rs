//! Rows of cells as people read them. The first row is the header.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

/// In columns, with gaps.
pub fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for (position, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let cell = if position == 0 {
                cell.to_uppercase()
            } else {
                cell.clone()
            };
            let gap = " ".repeat(width - cell.width() + 2);
            line.push_str(&(cell + &gap));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A table in Markdown.
pub fn markdown(rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (position, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        writeln!(text, "| {} |", cells.join(" | ")).expect("a string takes every text");
        if position == 0 {
            writeln!(text, "|{}", "---|".repeat(row.len())).expect("a string takes every text");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_measured_in_terminal_cells() {
        let rows = [["table", "kind"], ["größe", "x"], ["表", "y"]].map(|row| row.map(String::from).to_vec());
        assert_eq!(columns(&rows), "TABLE  KIND\ngröße  x\n表     y\n");
        assert_eq!(
            markdown(&rows[..2]),
            "| table | kind |\n|---|---|\n| größe | x |\n"
        );
    }
}
