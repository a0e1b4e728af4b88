//! How tables and columns are named.

use pluralizer::pluralize;

/// Whether a name is in `snake_case`. Letters without case count as lower case.
pub fn is_snake_case(name: &str) -> bool {
    let is_part = |c: char| c == '_' || c.is_numeric() || (c.is_alphabetic() && !c.is_uppercase());
    name.chars().all(is_part)
        && name.starts_with(|c: char| c.is_alphabetic())
        && !name.contains("__")
        && !name.ends_with('_')
}

/// The name with its last word in the plural.
pub fn plural(name: &str) -> String {
    let start = name.rfind('_').map_or(0, |at| at + 1);
    format!("{}{}", &name[..start], pluralize(&name[start..], 2, false))
}

/// Suggests the expected name, if that is a name of the right form.
pub fn rename(name: &str, expected: &str) -> String {
    if is_snake_case(expected) && expected != name {
        format!("call it `{expected}`")
    } else {
        "give it another name".to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snake_case() {
        for name in ["a", "order_items", "größe", "v2", "users_2024", "名前"] {
            assert!(is_snake_case(name), "{name}");
        }
        for name in ["", "A", "orderItems", "_a", "a_", "a__b", "2a", "a-b", "a b"] {
            assert!(!is_snake_case(name), "{name}");
        }
    }

    #[test]
    fn the_last_word_becomes_a_plural() {
        for (name, expected) in [
            ("order_item", "order_items"),
            ("person", "people"),
            ("news", "news"),
            ("users", "users"),
            ("", ""),
        ] {
            assert_eq!(plural(name), expected);
        }
    }

    #[test]
    fn a_name_is_suggested_if_it_is_valid_and_different() {
        assert_eq!(rename("orderItem", "order_items"), "call it `order_items`");
        assert_eq!(rename("-", ""), "give it another name");
        assert_eq!(rename("a", "a"), "give it another name");
    }
}
