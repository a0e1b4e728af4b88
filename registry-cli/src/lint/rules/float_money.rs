use heck::ToSnakeCase;
use table_registry_engine::{Diagnostic, Lint};

use super::Rule;
use crate::columns::Column;
use crate::lint::subject::{Subject, finding_about_column};

pub const RULE: Rule = Rule::Table(find);

fn find(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let words = subject.krate.option(Lint::FloatMoney);
    let columns = subject.columns.iter();
    columns
        .filter(|column| column.is_float && is_money(column, &words))
        .map(|column| {
            finding_about_column(Lint::FloatMoney, column, "holds money as a floating-point number")
                .note("most decimal fractions have no exact binary value, so sums drift")
                .help("use `numeric` with a decimal type, or an integer number of cents")
        })
        .collect()
}

fn is_money(column: &Column, words: &[String]) -> bool {
    let name = column.name.to_snake_case();
    name.split('_').any(|part| words.iter().any(|word| word == part))
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{SOUND, findings, with_columns};

    #[test]
    fn columns_named_after_money_with_a_floating_point_type() {
        for column in [
            "pub total_price: f64",
            "pub total: Option<f32>",
            "pub unitPrice: std::primitive::f64",
            "pub fees: Vec<f64>",
        ] {
            let found = with_columns(column);
            assert!(
                found.iter().any(|one| one.starts_with("error float-money")),
                "{column}: {found:?}"
            );
        }
    }

    #[test]
    fn other_types_and_other_names() {
        for column in [
            "pub price: rust_decimal::Decimal",
            "pub weight: f64",
            "pub feedback: f64",
        ] {
            assert_eq!(with_columns(column), [""; 0], "{column}");
        }
    }

    #[test]
    fn the_words_can_be_set() {
        let schema = format!(
            "#[table_registry::table]\npub struct Orders {{ {SOUND} pub gross: f64, pub total: f64 }}\n"
        );
        let option = "[lints]\nfloat-money = { level = \"warn\", words = [\"gross\"] }";
        assert_eq!(findings(&schema, option, ""), ["warning float-money gross"]);
    }
}
