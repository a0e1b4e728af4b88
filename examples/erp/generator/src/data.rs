//! The content of the data files.

use std::collections::HashMap;
use std::path::Path;
use std::{error, fmt, fs};

use crate::RustType;

/// The part of the data files from which other files are generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Every table, in the order of `files.tsv`.
    pub tables: Vec<Table>,
    /// The tables of another kind than the default, in the order of `overrides.tsv`.
    pub overrides: Vec<Override>,
    /// The tables without a struct, in the order of `exempt.txt`.
    pub exempt: Vec<String>,
    /// The append-only tables, in the order of `revoke.txt`.
    pub append_only: Vec<String>,
}

/// A table that gets a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The name in PostgreSQL.
    pub name: String,
    /// The module that the struct goes into.
    pub module: String,
    /// The columns, in the order of `columns.tsv`.
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name in PostgreSQL.
    pub name: String,
    /// The type of a value that is not null.
    pub rust_type: RustType,
    /// The type in the database.
    pub sql_type: String,
    /// Whether it is part of the primary key.
    pub is_key: bool,
    /// Whether a value may be null.
    pub nullable: bool,
}

/// The kind of a table that is not of the default kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The table's name in PostgreSQL.
    pub table: String,
    /// The kind's name.
    pub kind: String,
}

impl Data {
    /// Reads the data files in the directory.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or one of its lines is not in the format described in the README of the data.
    pub fn read(directory: &Path) -> Result<Self, DataError> {
        let columns = columns_by_table(&DataFile::read(directory, "columns.tsv")?)?;
        Ok(Self {
            tables: tables(&DataFile::read(directory, "files.tsv")?, columns)?,
            overrides: overrides(&DataFile::read(directory, "overrides.tsv")?)?,
            exempt: names(&DataFile::read(directory, "exempt.txt")?)?,
            append_only: names(&DataFile::read(directory, "revoke.txt")?)?,
        })
    }
}

type ColumnsByTable = HashMap<String, Vec<Column>>;

fn columns_by_table(file: &DataFile) -> Result<ColumnsByTable, DataError> {
    let mut columns = ColumnsByTable::new();
    for result in file.rows() {
        let row = result?;
        let [table, name, sql_type, nullability, key] = row.fields;
        let Some(rust_type) = RustType::of_sql(sql_type) else {
            return Err(row.fault(format!("unknown SQL type `{sql_type}`")));
        };
        let nullable = match nullability {
            "null" => true,
            "not null" => false,
            other => return Err(row.fault(format!("expected `null` or `not null`, found `{other}`"))),
        };
        let column = Column {
            name: name.to_owned(),
            rust_type,
            sql_type: sql_type.to_owned(),
            is_key: key == "pk",
            nullable,
        };
        columns.entry(table.to_owned()).or_default().push(column);
    }
    Ok(columns)
}

fn tables(file: &DataFile, mut columns: ColumnsByTable) -> Result<Vec<Table>, DataError> {
    let mut tables = Vec::new();
    for result in file.rows() {
        let row = result?;
        let [name, stem] = row.fields;
        let Some(columns) = columns.remove(name) else {
            return Err(row.fault(format!("table `{name}` has no columns, or is listed twice")));
        };
        tables.push(Table {
            name: name.to_owned(),
            module: stem.replace('-', "_"),
            columns,
        });
    }
    match columns.into_keys().min() {
        Some(name) => Err(DataError::new(file.name, format!("no file for table `{name}`"))),
        None => Ok(tables),
    }
}

fn overrides(file: &DataFile) -> Result<Vec<Override>, DataError> {
    file.rows()
        .map(|row| {
            let [table, kind] = row?.fields.map(str::to_owned);
            Ok(Override { table, kind })
        })
        .collect()
}

fn names(file: &DataFile) -> Result<Vec<String>, DataError> {
    file.rows()
        .map(|row| {
            let [name] = row?.fields;
            Ok(name.to_owned())
        })
        .collect()
}

struct DataFile {
    name: &'static str,
    text: String,
}

impl DataFile {
    fn read(directory: &Path, name: &'static str) -> Result<Self, DataError> {
        let path = directory.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => Err(DataError::new(path.display(), error.to_string())),
        }
    }

    fn rows<const N: usize>(&self) -> impl Iterator<Item = Result<Row<'_, N>, DataError>> {
        let numbered = self.text.lines().zip(1..);
        numbered.map(|(line, number)| Row::parse(format!("{}:{number}", self.name), line))
    }
}

struct Row<'a, const N: usize> {
    place: String,
    fields: [&'a str; N],
}

impl<'a, const N: usize> Row<'a, N> {
    fn parse(place: String, line: &'a str) -> Result<Self, DataError> {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.try_into() {
            Ok(fields) => Ok(Self { place, fields }),
            Err(fields) => {
                let problem = format!("expected {N} fields separated by tabs, found {}", fields.len());
                Err(DataError { place, problem })
            }
        }
    }

    fn fault(&self, problem: String) -> DataError {
        DataError::new(&self.place, problem)
    }
}

/// A data file that cannot be read, or a line that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError {
    place: String,
    problem: String,
}

impl DataError {
    fn new(place: impl fmt::Display, problem: String) -> Self {
        Self {
            place: place.to_string(),
            problem,
        }
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl error::Error for DataError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &'static str, text: &str) -> DataFile {
        DataFile {
            name,
            text: text.to_owned(),
        }
    }

    fn columns_fault(text: &str) -> String {
        columns_by_table(&file("columns.tsv", text))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn faults_of_columns_name_the_line() {
        assert_eq!(
            columns_fault("a\tid\tuuid\tnot null\tpk\na\tprice\tmoney\tnull\t\n"),
            "columns.tsv:2: unknown SQL type `money`"
        );
        assert_eq!(
            columns_fault("a\tid\tuuid\tmaybe\tpk\n"),
            "columns.tsv:1: expected `null` or `not null`, found `maybe`"
        );
        assert_eq!(
            columns_fault("a\tid\tuuid\n"),
            "columns.tsv:1: expected 5 fields separated by tabs, found 3"
        );
    }

    #[test]
    fn tables_and_columns_must_match() {
        let columns = || columns_by_table(&file("columns.tsv", "a\tid\tuuid\tnot null\tpk\n")).unwrap();
        let fault = |text| {
            tables(&file("files.tsv", text), columns())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(fault(""), "files.tsv: no file for table `a`");
        assert_eq!(
            fault("a\ta\nb\tb\n"),
            "files.tsv:2: table `b` has no columns, or is listed twice"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let fault = Data::read(Path::new("nowhere")).unwrap_err().to_string();
        assert!(fault.contains("columns.tsv"), "{fault}");
    }
}
