//! Finds which tables and roles a piece of SQL names: a migration, the body of a function, or the definition
//! of a rule.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::database::code::sql_arguments::{changes_named_table, reads_named_table, runs_argument};

/// The words and signs of a text, without comments. Any sign other than `.`, `,`, `;`, `::` and parentheses is stored
/// as the empty string.
#[derive(Debug, Default)]
pub struct Words {
    all: Vec<String>,
    places: HashMap<String, Vec<usize>>,
    /// The contents of strings, in which the name of a table may be alone.
    quoted: HashSet<String>,
    /// Whether a string holds a command without its table, which the function inserts when it runs.
    reads_what_it_is_given: bool,
    inserts_what_it_is_given: bool,
    changes_what_it_is_given: bool,
    /// The schemas of which all tables are read at once.
    exported: HashSet<String>,
}

/// How deeply nested quotes are read.
const DEPTH: usize = 4;

impl Words {
    /// The words of code, including strings that may be code.
    pub fn of(text: &str) -> Self {
        Self::new(text, DEPTH)
    }

    pub fn outside_quotes(text: &str) -> Self {
        Self::new(text, 0)
    }

    /// The words of a function's body. Its strings count as code only if the function executes strings.
    pub fn of_function(body: &str) -> Self {
        let words = Self::outside_quotes(body);
        let mut each = words.all.iter().enumerate();
        let runs_code = each.any(|(at, word)| match word.as_str() {
            "execute" => true,
            // `DO $$ … $$`; after ON CONFLICT and ALSO, a word follows.
            "do" => matches!(words.next(at), "" | "language") && at + 1 < words.all.len(),
            word => word.starts_with("spi_") || (words.next(at) == "(" && runs_argument(word)),
        });
        if runs_code { Self::of(body) } else { words }
    }

    /// The words of the bodies of several functions.
    pub fn of_functions<'t>(bodies: impl IntoIterator<Item = &'t str>) -> Self {
        let mut all = Self::default();
        for body in bodies {
            let words = Self::of_function(body);
            let start = all.all.len();
            for (word, places) in words.places {
                let places = places.into_iter().map(|at| at + start);
                all.places.entry(word).or_default().extend(places);
            }
            all.all.extend(words.all);
            all.all.push(";".to_string());
            all.quoted.extend(words.quoted);
            all.exported.extend(words.exported);
            all.reads_what_it_is_given |= words.reads_what_it_is_given;
            all.inserts_what_it_is_given |= words.inserts_what_it_is_given;
            all.changes_what_it_is_given |= words.changes_what_it_is_given;
        }
        all
    }

    fn new(text: &str, depth: usize) -> Self {
        let mut words = Self::default();
        words.collect(text, depth);
        for (at, word) in words.all.iter().enumerate() {
            words.places.entry(word.clone()).or_default().push(at);
        }
        words
    }

    fn collect(&mut self, text: &str, depth: usize) {
        let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize() else {
            self.all.extend(plain_words(text));
            return;
        };
        for token in tokens {
            match token {
                Token::Word(word) if word.quote_style.is_none() => self.all.push(word.value.to_lowercase()),
                Token::Word(word) => {
                    // Functions in other languages have code in such quotes, too.
                    if depth > 0 && word.value.contains(' ') {
                        self.code(&word.value, depth);
                    }
                    self.all.push(word.value);
                }
                Token::SingleQuotedString(inner)
                | Token::EscapedStringLiteral(inner)
                | Token::NationalStringLiteral(inner)
                | Token::UnicodeStringLiteral(inner) => {
                    self.string(&inner, depth);
                }
                Token::DollarQuotedString(inner) => self.string(&inner.value, depth),
                Token::Whitespace(_) => {}
                Token::Period => self.all.push(".".to_string()),
                Token::Comma => self.all.push(",".to_string()),
                Token::SemiColon => self.all.push(";".to_string()),
                Token::LParen | Token::LBracket => self.all.push("(".to_string()),
                Token::RParen | Token::RBracket => self.all.push(")".to_string()),
                Token::DoubleColon => self.all.push("::".to_string()),
                _ => self.all.push(String::new()),
            }
        }
    }

    /// The function among whose arguments the next word stands.
    fn called(&self) -> &str {
        let mut closed = 0_usize;
        for (at, word) in self.all.iter().enumerate().rev() {
            match word.as_str() {
                ")" => closed += 1,
                "(" if closed > 0 => closed -= 1,
                "(" => {
                    let before = self.word(at, 1);
                    if !matches!(before, "" | "(" | "," | "cast" | "regclass") {
                        return before;
                    }
                }
                ";" => return "",
                _ => {}
            }
        }
        ""
    }

    /// A string, which may name what a function works on.
    fn string(&mut self, text: &str, depth: usize) {
        let function = match self.all.as_slice() {
            [.., function, open] if open == "(" => function.as_str(),
            _ => "",
        };
        let called = self.called();
        match function {
            _ if reads_named_table(called) => {
                self.all.push("table".to_string());
                self.collect(text, 0);
            }
            _ if changes_named_table(called) => {
                self.all.push("truncate".to_string());
                self.collect(text, 0);
            }
            "schema_to_xml" | "schema_to_xml_and_xmlschema" => {
                self.exported.insert(text.to_string());
                self.all.push(String::new());
            }
            // A setting of the server: those of others have a period in their names.
            "set_config" if !text.contains('.') => self.collect(text, 0),
            _ if depth > 0 => self.code(text, depth),
            _ => self.all.push(String::new()),
        }
    }

    fn code(&mut self, text: &str, depth: usize) {
        self.inserts_what_it_is_given |= lacks_table(text, &["insert into "]);
        self.changes_what_it_is_given |= lacks_table(text, CHANGES);
        self.reads_what_it_is_given |= lacks_table(text, &["from ", "join "]) && !lacks_table(text, CHANGES);
        self.quoted.insert(text.trim_matches(['"', ' ']).to_string());
        self.all.push(String::new());
        self.collect(text, depth - 1);
        self.all.push(String::new());
    }

    /// Whether a statement can be about a table of this name.
    pub fn may_name(&self, name: &str) -> bool {
        self.contains(name) || self.quoted.contains(name)
    }

    pub fn contains(&self, word: &str) -> bool {
        self.places.contains_key(word)
    }

    /// The schema-qualified names, each as its schema and its name.
    pub fn qualified_names(&self) -> impl Iterator<Item = (&str, &str)> {
        let triples = self.all.windows(3).filter(|triple| triple[1] == ".");
        triples.map(|triple| (triple[0].as_str(), triple[2].as_str()))
    }

    /// Whether a statement creates the role.
    pub fn creates_role(&self, name: &str) -> bool {
        self.places(name)
            .any(|at| self.word(at, 2) == "create" && matches!(self.word(at, 1), "role" | "user" | "group"))
    }

    /// Whether a statement reads rows of the table.
    pub fn reads(&self, schema: &str, name: &str) -> bool {
        let is_given = self.reads_what_it_is_given && self.quoted.contains(name);
        is_given || self.exports(schema) || self.starts(schema, name).any(|(_, start)| self.is_read(start))
    }

    /// Whether all tables of a schema are read at once.
    fn exports(&self, schema: &str) -> bool {
        let mut of_database = ["database_to_xml", "database_to_xml_and_xmlschema"].iter();
        self.exported.contains(schema) || of_database.any(|function| self.contains(function))
    }

    /// Whether a setting of the server gets another value than it has from the start.
    pub fn sets(&self, setting: &str) -> bool {
        const USUAL: &[&str] = &["origin", "default", "local"];
        let is_set = |at: usize| {
            matches!(
                (self.word(at, 2), self.word(at, 1)),
                (_, "set") | ("set", "local" | "session") | ("set_config", "(")
            )
        };
        let mut places = self.places(setting);
        places.any(|at| is_set(at) && !USUAL.contains(&self.next(at + 1)))
    }

    /// The words of each statement of the code, whether or not it is put together from several strings.
    pub fn statements(&self) -> impl Iterator<Item = Vec<&str>> {
        // Strings that are run start and end with an empty word.
        const BEFORE: &[&str] = &[
            "", ";", "(", "begin", "atomic", "then", "else", "loop", "do", "also", "instead",
        ];
        let places = (0..self.all.len()).filter(|at| !self.all[*at].is_empty());
        let starts = places.filter(|at| BEFORE.contains(&self.word(*at, 1)));
        starts.map(|at| self.statement_after(at).filter(|word| !word.is_empty()).collect())
    }

    fn is_read(&self, start: usize) -> bool {
        // `FROM ((a JOIN b …) JOIN c …)`.
        let mut at = start;
        while self.word(at, 1) == "(" {
            at -= 1;
        }
        at -= usize::from(self.word(at, 1) == "only");
        match (self.word(at, 2), self.word(at, 1)) {
            ("distinct", "from") => false,
            (_, "from") => !self.is_argument(at),
            (_, "join") => true,
            (_, "using" | "update" | "table" | "copy") | ("merge", "into") => at == start,
            (_, ",") => matches!(self.clause_before(at), "from" | "using"),
            _ => false,
        }
    }

    /// Whether the FROM before a position is part of a function's arguments, as in `extract(epoch FROM a)`.
    fn is_argument(&self, at: usize) -> bool {
        let mut closed = 0_usize;
        for (position, word) in self.all[..at].iter().enumerate().rev() {
            match word.as_str() {
                ")" => closed += 1,
                "(" if closed > 0 => closed -= 1,
                "(" => {
                    let function = self.word(position, 1);
                    return matches!(function, "extract" | "substring" | "trim" | "btrim" | "overlay");
                }
                "select" if closed == 0 => return false,
                _ => {}
            }
        }
        false
    }

    /// Whether a statement changes or removes rows of the table.
    pub fn changes(&self, schema: &str, name: &str) -> bool {
        let is_given = self.changes_what_it_is_given && self.quoted.contains(name);
        is_given
            || self
                .starts(schema, name)
                .any(|(at, start)| match (self.word(start, 2), self.word(start, 1)) {
                    (_, "update" | "truncate")
                    | ("delete", "from")
                    | ("merge", "into")
                    | ("truncate" | "alter" | "drop", "table") => true,
                    ("insert", "into") => self.updates_on_conflict(at),
                    (_, ",") => self.clause_before(start) == "truncate",
                    _ => false,
                })
    }

    /// Whether a statement adds, changes or removes rows of the table.
    pub fn writes(&self, schema: &str, name: &str) -> bool {
        let is_given = self.inserts_what_it_is_given && self.quoted.contains(name);
        let mut starts = self.starts(schema, name);
        let is_target = |start: usize| {
            matches!(
                (self.word(start, 2), self.word(start, 1)),
                ("insert", "into") | (_, "copy")
            )
        };
        is_given || starts.any(|(_, start)| is_target(start)) || self.changes(schema, name)
    }

    /// The commands that write to the table, as the names of their privileges. A string that is completed when it runs
    /// may use any of them.
    pub fn commands(&self, schema: &str, name: &str) -> BTreeSet<&'static str> {
        let mut commands = BTreeSet::new();
        if self.inserts_what_it_is_given && self.quoted.contains(name) {
            commands.insert("INSERT");
        }
        if self.changes_what_it_is_given && self.quoted.contains(name) {
            commands.extend(["INSERT", "UPDATE", "DELETE", "TRUNCATE"]);
        }
        for (at, start) in self.starts(schema, name) {
            match (self.word(start, 2), self.word(start, 1)) {
                ("insert", "into") if self.updates_on_conflict(at) => commands.extend(["INSERT", "UPDATE"]),
                ("insert", "into") | (_, "copy") => commands.extend(["INSERT"]),
                (_, "update") => commands.extend(["UPDATE"]),
                ("delete", "from") => commands.extend(["DELETE"]),
                ("merge", "into") => commands.extend(["INSERT", "UPDATE", "DELETE"]),
                _ if self.is_truncated(start) => commands.extend(["TRUNCATE"]),
                _ => {}
            }
        }
        commands
    }

    /// Whether a statement empties the table.
    pub fn truncates(&self, schema: &str, name: &str) -> bool {
        self.starts(schema, name)
            .any(|(_, start)| self.is_truncated(start))
    }

    /// Whether a statement empties the table, and with it every table that refers to it.
    pub fn truncates_references(&self, schema: &str, name: &str) -> bool {
        let cascades = |at: usize| self.statement_after(at).any(|word| word == "cascade");
        self.starts(schema, name)
            .any(|(at, start)| self.is_truncated(start) && cascades(at))
    }

    fn is_truncated(&self, start: usize) -> bool {
        match (self.word(start, 2), self.word(start, 1)) {
            (_, "truncate") | ("truncate", "table") => true,
            (_, ",") => self.clause_before(start) == "truncate",
            _ => false,
        }
    }

    /// Whether a statement uses a table by its name alone, so that the search path decides which table it is.
    pub fn uses_without_schema(&self, name: &str) -> bool {
        let is_common = self.is_common_table(name);
        let mut places = self.places(name).filter(|at| self.is_without_schema(*at));
        places.any(|at| {
            let start = at - usize::from(self.word(at, 1) == "only");
            let is_target = matches!(
                (self.word(start, 2), self.word(start, 1)),
                ("insert" | "merge", "into") | ("delete", "from") | (_, "update" | "truncate" | "copy")
            );
            !is_common && (is_target || self.is_read(start))
        })
    }

    /// Whether a function is called by its name alone, so that the search path decides which function it is.
    pub fn calls_without_schema(&self, name: &str) -> bool {
        let mut places = self.places(name).filter(|at| self.is_without_schema(*at));
        places.any(|at| self.next(at) == "(" && !matches!(self.word(at, 1), "into" | "table" | "as"))
    }

    /// Whether a function is called, by its name alone or with its schema.
    pub fn calls(&self, schema: &str, name: &str) -> bool {
        let mut places = self.places(name).filter(|at| self.next(*at) == "(");
        places.any(|at| match (self.word(at, 2), self.word(at, 1)) {
            (found, ".") => found == schema,
            (_, before) => !matches!(before, "into" | "table" | "as"),
        })
    }

    /// Whether the first statement of a body in PL/pgSQL raises an error that the body does not catch.
    pub fn raises_at_once(&self) -> bool {
        const HARMLESS: &[&str] = &["debug", "log", "info", "notice", "warning"];
        let Some(start) = self.places("begin").min() else {
            return false;
        };
        let is_caught = self.places("exception").any(|at| self.next(at) == "when");
        self.next(start) == "raise" && !HARMLESS.contains(&self.next(start + 1)) && !is_caught
    }

    fn is_without_schema(&self, at: usize) -> bool {
        self.word(at, 1) != "." && self.next(at) != "."
    }

    fn next(&self, at: usize) -> &str {
        self.all.get(at + 1).map_or("", String::as_str)
    }

    fn statement_after(&self, at: usize) -> impl Iterator<Item = &str> {
        let words = self.all[at..].iter().map(String::as_str);
        words.take_while(|word| *word != ";")
    }

    /// Whether a query takes rows from the table.
    pub fn selects_from(&self, schema: &str, name: &str) -> bool {
        let is_command = |start| matches!(self.word(start, 1), "table" | "update" | "copy");
        self.starts(schema, name)
            .any(|(_, start)| self.is_read(start) && !is_command(start))
    }

    /// The command by which a statement changes rows of the table that are there.
    pub fn row_change(&self, schema: &str, name: &str) -> Option<&'static str> {
        let mut starts = self.starts(schema, name);
        starts.find_map(|(_, start)| match (self.word(start, 2), self.word(start, 1)) {
            (_, "update") => Some("UPDATE"),
            ("delete", "from") => Some("DELETE"),
            ("merge", "into") => Some("MERGE"),
            _ => None,
        })
    }

    /// Whether a query takes rows from the table, or the whole table is copied: `CREATE TABLE … AS TABLE name`.
    pub fn copies_from(&self, schema: &str, name: &str) -> bool {
        let is_copied = |start| (self.word(start, 2), self.word(start, 1)) == ("as", "table");
        self.selects_from(schema, name) || self.starts(schema, name).any(|(_, start)| is_copied(start))
    }

    /// Whether CREATE TABLE makes the table.
    pub fn creates(&self, schema: &str, name: &str) -> bool {
        self.starts(schema, name).any(|(_, start)| {
            let before = (self.word(start, 2), self.word(start, 1));
            before == ("create", "table") || before == ("not", "exists")
        })
    }

    /// Whether ALTER TABLE lets the owner see the rows of the table.
    pub fn lifts_force(&self, schema: &str, name: &str) -> bool {
        self.starts(schema, name).any(|(at, start)| {
            let mut after = self.statement_after(at).skip(1);
            self.is_altered(start) && after.next() == Some("no") && after.next() == Some("force")
        })
    }

    fn is_altered(&self, start: usize) -> bool {
        matches!(
            (self.word(start, 2), self.word(start, 1)),
            ("alter", "table") | ("if", "exists")
        )
    }

    /// Whether ALTER TABLE compares the rows of the table with a foreign key: one that it adds, or one of these that it
    /// validates. A new column without a default has no values to compare.
    pub fn checks_key(&self, schema: &str, name: &str, unchecked: &[String]) -> bool {
        let has = |action: &[String], words: [&str; 2]| action.windows(2).any(|pair| pair == words);
        let compares = |action: &[String]| {
            let adds = has(action, ["foreign", "key"]) && !has(action, ["not", "valid"]);
            let fills = ["default", "references"]
                .iter()
                .all(|word| action.iter().any(|one| one == word));
            let validates = has(action, ["validate", "constraint"])
                && unchecked
                    .iter()
                    .any(|key| has(action, ["constraint", key.as_str()]));
            adds || fills || validates
        };
        let is_altered = self.starts(schema, name).any(|(_, start)| self.is_altered(start));
        is_altered && self.actions().into_iter().any(compares)
    }

    /// The parts of a statement between commas that are in no parentheses.
    fn actions(&self) -> Vec<&[String]> {
        let (mut actions, mut from, mut depth) = (Vec::new(), 0, 0_usize);
        for (at, word) in self.all.iter().enumerate() {
            match word.as_str() {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "," if depth == 0 => {
                    actions.push(&self.all[from..at]);
                    from = at + 1;
                }
                _ => {}
            }
        }
        actions.push(&self.all[from..]);
        actions
    }

    /// Whether the name is that of a common table expression: `WITH name AS (…)`.
    fn is_common_table(&self, name: &str) -> bool {
        self.places(name).any(|at| {
            let is_named = matches!(self.word(at, 1), "with" | "recursive" | ",");
            let rest = self.all.get(at + 1..).unwrap_or_default();
            let columns = match rest.first().map(String::as_str) {
                Some("(") => rest
                    .iter()
                    .position(|word| word == ")")
                    .map_or(rest.len(), |end| end + 1),
                _ => 0,
            };
            let next = |forward: usize| rest.get(columns + forward).map_or("", String::as_str);
            is_named && next(0) == "as" && matches!(next(1), "(" | "materialized" | "not")
        })
    }

    fn places(&self, name: &str) -> impl Iterator<Item = usize> {
        self.places.get(name).into_iter().flatten().copied()
    }

    /// The positions of the table's name, each with the position where the name starts, including its schema and
    /// ONLY. A name with another schema is another table.
    fn starts(&self, schema: &str, name: &str) -> impl Iterator<Item = (usize, usize)> {
        let is_common = self.is_common_table(name);
        self.places(name).filter_map(move |at| {
            let start = match (self.word(at, 2), self.word(at, 1)) {
                // The schema may have the database in front of it.
                (found, ".") if found == schema && self.word(at, 3) == "." => at.saturating_sub(4),
                (found, ".") if found == schema => at - 2,
                (_, ".") => return None,
                _ if is_common => return None,
                _ => at,
            };
            let is_only = self.word(start, 1) == "only";
            Some((at, start - usize::from(is_only)))
        })
    }

    fn word(&self, at: usize, back: usize) -> &str {
        at.checked_sub(back).map_or("", |at| self.all[at].as_str())
    }

    /// The word that begins the list around this position.
    fn clause_before(&self, at: usize) -> &str {
        let mut closed = 0_usize;
        for word in self.all[..at].iter().rev() {
            match word.as_str() {
                ")" => closed += 1,
                "(" if closed > 0 => closed -= 1,
                "(" | ";" | "select" | "from" | "where" | "set" | "values" | "returning" | "by" | "using"
                | "truncate" | "having" | "into"
                    if closed == 0 =>
                {
                    return word;
                }
                _ => {}
            }
        }
        ""
    }

    fn updates_on_conflict(&self, at: usize) -> bool {
        let statement: Vec<&str> = self.statement_after(at).collect();
        statement.windows(2).any(|pair| pair == ["do", "update"])
    }
}

/// The words of a text that cannot be tokenized, for example because a quote is not closed.
fn plain_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_alphanumeric() || c == '_' {
            word.extend(c.to_lowercase());
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if ".,;()".contains(c) {
            words.push(c.to_string());
        }
    }
    words
}

const CHANGES: &[&str] = &[
    "update ",
    "delete from ",
    "truncate ",
    "truncate table ",
    "merge into ",
];

/// Whether one of these commands ends before the name of its table: `DELETE FROM %I`, or `'UPDATE ' || …`.
fn lacks_table(text: &str, commands: &[&str]) -> bool {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let mut line = words.join(" ");
    if text.ends_with(char::is_whitespace) {
        line.push(' ');
    }
    commands.iter().any(|command| {
        let formatted = format!("{command}%");
        line.ends_with(command) || line.contains(&formatted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads_and_changes_logs(text: &str) -> (bool, bool) {
        let words = Words::of_function(text);
        (words.reads("public", "logs"), words.changes("public", "logs"))
    }

    #[test]
    fn reads_and_changes() {
        for (text, reads, changes) in [
            ("SELECT * FROM logs", true, false),
            ("SELECT * FROM a x, public.logs y", true, false),
            ("SELECT * FROM a JOIN b ON f(a, b) = 1, logs", true, false),
            ("SELECT a, logs FROM x", false, false),
            (
                "SELECT count(*) AS logs FROM other.logs WHERE a IS DISTINCT FROM logs",
                false,
                false,
            ),
            ("SELECT f(a, logs)", false, false),
            (
                "SELECT * FROM ((logs l JOIN a ON true) JOIN b ON true)",
                true,
                false,
            ),
            ("WITH logs AS (SELECT 1) SELECT * FROM logs", false, false),
            ("SELECT extract(epoch FROM logs)", false, false),
            ("INSERT INTO logs VALUES (1)", false, false),
            (
                "INSERT INTO public.logs SELECT * FROM x; UPDATE x SET a = 1",
                false,
                false,
            ),
            (
                "INSERT INTO logs VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1",
                false,
                true,
            ),
            ("DELETE FROM ONLY public.\"logs\"", true, true),
            ("UPDATE logs SET a = 1", true, true),
            ("TRUNCATE TABLE logs", true, true),
            ("truncate LOGS", false, true),
            ("truncate a, logs", false, true),
            ("ALTER TABLE logs DISABLE TRIGGER ALL", true, true),
            ("MERGE INTO logs USING x", true, true),
            ("EXECUTE 'DELETE FROM logs'", true, true),
            ("EXECUTE format('DELETE FROM %I', 'logs')", false, true),
            (
                "EXECUTE format('UPDATE %I', tg_table_name); INSERT INTO logs VALUES (1)",
                false,
                false,
            ),
            (
                "RETURN QUERY EXECUTE 'SELECT x FROM ' || 'logs' || ' x'",
                true,
                false,
            ),
            ("EXECUTE 'UPDATE ' || quote_ident('logs')", false, true),
            (
                "EXECUTE 'SELECT 1'; IF tg_op = 'UPDATE' THEN INSERT INTO logs",
                false,
                false,
            ),
            ("RAISE EXCEPTION 'cannot DELETE FROM logs'", false, false),
            ("plpy.execute(\"DELETE FROM logs\")", true, true),
            ("SELECT * FROM shop.public.logs", true, false),
            (".public.logs", false, false),
            ("-- FROM logs\nSELECT 1 /* FROM logs */", false, false),
            ("SELECT * FROM \"Logs\", logs_old", false, false),
            ("it's DELETE FROM public.logs", true, true),
            (
                "SELECT query_to_xml('SELECT * FROM logs', true, true, '')",
                true,
                false,
            ),
            ("SELECT table_to_xml('public.logs', true, true, '')", true, false),
            (
                "SELECT table_to_xml('logs'::regclass, true, true, '')",
                true,
                false,
            ),
            ("SELECT table_to_xml('other.logs', true, true, '')", false, false),
            ("SELECT schema_to_xml('public', true, true, '')", true, false),
            ("SELECT schema_to_xml('other', true, true, '')", false, false),
            ("SELECT database_to_xml(true, true, '')", true, false),
            ("SELECT * FROM ts_stat($$SELECT a FROM logs$$)", true, false),
            ("SELECT ts_rewrite(q, 'SELECT a, b FROM logs')", true, false),
            (
                "PERFORM dblink_exec('dbname=shop', 'DELETE FROM logs')",
                true,
                true,
            ),
            ("DO $$ BEGIN DELETE FROM logs; END $$", true, true),
            ("SELECT ts_headline('SELECT * FROM logs', q)", false, false),
            (
                "INSERT INTO a VALUES ('DELETE FROM logs') ON CONFLICT DO NOTHING",
                false,
                false,
            ),
        ] {
            assert_eq!(reads_and_changes_logs(text), (reads, changes), "{text}");
        }
    }

    #[test]
    fn tables_that_an_argument_names() {
        for (text, reads, changes) in [
            (
                "SELECT table_to_xml(regclass 'logs', true, true, '')",
                true,
                false,
            ),
            ("SELECT table_to_xml(('logs'), true, true, '')", true, false),
            ("SELECT get_raw_page('logs', 0)", true, false),
            (
                "SELECT xpath_table('id', 'name', 'logs', '/a', 'true')",
                true,
                false,
            ),
            ("SELECT count(*) FROM ONLY (logs)", true, false),
            ("SELECT 1 FROM a, (logs l CROSS JOIN b)", true, false),
            (
                "SELECT heap_force_kill('logs'::regclass, ARRAY['(0,1)'::tid])",
                false,
                true,
            ),
        ] {
            assert_eq!(reads_and_changes_logs(text), (reads, changes), "{text}");
        }
    }

    #[test]
    fn writes_and_truncates() {
        for (text, writes, truncates, cascades) in [
            ("INSERT INTO public.logs VALUES (1)", true, false, false),
            ("COPY logs FROM STDIN", true, false, false),
            (
                "EXECUTE format('INSERT INTO %I VALUES (1)', 'logs')",
                true,
                false,
                false,
            ),
            ("DELETE FROM logs", true, false, false),
            ("SELECT * FROM logs", false, false, false),
            ("INSERT INTO other.logs SELECT 1", false, false, false),
            ("TRUNCATE logs; DROP TABLE x CASCADE", true, true, false),
            (
                "TRUNCATE TABLE a, ONLY public.logs RESTART IDENTITY CASCADE",
                true,
                true,
                true,
            ),
        ] {
            let words = Words::of_function(text);
            let found = (
                words.writes("public", "logs"),
                words.truncates("public", "logs"),
                words.truncates_references("public", "logs"),
            );
            assert_eq!(found, (writes, truncates, cascades), "{text}");
        }
    }

    #[test]
    fn commands_that_write() {
        for (text, expected) in [
            ("INSERT INTO public.logs VALUES (1)", &["INSERT"][..]),
            ("COPY logs FROM STDIN", &["INSERT"]),
            (
                "INSERT INTO logs VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1",
                &["INSERT", "UPDATE"],
            ),
            ("UPDATE ONLY logs SET a = 1; DELETE FROM x", &["UPDATE"]),
            ("DELETE FROM logs", &["DELETE"]),
            ("MERGE INTO logs USING x ON true", &["DELETE", "INSERT", "UPDATE"]),
            ("TRUNCATE a, logs", &["TRUNCATE"]),
            (
                "EXECUTE format('DELETE FROM %I', 'logs')",
                &["DELETE", "INSERT", "TRUNCATE", "UPDATE"],
            ),
            ("EXECUTE 'INSERT INTO ' || 'logs'", &["INSERT"]),
            ("SELECT * FROM logs; ALTER TABLE logs DISABLE TRIGGER ALL", &[]),
        ] {
            let words = Words::of_function(text);
            let found: Vec<&str> = words.commands("public", "logs").into_iter().collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn errors_that_are_raised_at_once() {
        for (body, expected) in [
            ("BEGIN RAISE EXCEPTION 'no'; END", true),
            (
                "DECLARE x int; BEGIN RAISE 'no' USING ERRCODE = '42501'; RETURN NULL; END",
                true,
            ),
            ("BEGIN RAISE insufficient_privilege; END", true),
            ("BEGIN RAISE NOTICE 'no'; RETURN NULL; END", false),
            (
                "BEGIN IF tg_op = 'DELETE' THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END",
                false,
            ),
            (
                "BEGIN RAISE EXCEPTION 'no'; EXCEPTION WHEN OTHERS THEN RETURN NEW; END",
                false,
            ),
            (
                "BEGIN BEGIN RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END; RETURN NEW; END",
                false,
            ),
            ("BEGIN RETURN NULL; END", false),
            ("raise", false),
        ] {
            assert_eq!(Words::outside_quotes(body).raises_at_once(), expected, "{body}");
        }
    }

    #[test]
    fn names_without_a_schema() {
        for (text, table, function) in [
            ("SELECT f(a) FROM logs", true, true),
            ("SELECT public.f(a) FROM public.logs", false, false),
            ("SELECT logs.a, f FROM public.logs, x AS logs", false, false),
            ("INSERT INTO logs (a) VALUES (1)", true, false),
            ("UPDATE ONLY logs SET f = 1", true, false),
            ("WITH logs AS (SELECT 1) SELECT * FROM logs", false, false),
            ("PERFORM f(1)", false, true),
            ("RAISE EXCEPTION 'FROM logs f(1)'", false, false),
        ] {
            let words = Words::of_function(text);
            let found = (words.uses_without_schema("logs"), words.calls_without_schema("f"));
            assert_eq!(found, (table, function), "{text}");
        }
    }

    #[test]
    fn created_roles() {
        let words = Words::of(
            "CREATE ROLE App; create user \"Web\" LOGIN; CREATE GROUP g;
             -- CREATE ROLE comment;
             DO $$ BEGIN CREATE ROLE guarded; END $$; DROP ROLE gone;",
        );
        for role in ["app", "Web", "g", "guarded"] {
            assert!(words.creates_role(role), "{role}");
        }
        for role in ["App", "web", "comment", "gone"] {
            assert!(!words.creates_role(role), "{role}");
        }
    }

    #[test]
    fn quotes_can_be_left_out() {
        let text = "SELECT 'a', $$b$$, c -- d";
        let found = |words: &Words| ["a", "b", "c", "d"].map(|word| words.contains(word));
        assert_eq!(found(&Words::of(text)), [true, true, true, false]);
        assert_eq!(found(&Words::outside_quotes(text)), [false, false, true, false]);
    }
}
