//! Edits of the text of policy files. Comments, order and layout are kept.

use std::ops::Range;

use toml_edit::{Array, Document, DocumentMut, Item, RawString, Table, TableLike, TomlError, Value};

/// Sets `key = "value"` in a table of the document, and adds the table if there is none. A comment after the value is
/// kept.
pub fn set(text: &str, table: &str, key: &str, value: &str) -> Result<String, String> {
    let mut document = parsed(text)?;
    editable_table(&document, table)?;
    let entries = table_of(&mut document, table);
    match entries.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = value.into();
            *old.decor_mut() = decor;
        }
        None => _ = entries.insert(key, value.into()),
    }
    Ok(document.to_string())
}

/// Removes the line of a key in a table.
pub fn unset(text: &str, table: &str, key: &str) -> Result<String, String> {
    let parsed: Document<&str> = Document::parse(text).map_err(|error| message(&error))?;
    let entries = parsed.get(table).and_then(Item::as_table);
    if let Some((entries, place)) = entries.and_then(|entries| Some((entries, entry(entries, key)?))) {
        let header = entries
            .span()
            .filter(|_| entries.len() == 1 && !entries.is_implicit());
        let rest = without_lines(text, place);
        return Ok(match header {
            Some(header) => without_empty_table(rest, header),
            None => rest,
        });
    }
    let mut document = parsed.into_mut();
    editable_table(&document, table)?;
    if let Some(entries) = document.get_mut(table).and_then(Item::as_table_like_mut) {
        entries.remove(key);
    }
    Ok(document.to_string())
}

/// Adds a string to a list of the document, unless the list has it: in its sorted place if the list is sorted, else at
/// the end.
pub fn add(text: &str, list: &str, name: &str) -> Result<String, String> {
    let mut document = parsed(text)?;
    editable_list(&document, list)?;
    if document.get(list).is_none() {
        let above = comments_above_tables(&mut document);
        document.insert(list, Item::Value(Array::new().into()));
        if let Some(mut key) = document.key_mut(list) {
            key.leaf_decor_mut().set_prefix(above);
        }
    }
    if let Some(array) = document.get_mut(list).and_then(Item::as_array_mut)
        && position(array, name).is_none()
    {
        insert(array, name);
    }
    Ok(document.to_string())
}

/// Removes a string from a list of the document, with the comment after it.
pub fn remove(text: &str, list: &str, name: &str) -> Result<String, String> {
    let mut document = parsed(text)?;
    editable_list(&document, list)?;
    if let Some(array) = document.get_mut(list).and_then(Item::as_array_mut) {
        while let Some(position) = position(array, name) {
            take(array, position);
        }
    }
    Ok(document.to_string())
}

fn parsed(text: &str) -> Result<DocumentMut, String> {
    text.parse().map_err(|error| message(&error))
}

fn message(error: &TomlError) -> String {
    error.message().to_string()
}

/// Refuses what is not a table, and an inline table on several lines: the places of its comments are unknown.
fn editable_table(document: &DocumentMut, table: &str) -> Result<(), String> {
    if document.get(table).is_some_and(|item| !item.is_table_like()) {
        return Err(format!("`{table}` is not a table"));
    }
    let inline = document.get(table).and_then(Item::as_inline_table);
    if inline.is_some_and(|inline| inline.to_string().trim().contains('\n')) {
        return Err(format!(
            "`{table}` is an inline table on several lines; write it as `[{table}]`"
        ));
    }
    Ok(())
}

fn editable_list(document: &DocumentMut, list: &str) -> Result<(), String> {
    match document.get(list) {
        Some(item) if !item.is_array() => Err(format!("`{list}` is not a list")),
        _ => Ok(()),
    }
}

fn table_of<'d>(document: &'d mut DocumentMut, name: &str) -> &'d mut dyn TableLike {
    if document.get(name).and_then(Item::as_table_like).is_none() {
        let mut table = Table::new();
        let above = keep_comments_above(document);
        let gap = if above.is_empty() && document.is_empty() {
            ""
        } else {
            "\n"
        };
        table.decor_mut().set_prefix(format!("{above}{gap}"));
        document.insert(name, Item::Table(table));
    }
    match &mut document[name] {
        Item::Value(Value::InlineTable(table)) => table,
        item => item
            .or_insert(Item::Table(Table::new()))
            .as_table_mut()
            .expect("it was inserted"),
    }
}

/// Takes the comments that stand above an added list: those at the end of a document without tables, else those above the
/// first table that a blank line parts from it. A list must come before the first table, and comments behind a table
/// stay there.
fn comments_above_tables(document: &mut DocumentMut) -> String {
    let is_section = |item: &Item| item.is_table() || item.is_array_of_tables();
    if !document.iter().any(|(_, item)| is_section(item)) {
        return keep_comments_above(document);
    }
    let mut tables = document.iter_mut().filter_map(|(_, item)| item.as_table_mut());
    let Some(first) = tables.next() else {
        return String::new();
    };
    let prefix = first
        .decor()
        .prefix()
        .and_then(RawString::as_str)
        .unwrap_or_default();
    let at = prefix.rfind("\n\n").map_or(0, |at| at + 1);
    let (above, own) = (prefix[..at].to_string(), prefix[at..].to_string());
    let gap = if own.starts_with('\n') { "" } else { "\n" };
    first.decor_mut().set_prefix(format!("{gap}{own}"));
    above
}

/// Removes and returns the comments at the end of a document, which would otherwise end up below an added entry.
fn keep_comments_above(document: &mut DocumentMut) -> String {
    let mut trailing = document.trailing().as_str().unwrap_or_default().to_string();
    if !trailing.is_empty() && !trailing.ends_with('\n') {
        trailing.push('\n');
    }
    document.set_trailing("");
    trailing
}

/// The byte range of `key = value`.
fn entry(table: &Table, key: &str) -> Option<Range<usize>> {
    let (key, item) = table.get_key_value(key)?;
    Some(key.span()?.start..item.span()?.end)
}

/// The text without the lines that a range touches.
fn without_lines(text: &str, range: Range<usize>) -> String {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..]
        .find('\n')
        .map_or(text.len(), |at| range.end + at + 1);
    format!("{}{}", &text[..start], &text[end..])
}

/// Removes the header of a table that has no entries left, unless a comment is on the same line or below.
fn without_empty_table(text: String, header: Range<usize>) -> String {
    let end = text[header.start..]
        .find('\n')
        .map_or(text.len(), |at| header.start + at + 1);
    let (head, rest) = (text[header.start..end].trim(), &text[end..]);
    let below = rest.trim_start();
    let is_bare = head.ends_with(']') && !head.contains('#') && (below.is_empty() || below.starts_with('['));
    if !is_bare {
        return text;
    }
    let above = text[..header.start].trim_end();
    let gap = match (above.is_empty(), below.is_empty()) {
        (true, _) => "",
        (false, true) => "\n",
        (false, false) => "\n\n",
    };
    format!("{above}{gap}{below}")
}

/// The text before an item of a list. Up to the first line break it belongs to the previous item; the rest belongs to
/// this one.
struct Gap {
    behind_previous: String,
    own: String,
}

impl Gap {
    fn new(raw: Option<&RawString>) -> Self {
        let text = raw.and_then(RawString::as_str).unwrap_or_default();
        let (behind_previous, own) = text.split_at(text.find('\n').unwrap_or(0));
        Self {
            behind_previous: behind_previous.to_string(),
            own: own.to_string(),
        }
    }

    /// The line break and the indent of the item itself, without comments above it.
    fn indent(&self) -> String {
        let last_line = self.own.rsplit('\n').next().unwrap_or_default();
        format!("\n{last_line}")
    }
}

fn prefix(array: &Array, position: usize) -> Gap {
    Gap::new(array.get(position).and_then(|item| item.decor().prefix()))
}

/// The text between the last item and the end of the list. Without a trailing comma, `toml_edit` keeps it as the suffix
/// of the item.
fn behind_last(array: &Array) -> Gap {
    let last = array.iter().last().and_then(|item| item.decor().suffix());
    let suffix = last.and_then(RawString::as_str).unwrap_or_default();
    let trailing = array.trailing().as_str().unwrap_or_default();
    Gap::new(Some(&RawString::from(format!("{suffix}{trailing}"))))
}

fn set_prefix(array: &mut Array, position: usize, text: String) {
    if let Some(item) = array.get_mut(position) {
        item.decor_mut().set_prefix(text);
    }
}

fn insert(array: &mut Array, name: &str) {
    let position = sorted_place(array, name);
    write_in_lines(array);
    if position == array.len() {
        push_line(array, name);
        return;
    }
    let next = prefix(array, position);
    let before = format!("{}{}", next.behind_previous, next.indent());
    set_prefix(array, position, next.own);
    array.insert_formatted(position, decorated(name, before));
}

/// One item a line, so that two branches can each add one without a conflict of their texts.
fn write_in_lines(array: &mut Array) {
    let is_in_lines = array.iter().any(|item| {
        let prefix = item.decor().prefix().and_then(RawString::as_str);
        prefix.is_some_and(|prefix| prefix.contains('\n'))
    });
    if is_in_lines || array.is_empty() {
        return;
    }
    let comment = behind_last(array).behind_previous;
    for item in array.iter_mut() {
        item.decor_mut().set_prefix(INDENT);
        item.decor_mut().set_suffix("");
    }
    array.set_trailing(format!("{}\n", comment.trim_end()));
    array.set_trailing_comma(true);
}

const INDENT: &str = "\n    ";

fn position(array: &Array, name: &str) -> Option<usize> {
    array.iter().position(|item| item.as_str() == Some(name))
}

fn sorted_place(array: &Array, name: &str) -> usize {
    let names: Vec<&str> = array.iter().filter_map(Value::as_str).collect();
    if names.is_sorted() {
        names.partition_point(|other| *other < name)
    } else {
        array.len()
    }
}

fn decorated(name: &str, prefix: String) -> Value {
    Value::from(name).decorated(prefix, "")
}

/// Adds an item after the last line and its comment, with or without a trailing comma.
fn push_line(array: &mut Array, name: &str) {
    let Some(last) = array.len().checked_sub(1) else {
        let comments = array
            .trailing()
            .as_str()
            .unwrap_or_default()
            .trim_end()
            .to_string();
        array.push_formatted(decorated(name, comments + INDENT));
        array.set_trailing("\n");
        array.set_trailing_comma(true);
        return;
    };
    let indent = prefix(array, last).indent();
    let rest = behind_last(array);
    if let Some(item) = array.get_mut(last) {
        item.decor_mut().set_suffix("");
    }
    // Comments below the last item stay there, and so above the added item.
    let (comments, end) = rest.own.split_at(rest.own.rfind('\n').unwrap_or(0));
    let before = format!("{}{comments}{indent}", rest.behind_previous);
    let end = if end.is_empty() { "\n" } else { end }.to_string();
    array.push_formatted(decorated(name, before));
    array.set_trailing(end);
    array.set_trailing_comma(true);
}

fn take(array: &mut Array, position: usize) {
    let own = prefix(array, position);
    let is_last = position + 1 == array.len();
    let next = if is_last {
        behind_last(array)
    } else {
        prefix(array, position + 1)
    };
    array.remove(position);
    let mut kept = format!("{}{}{}", own.behind_previous, comments_above(&own.own), next.own);
    if kept.rsplit('\n').next().is_some_and(|line| line.contains('#')) {
        // The next item must not become part of the comment.
        kept = format!("{}{}", kept.trim_end(), own.indent());
    } else if position == 0 && !kept.contains('\n') {
        // On one line, removing the first item leaves no space.
        kept.clear();
    }
    if is_last {
        let is_in_lines = kept.contains('\n');
        array.set_trailing(kept);
        array.set_trailing_comma(is_in_lines && !array.is_empty());
    } else {
        set_prefix(array, position, kept);
    }
}

/// The comments above a removed item. They are kept, because they may be about the items below.
fn comments_above(own: &str) -> &str {
    &own[..own.rfind('\n').unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "# Top.

[overrides] # kinds
# People.
users = \"truth\" # no tenant

roles   =   'system'

[exempt]
old = \"kept\"

# End.
";

    #[test]
    fn a_value_is_replaced_and_its_comment_is_kept() {
        let text = set(POLICY, "overrides", "users", "system").unwrap();
        assert_eq!(text, POLICY.replace("\"truth\"", "\"system\""));
    }

    #[test]
    fn an_entry_is_added_to_its_table() {
        let text = set(POLICY, "overrides", "audit.events", "evidence").unwrap();
        let expected = POLICY.replace("'system'\n", "'system'\n\"audit.events\" = \"evidence\"\n");
        assert_eq!(text, expected);
        let text = set(POLICY, "exempt", "new", "x").unwrap();
        assert_eq!(text, POLICY.replace("\"kept\"\n", "\"kept\"\nnew = \"x\"\n"));
    }

    #[test]
    fn a_table_is_added_at_the_end() {
        for (before, after) in [
            ("", "[overrides]\na = \"b\"\n"),
            ("# Only this.\n", "# Only this.\n\n[overrides]\na = \"b\"\n"),
            (
                "[exempt]\nold = \"x\"\n# End.\n",
                "[exempt]\nold = \"x\"\n# End.\n\n[overrides]\na = \"b\"\n",
            ),
            ("overrides = {}\n", "overrides = { a = \"b\" }\n"),
        ] {
            assert_eq!(set(before, "overrides", "a", "b").unwrap(), after);
        }
    }

    #[test]
    fn an_entry_is_removed_with_its_line_only() {
        let text = unset(POLICY, "overrides", "users").unwrap();
        assert_eq!(text, POLICY.replace("users = \"truth\" # no tenant\n", ""));
        assert_eq!(unset(POLICY, "overrides", "nothing").unwrap(), POLICY);
        assert_eq!(
            unset("overrides = { a = \"b\", c = \"d\" }", "overrides", "a").unwrap(),
            "overrides = { c = \"d\" }\n"
        );
    }

    #[test]
    fn a_table_without_entries_is_removed() {
        for (before, after) in [
            ("[t]\na = \"b\"", ""),
            ("l = []\n\n[t]\na = \"b\"\n", "l = []\n"),
            (
                "l = []\n\n[t]\na = \"b\"\n\n[u]\nc = 1\n",
                "l = []\n\n[u]\nc = 1\n",
            ),
            ("[t]\na = \"b\"\n\n[u]\n", "[u]\n"),
            ("[t] # kinds\na = \"b\"\n", "[t] # kinds\n"),
            ("[t] # see [u]\na = \"b\"\n", "[t] # see [u]\n"),
            ("[t]\n# why\na = \"b\"\n", "[t]\n# why\n"),
            ("[t]\na = \"b\"\n# End.\n", "[t]\n# End.\n"),
            ("[t]\na = \"b\"\nc = \"d\"\n", "[t]\nc = \"d\"\n"),
        ] {
            assert_eq!(unset(before, "t", "a").unwrap(), after, "{before}");
        }
    }

    const REVOKE: &str = "# Append-only.
update_delete = [
    # Audit.
    \"audit_logs\", # forever
    # Money.
    \"payments\",
    \"stock_movements\" # no comma
    # End.
]
";

    #[test]
    fn a_name_is_added_in_its_sorted_place() {
        let text = add(REVOKE, "update_delete", "a").unwrap();
        let first = REVOKE.replace("[\n", "[\n    \"a\",\n");
        assert_eq!(text, first, "above the comment of the next one");
        for (name, before, after) in [
            ("b", "forever\n", "forever\n    \"b\",\n"),
            ("q", "\"payments\",\n", "\"payments\",\n    \"q\",\n"),
        ] {
            let text = add(REVOKE, "update_delete", name).unwrap();
            assert_eq!(text, REVOKE.replacen(before, after, 1), "{name}");
        }
        let text = add(REVOKE, "update_delete", "z").unwrap();
        let expected = REVOKE
            .replace(
                "\"stock_movements\" # no comma",
                "\"stock_movements\", # no comma",
            )
            .replace("# End.\n", "# End.\n    \"z\",\n");
        assert_eq!(text, expected);
    }

    #[test]
    fn a_name_is_added_to_every_form_of_a_list() {
        for (before, after) in [
            ("", "update_delete = [\n    \"m\",\n]\n"),
            (
                "# Nothing yet.\n",
                "# Nothing yet.\nupdate_delete = [\n    \"m\",\n]\n",
            ),
            ("update_delete = []\n", "update_delete = [\n    \"m\",\n]\n"),
            (
                "# Top.\nl = []\n\n[system]\na = \"x\"\n# End.\n",
                "# Top.\nl = []\nupdate_delete = [\n    \"m\",\n]\n\n[system]\na = \"x\"\n# End.\n",
            ),
            (
                "# Top.\n[system]\na = \"x\"\n# End.\n",
                "update_delete = [\n    \"m\",\n]\n\n# Top.\n[system]\na = \"x\"\n# End.\n",
            ),
            (
                "# The file.\n\n# Top.\n[system]\na = \"x\"\n",
                "# The file.\nupdate_delete = [\n    \"m\",\n]\n\n# Top.\n[system]\na = \"x\"\n",
            ),
            (
                "l = []\n# end\n\n# Top.\n[system]\na = \"x\"\n",
                "l = []\n# end\nupdate_delete = [\n    \"m\",\n]\n\n# Top.\n[system]\na = \"x\"\n",
            ),
            (
                "update_delete = [\"a\"] # x\n",
                "update_delete = [\n    \"a\",\n    \"m\",\n] # x\n",
            ),
            (
                "update_delete = [\"z\"]\n",
                "update_delete = [\n    \"m\",\n    \"z\",\n]\n",
            ),
            (
                "update_delete = [\"z\", \"a\"]\n",
                "update_delete = [\n    \"z\",\n    \"a\",\n    \"m\",\n]\n",
            ),
            (
                "update_delete = [\"a\", \"z\",]\n",
                "update_delete = [\n    \"a\",\n    \"m\",\n    \"z\",\n]\n",
            ),
            (
                "update_delete = [\"a\" # x\n]\n",
                "update_delete = [\n    \"a\", # x\n    \"m\",\n]\n",
            ),
        ] {
            assert_eq!(add(before, "update_delete", "m").unwrap(), after);
        }
    }

    #[test]
    fn a_name_is_added_once() {
        assert_eq!(add(REVOKE, "update_delete", "payments").unwrap(), REVOKE);
        let on_one_line = "update_delete = [\"m\", \"a\"]\n";
        assert_eq!(add(on_one_line, "update_delete", "m").unwrap(), on_one_line);
    }

    #[test]
    fn a_name_is_removed_with_its_own_comment() {
        let removed = |name| remove(REVOKE, "update_delete", name).unwrap();
        assert_eq!(
            removed("audit_logs"),
            REVOKE.replace("    \"audit_logs\", # forever\n", "")
        );
        assert_eq!(removed("payments"), REVOKE.replace("    \"payments\",\n", ""));
        assert_eq!(
            removed("stock_movements"),
            REVOKE.replace("    \"stock_movements\" # no comma\n", "")
        );
        assert_eq!(removed("nothing"), REVOKE);
        for (before, after) in [
            ("update_delete = [\"m\", \"z\"]", "update_delete = [\"z\"]"),
            ("update_delete = [\"a\", \"m\"]", "update_delete = [\"a\"]"),
            ("update_delete = [\"m\"]", "update_delete = []"),
        ] {
            assert_eq!(remove(before, "update_delete", "m").unwrap().trim_end(), after);
        }
    }

    #[test]
    fn the_name_after_a_removed_one_does_not_become_a_comment() {
        for (before, after) in [
            (
                "l = [\"a\", # a\n \"m\", \"u\" # u\n]\n",
                "l = [\"a\", # a\n \"u\" # u\n]\n",
            ),
            ("l = [ # c\n \"m\",\"i\"\n]\n", "l = [ # c\n \"i\"\n]\n"),
            ("l = [\n # k\n \"m\",]\n", "l = [\n # k\n ]\n"),
            ("l = [ # c\n \"m\"]\n", "l = [ # c\n ]\n"),
        ] {
            assert_eq!(remove(before, "l", "m").unwrap(), after);
        }
    }

    #[test]
    fn the_last_line_may_lack_a_line_break() {
        assert_eq!(add("# c", "l", "m").unwrap(), "# c\nl = [\n    \"m\",\n]\n");
        assert_eq!(set("# c", "t", "m", "x").unwrap(), "# c\n\n[t]\nm = \"x\"\n");
    }

    #[test]
    fn an_inline_table_on_several_lines_is_refused() {
        let text = "t = {\n  # first\n  a = \"x\",\n}\n";
        assert!(set(text, "t", "m", "x").is_err() && unset(text, "t", "a").is_err());
    }

    #[test]
    fn broken_toml_is_an_error() {
        assert!(set("[overrides", "overrides", "a", "b").is_err());
        assert!(unset("= 1", "overrides", "a").is_err());
        assert!(add("x", "update_delete", "a").is_err());
        assert!(remove("x", "update_delete", "a").is_err());
    }
}
