use heck::ToSnakeCase;
use table_registry_engine::{Diagnostic, Lint};

use super::Rule;
use crate::lint::names::{is_snake_case, rename};
use crate::lint::subject::{Subject, finding_about_column};

pub const RULE: Rule = Rule::Table(find);

fn find(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let columns = subject.columns.iter();
    columns
        .filter(|column| !is_snake_case(&column.name))
        .map(|column| {
            let expected = column.name.to_snake_case();
            finding_about_column(Lint::ColumnNotSnakeCase, column, "is not in `snake_case`")
                .note("PostgreSQL folds a name to lower case unless it is quoted")
                .help(rename(&column.name, &expected))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::with_columns;

    #[test]
    fn the_name_of_the_field() {
        assert_eq!(
            with_columns("pub unitPrice: i64"),
            ["warning column-not-snake-case unitPrice"]
        );
    }

    #[test]
    fn the_name_that_the_orm_gives_the_column() {
        for (columns, found) in [
            (
                "#[diesel(column_name = \"Größe\")] pub size: i64",
                &["warning column-not-snake-case size"][..],
            ),
            ("#[sea_orm(column_name = \"size\")] pub Size: i64", &[]),
            (
                "#[cfg_attr(x, sqlx(rename = \"unitPrice\"))] pub price: i64",
                &["warning column-not-snake-case price"],
            ),
        ] {
            assert_eq!(with_columns(columns), found, "{columns}");
        }
    }
}
