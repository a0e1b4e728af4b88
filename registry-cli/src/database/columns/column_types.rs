//! Compares the types of columns with those of their fields.

use crate::columns::Column;
use crate::database::catalog::ColumnRow;
use crate::database::context::Context;
use crate::report::counted;

/// Whether a field can hold what is in a column, or be written to it. `None` if that is not known, so that the column is
/// not compared.
pub fn holds(field: &Column, row: &ColumnRow) -> Option<bool> {
    let sql = field.rust_type.sql.as_ref()?;
    let of_column = match &row.base_type {
        Some(base) => base,
        None if row.type_kind == "d" => return None,
        None => &row.type_name,
    };
    if field.is_only_written {
        sql.is_assigned_to(of_column)
    } else {
        sql.reads(of_column)
    }
}

/// How many columns were compared, of those that have a field.
pub fn summary(context: &Context<'_>) -> String {
    let (mut compared, mut all) = (0, 0);
    for (table, relation) in context.present() {
        let rows = context.catalog.columns(relation.oid);
        for field in &context.fields(table).columns {
            let row = rows.iter().find(|row| row.name == field.name);
            all += usize::from(row.is_some());
            compared += usize::from(row.and_then(|row| holds(field, row)).is_some());
        }
    }
    match all {
        1 => format!("{compared} of 1 column with its field"),
        _ => format!("{compared} of {} with their fields", counted(all, "column")),
    }
}

#[cfg(test)]
mod tests {
    use super::summary;
    use crate::database::testing::Database;

    #[test]
    fn what_is_not_understood_is_not_compared() {
        for (change, expected) in [
            (|_: &mut Database| {}, "8 of 8 columns with their fields"),
            (
                |it| it.column("users", "name").type_name = "mood".to_string(),
                "7 of 8 columns with their fields",
            ),
            (
                |it| it.remove_column("users", "name"),
                "7 of 7 columns with their fields",
            ),
            (
                |it| {
                    it.schema = "#[table(kind = system)] pub struct Rates { pub rate: Foreign }".to_string();
                    it.table("rates", &[("rate", "int8")]);
                },
                "8 of 9 columns with their fields",
            ),
        ] as [(fn(&mut Database), &str); 4]
        {
            let mut database = Database::sound();
            change(&mut database);
            assert_eq!(database.inspect(summary), expected);
        }
    }
}
