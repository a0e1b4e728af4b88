//! Finds the statements in the code of functions and rules that stay within the tenant of the session, whoever runs them.
//!
//! A statement stays there if it compares the tenant column with the setting, or writes the setting or the tenant of the
//! row that fires a trigger, which the policies of that row's table have judged. What cannot be parsed, and what uses two
//! protected tables at once, is not known to stay there.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, Ident, Insert, ObjectName, OnConflictAction,
    OnInsert, Query, Select, SelectItem, SetExpr, Statement, TableFactor, TableObject, TableWithJoins, Value,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::database::access::roles::Actor;
use crate::database::catalog::{Function, Oid, Relation, Rule, Trigger};
use crate::database::code::calls::tokens;
use crate::database::code::claims;
use crate::database::code::mention::Words;
use crate::database::code::openings::Code;
use crate::database::code::sql_arguments::runs_argument;
use crate::database::code::triggers::{BEFORE, DELETE, FOR_EACH_ROW, INSERT, INSTEAD_OF, UPDATE};
use crate::database::context::{Context, Table};
use crate::database::logic::{MAX_STEPS, Question, Verdict};
use crate::database::requirements::statements::{identifier, literal};

/// A statement with more tokens is not read, because nobody can review it.
const MAX_TOKENS: usize = 2_000;

type Tokens<'t> = &'t [(Token, Range<usize>)];

/// The code of a function, and of the functions that it calls with its own rights.
pub fn code_of_function(context: &Context<'_>, function: &Function) -> Code {
    let inner = inner_functions(context, function);
    let functions = || std::iter::once(function).chain(inner.iter().copied());
    let all: Vec<&str> = functions().map(|one| one.body.as_str()).collect();
    let unbound: Vec<String> = if functions().any(|one| changes_tenant(context, one)) {
        all.iter().map(ToString::to_string).collect()
    } else {
        functions()
            .map(|one| without_bound(context, one, function.owner))
            .collect()
    };
    Code {
        all: Words::of_functions(all),
        unbound: Words::of_functions(unbound.iter().map(String::as_str)),
    }
}

/// The functions that run with the rights of a function that runs as its owner, because it calls them, or another of them
/// does.
pub fn inner_functions<'c>(context: &'c Context<'_>, function: &Function) -> Vec<&'c Function> {
    called(context, &function.body, |other| !other.is_definer)
}

/// The code of the query of a materialized view, and of all functions that it calls. Those run with the rights of the
/// view's owner, or of their own.
pub fn code_of_query(context: &Context<'_>, query: &str) -> Words {
    let called = all_called(context, query).into_iter();
    Words::of_functions(called.map(|one| one.body.as_str()).chain([query]))
}

/// The functions that code calls, directly or in others, whatever rights they run with.
pub fn all_called<'c>(context: &'c Context<'_>, code: &str) -> Vec<&'c Function> {
    called(context, code, |_| true)
}

/// The functions that code calls, directly or through each other, as far as each one meets a condition.
fn called<'c>(context: &'c Context<'_>, code: &str, is_met: impl Fn(&Function) -> bool) -> Vec<&'c Function> {
    let routines = &context.catalog.routines;
    let (mut found, mut open) = (BTreeSet::new(), vec![Words::of_function(code)]);
    while let Some(words) = open.pop() {
        for (at, other) in routines.iter().enumerate() {
            let is_inner = is_met(other) && !other.is_trigger && words.calls(&other.schema, &other.name);
            if is_inner && found.insert(at) {
                open.push(Words::of_function(&other.body));
            }
        }
    }
    found.into_iter().map(|at| &routines[at]).collect()
}

/// The body of a function that runs as a role, without the statements that stay within the tenant.
fn without_bound(context: &Context<'_>, function: &Function, role: Oid) -> String {
    let body = &function.body;
    let is_read = matches!(function.language.as_str(), "sql" | "plpgsql");
    let Some(mut reader) = Reader::new(context, role).filter(|_| is_read) else {
        return body.clone();
    };
    let found = tokens(body).unwrap_or_default();
    reader.of_trigger(function, &found);
    reader.variables = reader.declared(body, &found);
    reader.without_bound(body)
}

/// The most words and dots of a setting's name that are read.
const LONGEST_NAME: usize = 16;

/// Whether a function sets the tenant itself.
fn changes_tenant(context: &Context<'_>, function: &Function) -> bool {
    let own = claims::settings(&context.project.policy);
    if own.is_empty() {
        return true;
    }
    let is_setting = |name: &String| own.iter().any(|own| name.eq_ignore_ascii_case(own));
    let found = tokens(&function.body).unwrap_or_default();
    let words: Vec<String> = found
        .iter()
        .map(|(token, _)| token.to_string().to_lowercase())
        .collect();
    let mut places = (0..words.len()).filter(|at| words[*at] == "set");
    function.settings.iter().any(is_setting)
        || Words::of_function(&function.body).contains("set_config")
        || places.any(|at| {
            let is_scope = words
                .get(at + 1)
                .is_some_and(|word| word == "local" || word == "session");
            let name = words.iter().skip(at + 1 + usize::from(is_scope));
            let name = name.take_while(|word| !matches!(word.as_str(), "=" | "to"));
            is_setting(&name.take(LONGEST_NAME).cloned().collect())
        })
}

/// The code of a rule on a relation.
pub fn code_of_rule(context: &Context<'_>, rule: &Rule, on: &Relation) -> Code {
    let text = &rule.definition;
    let unbound = Reader::new(context, on.owner).map(|mut reader| {
        // Policies judge the row only if the statement itself runs, too.
        if !Words::outside_quotes(text).contains("instead") {
            reader.column_of_row = judged_column(context, on);
        }
        reader.without_bound(text)
    });
    Code {
        all: Words::outside_quotes(text),
        unbound: Words::outside_quotes(unbound.as_deref().unwrap_or(text)),
    }
}

/// The tenant column of a relation whose policies judge each row.
fn judged_column<'c>(context: &'c Context<'_>, relation: &Relation) -> Option<&'c str> {
    let table = context.table_holding(relation.oid)?;
    let is_judged = table.has_rls() && table.relation.is_some_and(|own| own.row_security);
    is_judged.then(|| context.tenant_column_of(relation)).flatten()
}

fn protected_names<'r>(context: &'r Context<'_>) -> &'r BTreeSet<String> {
    context.computed.protected_names.get_or_init(|| {
        let is_protected = |relation: &&Relation| {
            let table = context.table_holding(relation.oid);
            relation.kind == "v" || relation.kind == "m" || table.is_some_and(Table::has_rls)
        };
        let protected = context.catalog.relations.iter().filter(is_protected);
        protected.map(|relation| relation.name.clone()).collect()
    })
}

struct Reader<'r> {
    context: &'r Context<'r>,
    /// The role whose rights the statements use.
    actor: Actor<'r>,
    /// The tenant of the session, as an expression.
    own: String,
    /// The column of NEW and OLD that holds the tenant of the session.
    column_of_row: Option<&'r str>,
    /// The names of tables with such rows.
    transition_tables: Vec<String>,
    /// The variables that keep one value, each with its expression.
    variables: Vec<(String, String)>,
    /// The names of the relations that hold or show rows of tenants.
    protected: &'r BTreeSet<String>,
}

/// A table that a statement uses, by its alias if it has one.
struct Target<'r> {
    relation: &'r Relation,
    column: &'r str,
    alias: Option<String>,
}

impl<'r> Reader<'r> {
    fn new(context: &'r Context<'r>, role: Oid) -> Option<Self> {
        let setting = &context.project.policy.tenancy.column()?.setting.value;
        Some(Self {
            context,
            actor: context.owner(role)?,
            own: format!("(nullif(current_setting({}, true), ''))", literal(setting)),
            column_of_row: None,
            transition_tables: Vec::new(),
            variables: Vec::new(),
            protected: protected_names(context),
        })
    }

    /// Trusts the rows of the triggers that run a function, if policies judge all of them.
    fn of_trigger(&mut self, function: &Function, found: Tokens<'_>) {
        let returns_null = follows(found, "return", "null");
        // The server judges a row after its BEFORE triggers, unless one of them drops it, or a later one gives it another
        // tenant.
        let is_judged = |trigger: &Trigger, column: &str| {
            let may_be_lost = || returns_null || self.changes_later(trigger, column);
            trigger.events & INSTEAD_OF == 0 && (trigger.events & BEFORE == 0 || !may_be_lost())
        };
        let triggers: Vec<&Trigger> = self.context.catalog.triggers_of(function).collect();
        let columns: Option<BTreeSet<&str>> = triggers
            .iter()
            .map(|trigger| {
                let relation = self.context.catalog.relation_of(trigger.relation)?;
                judged_column(self.context, relation).filter(|column| is_judged(trigger, column))
            })
            .collect();
        let columns: Vec<&str> = columns.unwrap_or_default().into_iter().collect();
        let [column] = columns.as_slice() else {
            return;
        };
        if assigns_row(found, column) {
            return;
        }
        if triggers.iter().all(|trigger| trigger.events & FOR_EACH_ROW != 0) {
            self.column_of_row = Some(*column);
        } else if triggers.iter().all(|trigger| trigger.events & FOR_EACH_ROW == 0) {
            self.column_of_row = Some(*column);
            let names = triggers.iter().map(|trigger| &trigger.transition_tables);
            let (first, mut others) = (names.clone().next(), names.skip(1));
            if let Some(first) = first
                && others.all(|other| other == first)
            {
                self.transition_tables.clone_from(first);
            }
        }
    }

    /// Whether a BEFORE trigger that fires after this one, in the order of names, may drop a row or give it another tenant.
    fn changes_later(&self, trigger: &Trigger, column: &str) -> bool {
        let all = self.context.catalog.triggers(trigger.relation).iter();
        let later = all.filter(|other| {
            other.name > trigger.name
                && other.events & BEFORE != 0
                && other.events & FOR_EACH_ROW != 0
                && other.events & trigger.events & (INSERT | UPDATE | DELETE) != 0
                && other.enabled != "D"
        });
        let changes = |body: &str| {
            tokens(body).is_none_or(|found| follows(&found, "return", "null") || assigns_row(&found, column))
        };
        later
            .into_iter()
            .any(|other| self.is_foreign(other) || changes(&other.function_body))
    }

    /// Whether a trigger runs code that is neither read here nor part of the server: PL/Python, PL/V8, ….
    fn is_foreign(&self, trigger: &Trigger) -> bool {
        let mut functions = self.context.catalog.routines.iter();
        let function = functions
            .find(|function| function.name == trigger.function && function.schema == trigger.function_schema);
        function.is_some_and(|function| !["plpgsql", "c", "internal"].contains(&function.language.as_str()))
    }

    /// The variables of PL/pgSQL that get a value where they are declared, and no other one later.
    fn declared(&self, text: &str, found: Tokens<'_>) -> Vec<(String, String)> {
        let at = |word: &str| found.iter().position(|(token, _)| is_word(token, word));
        let (Some(start), Some(end)) = (at("declare"), at("begin")) else {
            return Vec::new();
        };
        let others = found.iter().skip(start + 1);
        if start > end || others.into_iter().any(|(token, _)| is_word(token, "declare")) {
            return Vec::new();
        }
        let declarations = found[start + 1..end].split(|(token, _)| *token == Token::SemiColon);
        let variables = declarations.filter_map(|tokens| {
            let name = folded_word(&tokens.first()?.0)?;
            let is_sign =
                |token: &Token| matches!(token, Token::Assignment | Token::Eq) || is_word(token, "default");
            let sign = tokens.iter().position(|(token, _)| is_sign(token))?;
            let value = self.rewritten(text, &tokens[sign + 1..]);
            (!is_assigned(&found[end..], &name)).then_some((name, format!("({value})")))
        });
        variables.collect()
    }

    /// A text without the statements that stay within the tenant.
    fn without_bound(&self, text: &str) -> String {
        let Some(found) = tokens(text) else {
            return text.to_string();
        };
        let (mut left, mut copied, mut at) = (String::new(), 0, 0);
        while at < found.len() {
            let end = if starts_statement(&found, at) {
                end_of_statement(&found, at)
            } else {
                at
            };
            if end > at && self.is_bound(text, &found[at..end]) {
                left.push_str(&text[copied..found[at].1.start]);
                left.push(' ');
                copied = found[end - 1].1.end;
                at = end;
            } else {
                at += 1;
            }
        }
        left.push_str(&text[copied..]);
        left
    }

    fn is_bound(&self, text: &str, found: Tokens<'_>) -> bool {
        let Some(found) = without_returning(found) else {
            return false;
        };
        // What is in a string is not looked at.
        let mut names = found.iter().filter_map(|(token, _)| folded_word(token));
        let has_string = names.any(|name| runs_argument(&name));
        if found.len() > MAX_TOKENS || self.protected_names(found) != 1 || has_string {
            return false;
        }
        let parsed = Parser::parse_sql(&PostgreSqlDialect {}, &self.rewritten(text, found));
        let Ok([statement]) = parsed.as_deref() else {
            return false;
        };
        let is_bound = match statement {
            Statement::Insert(insert) => self.inserts_own(insert),
            Statement::Update {
                table,
                assignments,
                from: None,
                selection: Some(condition),
                ..
            } => self.updates_own(table, assignments, condition),
            Statement::Delete(delete) => self.deletes_own(delete),
            Statement::Query(query) => self.reads_own(query),
            _ => None,
        };
        is_bound.unwrap_or(false)
    }

    /// How often the tokens name a protected relation, other than in front of a column.
    fn protected_names(&self, found: Tokens<'_>) -> usize {
        let is_name = |at: &usize| {
            let name = folded_word(&found[*at].0);
            let is_in_front = found.get(at + 1).is_some_and(|(next, _)| *next == Token::Period);
            let is_of_row = *at >= 2 && found[at - 1].0 == Token::Period && is_row(&found[at - 2].0);
            name.is_some_and(|name| self.protected.contains(name.as_str())) && !is_in_front && !is_of_row
        };
        (0..found.len()).filter(is_name).count()
    }

    /// The text of tokens, in which the tenant of the row and variables are replaced by what they are.
    fn rewritten(&self, text: &str, found: Tokens<'_>) -> String {
        let (mut parts, mut at) = (Vec::new(), 0);
        while at < found.len() {
            let (token, range) = &found[at];
            let has_period = |at: usize| found.get(at).is_some_and(|(token, _)| *token == Token::Period);
            let column = found.get(at + 2).and_then(|(token, _)| folded_word(token));
            let is_tenant = column.is_some() && column.as_deref() == self.column_of_row;
            let is_name = has_period(at + 1) || at.checked_sub(1).is_some_and(has_period);
            let name = folded_word(token).filter(|_| !is_name);
            let variable = name.and_then(|name| self.variables.iter().find(|(known, _)| *known == name));
            if is_row(token) && has_period(at + 1) && is_tenant {
                parts.push(self.own.as_str());
                at += 3;
            } else {
                parts.push(variable.map_or(&text[range.clone()], |(_, value)| value));
                at += 1;
            }
        }
        parts.join(" ")
    }

    fn inserts_own(&self, insert: &Insert) -> Option<bool> {
        let TableObject::TableName(name) = &insert.table else {
            return None;
        };
        let target = self.target(name, insert.table_alias.as_ref())?;
        match &insert.on {
            None => {}
            Some(OnInsert::OnConflict(conflict)) if conflict.action == OnConflictAction::DoNothing => {}
            Some(_) => return None,
        }
        let columns = self.context.catalog.columns(target.relation.oid);
        let place = if insert.columns.is_empty() {
            columns.iter().position(|column| column.name == target.column)
        } else {
            insert
                .columns
                .iter()
                .position(|column| folded(column) == target.column)
        };
        let source = insert.source.as_deref().filter(|source| source.with.is_none())?;
        match (source.body.as_ref(), place) {
            (_, None) => Some(self.is_nobodys_without_value(&target)),
            (SetExpr::Values(values), Some(place)) => {
                let mut rows = values.rows.iter().map(|row| row.get(place));
                Some(rows.all(|value| match value {
                    Some(value) => self.is_own_value(&target, value),
                    None => self.is_nobodys_without_value(&target),
                }))
            }
            (SetExpr::Select(select), Some(place)) => self.selects_own(&target, select, place),
            _ => None,
        }
    }

    /// Whether a new row belongs to no tenant if the statement gives it none.
    fn is_nobodys_without_value(&self, target: &Target<'_>) -> bool {
        let mut columns = self.context.catalog.columns(target.relation.oid).iter();
        let column = columns.find(|column| column.name == target.column);
        column.is_some_and(|column| !column.has_default) && !self.is_shared(target)
    }

    /// Whether a row without a tenant is everybody's.
    fn is_shared(&self, target: &Target<'_>) -> bool {
        let table = self.context.table_holding(target.relation.oid);
        table.is_some_and(|table| table.column_of_shared_rows().is_some())
    }

    /// Whether the value at a place of a SELECT is the tenant of the session. Its only table may be one of rows that
    /// policies have judged.
    fn selects_own(&self, target: &Target<'_>, select: &Select, place: usize) -> Option<bool> {
        let value = match select.projection.get(place) {
            None => return Some(self.is_nobodys_without_value(target)),
            Some(SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }) => value,
            Some(_) => return None,
        };
        match select.from.as_slice() {
            [] => Some(self.is_own_value(target, value)),
            [only] => {
                let (name, alias) = single(only)?;
                let table = folded(name.0.last()?.as_ident()?);
                let alias = alias.map_or_else(|| table.clone(), folded);
                let column = self.column_of_row?;
                let is_column = match value {
                    Expr::Identifier(name) => folded(name) == column,
                    Expr::CompoundIdentifier(names) => {
                        matches!(names.as_slice(), [of, name] if folded(of) == alias && folded(name) == column)
                    }
                    _ => false,
                };
                Some(is_column && self.transition_tables.contains(&table))
            }
            _ => None,
        }
    }

    fn updates_own(
        &self,
        table: &TableWithJoins,
        assignments: &[Assignment],
        condition: &Expr,
    ) -> Option<bool> {
        let (name, alias) = single(table)?;
        let target = self.target(name, alias)?;
        let is_kept = |assignment: &Assignment| match &assignment.target {
            AssignmentTarget::ColumnName(name) => {
                let name = name.0.last().and_then(|part| part.as_ident()).map(folded);
                name.as_deref() != Some(target.column) || self.is_own_value(&target, &assignment.value)
            }
            AssignmentTarget::Tuple(_) => false,
        };
        Some(assignments.iter().all(is_kept) && self.are_own_rows(&target, condition, false))
    }

    fn deletes_own(&self, delete: &Delete) -> Option<bool> {
        let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
        let ([table], None) = (tables.as_slice(), &delete.using) else {
            return None;
        };
        let (name, alias) = single(table)?;
        let target = self.target(name, alias)?;
        Some(self.are_own_rows(&target, delete.selection.as_ref()?, false))
    }

    fn reads_own(&self, query: &Query) -> Option<bool> {
        let (SetExpr::Select(select), None) = (query.body.as_ref(), &query.with) else {
            return None;
        };
        let [table] = select.from.as_slice() else {
            return None;
        };
        let (name, alias) = single(table)?;
        let target = self.target(name, alias)?;
        Some(self.are_own_rows(&target, select.selection.as_ref()?, true))
    }

    fn target(&self, name: &ObjectName, alias: Option<&Ident>) -> Option<Target<'r>> {
        let names: Vec<String> = name
            .0
            .iter()
            .filter_map(|part| part.as_ident().map(folded))
            .collect();
        let (schema, name) = match names.as_slice() {
            [name] => (None, name),
            [.., schema, name] => (Some(schema.as_str()), name),
            [] => return None,
        };
        let relation = self.context.catalog.relation_named(schema, name)?;
        Some(Target {
            relation,
            column: self.context.tenant_column_of(relation)?,
            alias: alias.map(folded),
        })
    }

    fn is_own_value(&self, target: &Target<'_>, value: &Expr) -> bool {
        if is_null(value) {
            return !self.is_shared(target);
        }
        let condition = format!("{} = ({value})", identifier(target.column));
        self.isolates(target.relation, &condition, false)
    }

    fn are_own_rows(&self, target: &Target<'_>, condition: &Expr, may_share: bool) -> bool {
        let text = condition.to_string();
        let named = match &target.alias {
            Some(alias) => renamed(&text, alias, &target.relation.name),
            None => Some(text),
        };
        named.is_some_and(|text| self.isolates(target.relation, &text, may_share))
    }

    /// Whether a condition is never true for a row of another tenant.
    fn isolates(&self, relation: &Relation, condition: &str, may_share: bool) -> bool {
        let question = Question {
            context: self.context,
            actor: &self.actor,
            relation,
            permissive: condition,
            restrictive: Vec::new(),
            is_text: true,
            is_unsettled: self.context.setters.run_for(&relation.name),
            may_share,
            steps: Rc::new(Cell::new(MAX_STEPS)),
        };
        question.verdict() == Verdict::Isolated
    }
}

fn is_null(value: &Expr) -> bool {
    match value {
        Expr::Value(value) => value.value == Value::Null,
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_null(inner),
        _ => false,
    }
}

/// The only table of a FROM clause.
fn single(table: &TableWithJoins) -> Option<(&ObjectName, Option<&Ident>)> {
    match &table.relation {
        TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } if table.joins.is_empty() => Some((name, alias.as_ref().map(|alias| &alias.name))),
        _ => None,
    }
}

/// A condition in which another name stands for the alias of a table.
fn renamed(condition: &str, alias: &str, name: &str) -> Option<String> {
    let found = tokens(condition)?;
    let is_period = |at: usize| found.get(at).is_some_and(|(token, _)| *token == Token::Period);
    let parts = found.iter().enumerate().map(|(at, (token, range))| {
        let is_first = is_period(at + 1) && !at.checked_sub(1).is_some_and(is_period);
        let is_alias = is_first && folded_word(token).as_deref() == Some(alias);
        if is_alias {
            identifier(name)
        } else {
            condition[range.clone()].to_string()
        }
    });
    Some(parts.collect::<Vec<_>>().join(" "))
}

fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() {
        name.value.clone()
    } else {
        name.value.to_lowercase()
    }
}

fn folded_word(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_some() => Some(word.value.clone()),
        Token::Word(word) => Some(word.value.to_lowercase()),
        _ => None,
    }
}

fn is_word(token: &Token, text: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
}

fn is_row(token: &Token) -> bool {
    is_word(token, "new") || is_word(token, "old")
}

fn follows(found: Tokens<'_>, first: &str, second: &str) -> bool {
    let mut pairs = found.windows(2);
    pairs.any(|pair| is_word(&pair[0].0, first) && is_word(&pair[1].0, second))
}

/// Whether a statement can start at a token: SELECT anywhere, other statements where the one before has ended.
fn starts_statement(found: Tokens<'_>, at: usize) -> bool {
    let token = &found[at].0;
    let is_other = ["insert", "update", "delete"]
        .iter()
        .any(|word| is_word(token, word));
    is_word(token, "select") || (is_other && ends_statement(found, at))
}

/// Whether no statement runs on from the token before a position.
fn ends_statement(found: Tokens<'_>, at: usize) -> bool {
    const BEFORE_STATEMENTS: &[&str] = &["begin", "atomic", "then", "else", "loop", "do", "also", "instead"];
    let Some(before) = at.checked_sub(1) else {
        return true;
    };
    let token = &found[before].0;
    matches!(token, Token::SemiColon | Token::LParen)
        || BEFORE_STATEMENTS.iter().any(|word| is_word(token, word))
}

/// The position after the last token of a statement.
fn end_of_statement(found: Tokens<'_>, start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, (token, _)) in found.iter().enumerate().skip(start) {
        match token {
            Token::LParen => depth += 1,
            Token::RParen if depth > 0 => depth -= 1,
            Token::RParen => return at,
            Token::SemiColon if depth == 0 => return at,
            other if depth == 0 && is_word(other, "loop") => return at,
            _ => {}
        }
    }
    found.len()
}

/// A statement without what it returns, which PL/pgSQL puts into variables. `None` if that is a query.
fn without_returning(found: Tokens<'_>) -> Option<Tokens<'_>> {
    let at = found.iter().position(|(token, _)| is_word(token, "returning"));
    let (statement, returned) = found.split_at(at.unwrap_or(found.len()));
    let has_query = returned.iter().any(|(token, _)| is_word(token, "select"));
    (!has_query).then_some(statement)
}

/// Whether code changes the tenant of NEW, or NEW as a whole.
fn assigns_row(found: Tokens<'_>, column: &str) -> bool {
    let is_column =
        |at: usize| found.get(at).and_then(|(token, _)| folded_word(token)).as_deref() == Some(column);
    (0..found.len()).any(|at| {
        let is_new = is_word(&found[at].0, "new");
        let has_period = found
            .get(at + 1)
            .is_some_and(|(token, _)| *token == Token::Period);
        let is_filled = is_target_of_into(found, at);
        let end = if has_period && is_column(at + 2) {
            at + 3
        } else {
            at + 1
        };
        let is_whole_or_tenant = !has_period || is_column(at + 2);
        is_new && is_whole_or_tenant && (is_filled || is_target(found, at, end))
    })
}

/// Whether a position is in a list of targets: `INTO a, NEW.b`, `INTO STRICT a`.
fn is_target_of_into(found: Tokens<'_>, at: usize) -> bool {
    let before = |at: usize| at.checked_sub(1).map(|before| &found[before].0);
    let mut at = at;
    loop {
        match before(at) {
            Some(token) if is_word(token, "strict") => at -= 1,
            Some(token) if is_word(token, "into") => return true,
            Some(Token::Comma) => {
                at -= 1;
                while matches!(before(at), Some(Token::Word(_))) {
                    at -= 1;
                    if before(at) != Some(&Token::Period) {
                        break;
                    }
                    at -= 1;
                }
            }
            _ => return false,
        }
    }
}

/// Whether what ends before a position is assigned to.
fn is_target(found: Tokens<'_>, start: usize, end: usize) -> bool {
    match found.get(end) {
        Some((Token::Assignment, _)) => true,
        Some((Token::Eq, _)) => ends_statement(found, start),
        _ => false,
    }
}

/// Whether code gives a variable another value: by an assignment, by INTO or in a loop.
fn is_assigned(found: Tokens<'_>, name: &str) -> bool {
    let mut is_filled = false;
    for (at, (token, _)) in found.iter().enumerate() {
        let is_variable = folded_word(token).as_deref() == Some(name);
        is_filled = match token {
            other if is_word(other, "into") => !adds_rows(found, at),
            other if is_word(other, "for") || is_word(other, "foreach") || is_word(other, "call") => true,
            other if is_word(other, "from") || is_word(other, "in") => false,
            Token::SemiColon => false,
            _ => is_filled,
        };
        if is_variable && (is_filled || is_target(found, at, at + 1)) {
            return true;
        }
    }
    false
}

/// Whether INTO names a table: that of INSERT or MERGE.
fn adds_rows(found: Tokens<'_>, into: usize) -> bool {
    let before = into.checked_sub(1).map(|before| &found[before].0);
    before.is_some_and(|token| is_word(token, "insert") || is_word(token, "merge"))
}

#[cfg(test)]
mod tests {
    use super::code_of_function;
    use crate::database::catalog::Trigger;
    use crate::database::testing::Database;

    const OWN: &str = "nullif(current_setting('app.org_id', true), '')";

    /// Whether a function of a superuser reads or writes invoices of a tenant that it is told.
    fn is_unbound(body: &str, change: impl FnOnce(&mut Database)) -> bool {
        let mut it = Database::sound();
        it.function("f", &body.replace("OWN", OWN));
        change(&mut it);
        it.inspect(|context| {
            let function = context.catalog.definers().next().unwrap();
            let code = code_of_function(context, function);
            ["reads", "writes"].iter().any(|what| match *what {
                "reads" => code.unbound.reads("public", "invoices"),
                _ => code.unbound.writes("public", "invoices"),
            })
        })
    }

    #[test]
    fn statements_that_stay_within_the_tenant() {
        for body in [
            "INSERT INTO invoices (id, org_id) VALUES (1, OWN)",
            "INSERT INTO public.invoices VALUES (p_id, OWN, 3)",
            "INSERT INTO invoices (total) VALUES (p_total)",
            "INSERT INTO invoices (id, org_id) SELECT p_id, OWN",
            "INSERT INTO invoices (id, org_id) VALUES (p_id, OWN) ON CONFLICT (id) DO NOTHING",
            "BEGIN INSERT INTO invoices (org_id) VALUES (OWN) RETURNING id INTO made; RETURN made; END",
            "UPDATE invoices SET total = p_total WHERE id = p_id AND org_id = OWN",
            "UPDATE invoices i SET total = 0, org_id = OWN WHERE i.org_id = OWN",
            "DELETE FROM invoices AS i WHERE i.org_id = OWN AND i.id = $1",
            "SELECT count(*) FROM invoices WHERE org_id = OWN AND total > p_total",
            "BEGIN RETURN QUERY SELECT * FROM invoices i WHERE i.org_id = OWN; END",
            "BEGIN IF EXISTS (SELECT 1 FROM invoices WHERE org_id = OWN) THEN RETURN true; END IF; END",
            "BEGIN FOR r IN SELECT * FROM invoices WHERE org_id = OWN LOOP NULL; END LOOP; END",
            "DECLARE own text := OWN; BEGIN DELETE FROM invoices WHERE org_id = own; END",
            "DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM invoices WHERE org_id = OWN; RETURN n; END",
        ] {
            assert!(!is_unbound(body, |_| ()), "{body}");
        }
    }

    #[test]
    fn statements_that_leave_the_tenant() {
        for body in [
            "INSERT INTO invoices (id, org_id) VALUES (1, p_org)",
            "INSERT INTO invoices (id, org_id) VALUES (1, org_id)",
            "INSERT INTO invoices VALUES (1, $2)",
            "INSERT INTO invoices (id, org_id) VALUES (1, OWN), (2, p_org)",
            "INSERT INTO invoices (id, org_id) SELECT 1, coalesce(p_org, OWN)",
            "INSERT INTO invoices (id, org_id) VALUES (1, OWN) ON CONFLICT (id) DO UPDATE SET total = 1",
            "INSERT INTO invoices (id, org_id) SELECT id, org_id FROM invoices",
            "INSERT INTO invoices (id, org_id) VALUES (1, OWN) RETURNING (SELECT max(total) FROM invoices)",
            "INSERT INTO invoices (org_id) VALUES (nullif(current_setting('app.other', true), ''))",
            "UPDATE invoices SET total = 0 WHERE id = p_id",
            "UPDATE invoices SET total = 0",
            "UPDATE invoices SET org_id = p_org WHERE org_id = OWN",
            "UPDATE invoices SET total = 0 WHERE org_id = OWN OR p_all",
            "DELETE FROM invoices WHERE org_id = p_org",
            "DELETE FROM invoices USING users WHERE org_id = OWN",
            "DELETE FROM invoices WHERE org_id = OWN; DELETE FROM invoices",
            "SELECT * FROM invoices WHERE org_id = OWN UNION SELECT * FROM invoices",
            "SELECT * FROM invoices a JOIN invoices b ON a.org_id = OWN",
            "DECLARE own text := OWN; BEGIN own := p_org; DELETE FROM invoices WHERE org_id = own; END",
            "DECLARE own text := OWN; BEGIN FOREACH own IN ARRAY p LOOP DELETE FROM invoices WHERE org_id = own; END LOOP; END",
            "DECLARE own text := OWN; BEGIN CALL other(1, own); DELETE FROM invoices WHERE org_id = own; END",
            "DECLARE own text := OWN; BEGIN SELECT name INTO own FROM users; DELETE FROM invoices WHERE org_id = own; END",
            "MERGE INTO invoices USING users ON true WHEN MATCHED THEN DELETE",
            "BEGIN PERFORM set_config('app.org_id', p_org, true); DELETE FROM invoices WHERE org_id = OWN; END",
            "BEGIN SET LOCAL app.org_id = '2'; DELETE FROM invoices WHERE org_id = OWN; END",
            "TRUNCATE invoices; INSERT INTO invoices VALUES (1, OWN)",
            "COPY invoices FROM '/tmp/x'",
            "SELECT query_to_xml('SELECT * FROM invoices', true, true, '') FROM invoices WHERE org_id = OWN",
        ] {
            assert!(is_unbound(body, |_| ()), "{body}");
        }
    }

    #[test]
    fn functions_that_are_called_with_the_same_rights() {
        let inner = |body: &'static str, is_definer: bool| {
            is_unbound("SELECT inner_one(1)", move |it| {
                it.function("inner_one", "SELECT public.inner_two($1)").is_definer = false;
                it.function("inner_two", &body.replace("OWN", OWN)).is_definer = is_definer;
            })
        };
        assert!(inner("DELETE FROM invoices WHERE id = $1", false));
        assert!(!inner(
            "DELETE FROM invoices WHERE id = $1 AND org_id = OWN",
            false
        ));
        // It runs as its own owner, and is reported itself.
        assert!(!inner("DELETE FROM invoices WHERE id = $1", true));
    }

    #[test]
    fn a_function_that_starts_with_a_tenant() {
        assert!(is_unbound("DELETE FROM invoices WHERE org_id = OWN", |it| {
            it.rows.functions[0].settings = vec!["app.org_id".to_string()];
        }));
    }

    /// A trigger that runs the function for each row, given by the bits of its type.
    fn trigger(table: &'static str, events: i16) -> impl FnOnce(&mut Database) {
        move |it| {
            it.rows.functions[0].is_trigger = true;
            let relation = it.oid(table);
            it.rows.triggers.push(Trigger {
                relation,
                name: "t".to_string(),
                events,
                enabled: "O".to_string(),
                function_schema: "public".to_string(),
                function: "f".to_string(),
                function_body: String::new(),
                function_owner: 10,
                has_condition: false,
                transition_tables: vec!["added".to_string()],
            });
        }
    }

    #[test]
    fn rows_that_fire_triggers() {
        const COPY: &str =
            "BEGIN INSERT INTO invoices (id, org_id) VALUES (NEW.id, NEW.org_id); RETURN NEW; END";
        const DROPPED: &str =
            "BEGIN INSERT INTO invoices (id, org_id) VALUES (NEW.id, NEW.org_id); RETURN NULL; END";
        const CHANGED: &str = "BEGIN NEW.org_id := p; INSERT INTO invoices (id, org_id) VALUES (NEW.id, NEW.org_id); RETURN NEW; END";
        const LATER: &str = "DECLARE org text = NEW.org_id; BEGIN INSERT INTO invoices (org_id) VALUES (org); RETURN NEW; END";
        const ADDED: &str =
            "BEGIN INSERT INTO invoices (id, org_id) SELECT a.id, a.org_id FROM added a; RETURN NULL; END";
        const ADDED_OTHER: &str =
            "BEGIN INSERT INTO invoices (id, org_id) SELECT a.id, a.reason FROM added a; RETURN NULL; END";
        const ANOTHER: &str =
            "BEGIN INSERT INTO invoices (id, org_id) VALUES (NEW.id, NEW.reason); RETURN NEW; END";
        for (body, table, events, expected) in [
            (COPY, "audit_logs", 0b101, false),
            (COPY, "audit_logs", 0b111, false),
            (LATER, "audit_logs", 0b101, false),
            (DROPPED, "audit_logs", 0b101, false),
            (DROPPED, "audit_logs", 0b111, true),
            (CHANGED, "audit_logs", 0b111, true),
            (ANOTHER, "audit_logs", 0b101, true),
            (ADDED, "audit_logs", 0b100, false),
            (ADDED_OTHER, "audit_logs", 0b100, true),
            // Nothing judges these rows: of a table without tenants, and of a view.
            (COPY, "users", 0b101, true),
            (COPY, "audit_logs", 0b100_0101, true),
        ] {
            assert_eq!(
                is_unbound(body, trigger(table, events)),
                expected,
                "{body} {table} {events:b}"
            );
        }
        // Another BEFORE trigger may give the row another tenant after the copy was made.
        for (name, body, expected) in [
            ("u", "BEGIN NEW.org_id := p; RETURN NEW; END", true),
            ("u", "BEGIN RETURN NULL; END", true),
            (
                "u",
                "BEGIN SELECT a, b INTO STRICT x.a, NEW.org_id; RETURN NEW; END",
                true,
            ),
            (
                "u",
                "BEGIN INSERT INTO log SELECT a, NEW.org_id; RETURN NEW; END",
                false,
            ),
            ("u", "BEGIN NEW.reason := p; RETURN NEW; END", false),
            ("a", "BEGIN NEW.org_id := p; RETURN NEW; END", false),
        ] {
            let beside_another = |it: &mut Database| {
                trigger("audit_logs", 0b111)(it);
                trigger("audit_logs", 0b111)(it);
                it.trigger().name = name.to_string();
                it.trigger().function = "g".to_string();
                it.trigger().function_body = body.to_string();
            };
            assert_eq!(is_unbound(COPY, beside_another), expected, "{name} {body}");
        }
        let of_other_events = |it: &mut Database| {
            trigger("audit_logs", 0b111)(it);
            trigger("audit_logs", 0b1011)(it);
            it.trigger().name = "u".to_string();
            it.trigger().function_body = "BEGIN RETURN NULL; END".to_string();
        };
        assert!(!is_unbound(COPY, of_other_events));
        let off = |it: &mut Database| {
            trigger("audit_logs", 0b101)(it);
            it.relation("audit_logs").row_security = false;
        };
        assert!(is_unbound(COPY, off));
    }
}
