//! Evaluates sub-selects: whether one finds a row, and what it returns.
//!
//! A row of a sub-select belongs to the tenant of the policy's row, to that of the session, or to another one. Which of
//! these are possible follows from its keys, its tenant column, and the policies of its table.

use std::ops::Range;

use sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, JoinConstraint, JoinOperator, LimitClause, ObjectName, Query, Select,
    SelectItem, SetExpr, SetOperator, SetQuantifier, TableFactor, TableWithJoins, Value as Literal,
};
use table_registry_engine::{Parent, Tenancy};

use crate::database::catalog::{Oid, PolicyRow};
use crate::database::code::recursion::has_policies_with_sub_select;
use crate::database::code::redefined::Kind;
use crate::database::context::Table;
use crate::database::logic::answers::changing;
use crate::database::logic::evaluate::{Evaluation, MAX_DEPTH, Row, Scope, arguments, called_name};
use crate::database::logic::truth::Truths;
use crate::database::logic::value::{Known, Search, Value, Variable};
use crate::database::logic::world::Choice;

/// What the rows of a sub-select are compared with: `… IN (SELECT …)`.
type Item<'i> = Option<(&'i Expr, &'i BinaryOperator)>;

/// A sub-select with more tables is not followed.
const MAX_TABLES: usize = 4;
/// Each outer join doubles the number of cases.
const MAX_OUTER: usize = 2;

/// The parts of a sub-select that can be followed.
pub struct Parts<'q> {
    pub rows: Vec<Row>,
    pub conditions: Vec<&'q Expr>,
    pub selected: Option<&'q Expr>,
    /// The columns named by USING, each with the positions of its two rows.
    merged: Vec<(usize, usize, String)>,
}

/// Which joins are followed.
struct Joins {
    /// Whether USING and outer joins are.
    with_outer: bool,
    /// One bit for each outer join: whether it finds no row.
    absent: usize,
    /// How many outer joins there are.
    outer: usize,
}

impl Joins {
    /// Whether the next outer join finds no row. `None` if it is not followed.
    fn is_next_absent(&mut self) -> Option<bool> {
        let bit = 1 << self.outer;
        self.outer += 1;
        (self.with_outer && self.outer <= MAX_OUTER).then_some(self.absent & bit != 0)
    }
}

impl Evaluation<'_> {
    /// Whether a sub-select finds a row.
    pub fn finds_row(&mut self, query: &Query, item: Item<'_>) -> Truths {
        if self.is_too_long() {
            return Truths::ANY;
        }
        if let (
            None,
            None,
            SetExpr::SetOperation {
                op: SetOperator::Union,
                set_quantifier: SetQuantifier::None | SetQuantifier::All | SetQuantifier::Distinct,
                left,
                right,
            },
        ) = (&query.with, &query.limit_clause, query.body.as_ref())
            && query.fetch.is_none()
        {
            let sides = [left, right].map(|side| side_of_union(side));
            let found = sides.map(|side| self.finds_row(&side, item));
            return found[0].or(found[1]);
        }
        let Some(mut cases) = self.cases(query) else {
            self.opaque(&format!("`{query}`"));
            return Truths::ANY;
        };
        // What EXISTS selects does not matter.
        for parts in &mut cases {
            parts.selected = parts.selected.filter(|_| item.is_some());
        }
        // Only `=` says something about the keys.
        let equal = item
            .filter(|(_, op)| **op == BinaryOperator::Eq)
            .map(|(item, _)| item);
        let item = item.map(|(item, op)| (item, self.value(item), op));
        let mut found = Truths::NONE;
        for parts in &cases {
            for (outcome, _) in self.outcomes(parts, equal, item.as_ref()) {
                found = found | outcome;
            }
        }
        let [parts] = cases.as_slice() else {
            return found | Truths::FALSE;
        };
        if parts.rows.is_empty() {
            // Without a row, `IN` is false.
            return if item.is_some() {
                found
            } else {
                found.is(Truths::TRUE)
            };
        }
        self.found(parts, found, false)
    }

    /// Takes into account that there may be no row.
    fn found(&mut self, parts: &Parts<'_>, found: Truths, is_value: bool) -> Truths {
        let tables = parts.rows.iter().map(|row| (row.relation, row.label.clone()));
        let variable = Variable::Rows(Search {
            tables: tables.collect(),
            is_value,
        });
        match self.world.rows(&variable) {
            Some(false) => Truths::FALSE,
            Some(true) if found == Truths::TRUE => found,
            some => {
                if some.is_none() && found.contains(Truths::TRUE) {
                    self.seen
                        .variable(&variable, vec![Choice::Rows(true), Choice::Rows(false)]);
                }
                found | Truths::FALSE
            }
        }
    }

    /// The value that a sub-select returns.
    pub fn selected(&mut self, query: &Query) -> Value {
        if self.is_too_long() {
            return Value::ANYTHING;
        }
        let Some(cases) = self.cases(query).filter(|cases| cases[0].selected.is_some()) else {
            self.opaque(&format!("`{query}`"));
            return Value::ANYTHING;
        };
        let mut result = Value::new(Known::Nothing);
        let mut found = Truths::NONE;
        for parts in &cases {
            for (condition, value) in self.outcomes(parts, None, None) {
                found = found | condition;
                if condition.contains(Truths::TRUE) {
                    result = result.or(value);
                }
            }
        }
        let found = match cases.as_slice() {
            [parts] if parts.rows.is_empty() => found,
            [parts] => self.found(parts, found, true),
            _ => found | Truths::FALSE,
        };
        let may_be_missing = found.without(Truths::TRUE | Truths::ERROR) != Truths::NONE;
        result
            .nullable(may_be_missing)
            .failing(found.contains(Truths::ERROR))
    }

    /// For each way in which the rows can belong to tenants, whether they are found, and the value that is selected.
    fn outcomes(
        &mut self,
        parts: &Parts<'_>,
        equal: Option<&Expr>,
        item: Option<&(&Expr, Value, &BinaryOperator)>,
    ) -> Vec<(Truths, Value)> {
        let mut outcomes = Vec::new();
        self.reads += parts.rows.len();
        for rows in self.owners_of(parts, equal) {
            self.scopes.push(Scope {
                rows: rows.clone(),
                ..Scope::default()
            });
            // A row for which the condition is null is not found.
            let mut condition = self.all(&parts.conditions).is(Truths::TRUE);
            for (one, other, column) in &parts.merged {
                let values = [one, other].map(|at| self.column_of(&rows[*at], column));
                let equal = self.compare(&values[0], &BinaryOperator::Eq, &values[1]);
                condition = condition.and(equal.is(Truths::TRUE));
            }
            let selected = match parts.selected {
                Some(selected) => self.value(selected),
                None => Value::ANYTHING,
            };
            if let Some((item, value, op)) = item {
                condition = match parts.selected {
                    Some(one) if self.knows_operator(op, [item, one], true) => {
                        condition.and(self.compare(value, op, &selected))
                    }
                    _ => Truths::ANY,
                };
            }
            self.scopes.pop();
            for row in rows.iter().filter(|row| !row.is_absent) {
                if condition.contains(Truths::TRUE) {
                    condition = condition.and(self.is_visible(row).is(Truths::TRUE));
                }
            }
            outcomes.push((condition, selected));
        }
        outcomes
    }

    fn all(&mut self, conditions: &[&Expr]) -> Truths {
        let mut all = Truths::TRUE;
        for condition in conditions {
            all = all.and(self.truths(condition));
        }
        all
    }

    /// `None` if a part of the query cannot be followed.
    pub fn parts<'q>(&self, query: &'q Query) -> Option<Parts<'q>> {
        let mut joins = Joins {
            with_outer: false,
            absent: 0,
            outer: 0,
        };
        self.parts_with(query, &mut joins)
    }

    /// The parts of a query in each case of its outer joins, that in which all of them find a row first.
    fn cases<'q>(&self, query: &'q Query) -> Option<Vec<Parts<'q>>> {
        let mut cases = Vec::new();
        let mut absent = 0;
        loop {
            let mut joins = Joins {
                with_outer: true,
                absent,
                outer: 0,
            };
            cases.push(self.parts_with(query, &mut joins)?);
            absent += 1;
            if absent >= 1 << joins.outer {
                return Some(cases);
            }
        }
    }

    fn parts_with<'q>(&self, query: &'q Query, joins: &mut Joins) -> Option<Parts<'q>> {
        let SetExpr::Select(select) = query.body.as_ref() else {
            return None;
        };
        let is_plain = query.with.is_none()
            && query.fetch.is_none()
            && has_rows(query.limit_clause.as_ref())
            && matches!(&select.group_by, GroupByExpr::Expressions(by, with) if by.is_empty() && with.is_empty())
            && select.having.is_none()
            && select.lateral_views.is_empty()
            && select.qualify.is_none();
        if !is_plain || self.may_aggregate(select) {
            return None;
        }
        let mut parts = Parts {
            rows: Vec::new(),
            conditions: select.selection.iter().collect(),
            selected: None,
            merged: Vec::new(),
        };
        for tables in &select.from {
            self.add_tables(tables, &mut parts, joins)?;
        }
        let Parts {
            rows,
            conditions,
            merged,
            ..
        } = parts;
        let selected = match select.projection.as_slice() {
            [SelectItem::UnnamedExpr(expression) | SelectItem::ExprWithAlias { expr: expression, .. }] => {
                Some(expression)
            }
            _ => None,
        };
        let is_ambiguous = (1..rows.len()).any(|at| rows[..at].iter().any(|row| row.alias == rows[at].alias));
        (rows.len() <= MAX_TABLES && !is_ambiguous).then_some(Parts {
            rows,
            conditions: conditions.into_iter().flat_map(conjuncts).collect(),
            selected,
            merged,
        })
    }

    /// `None` if a join cannot be followed.
    fn add_tables<'q>(
        &self,
        tables: &'q TableWithJoins,
        parts: &mut Parts<'q>,
        joins: &mut Joins,
    ) -> Option<()> {
        let first = parts.rows.len();
        self.add_table(&tables.relation, parts, joins)?;
        for join in &tables.joins {
            let (constraint, is_absent) = match &join.join_operator {
                JoinOperator::Join(constraint)
                | JoinOperator::Inner(constraint)
                | JoinOperator::CrossJoin(constraint) => (constraint, false),
                JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
                    (constraint, joins.is_next_absent()?)
                }
                _ => return None,
            };
            let (at, conditions, merged) = (parts.rows.len(), parts.conditions.len(), parts.merged.len());
            self.add_table(&join.relation, parts, joins)?;
            if is_absent {
                parts.conditions.truncate(conditions);
                parts.merged.truncate(merged);
                for row in &mut parts.rows[at..] {
                    row.is_absent = true;
                }
                continue;
            }
            match constraint {
                JoinConstraint::On(condition) => parts.conditions.push(condition),
                JoinConstraint::None => {}
                JoinConstraint::Using(columns) if joins.with_outer => {
                    for column in columns {
                        parts.merged.push(self.merged(&parts.rows, first..at, column)?);
                    }
                }
                JoinConstraint::Using(_) | JoinConstraint::Natural => return None,
            }
        }
        Some(())
    }

    /// A column named by USING, with the positions of the row that has it on the left and of that on the right. The
    /// operator is not written.
    fn merged(
        &self,
        rows: &[Row],
        left: Range<usize>,
        column: &ObjectName,
    ) -> Option<(usize, usize, String)> {
        let (_, name) = called_name(column);
        let having = |range: Range<usize>| {
            let mut found = range.filter(|at| self.has_column(rows[*at].relation, &name));
            let first = found.next();
            first.filter(|_| found.next().is_none())
        };
        let is_built_in = self.context.catalog.redefined.get(Kind::Operator, "=").is_none();
        let (one, other) = (having(left.clone())?, having(left.end..rows.len())?);
        is_built_in.then_some((one, other, name))
    }

    fn add_table<'q>(&self, table: &'q TableFactor, parts: &mut Parts<'q>, joins: &mut Joins) -> Option<()> {
        match table {
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => self.add_tables(table_with_joins, parts, joins),
            table => {
                parts.rows.push(self.row_of(table)?);
                Some(())
            }
        }
    }

    /// The row of a table in FROM, whose owner is not decided yet.
    fn row_of(&self, table: &TableFactor) -> Option<Row> {
        let TableFactor::Table {
            name,
            alias,
            args: None,
            sample: None,
            ..
        } = table
        else {
            return None;
        };
        let (schema, name) = called_name(name);
        let relation = self.context.catalog.relation_named(schema.as_deref(), &name)?;
        let has_columns_renamed = alias.as_ref().is_some_and(|alias| !alias.columns.is_empty());
        let alias = alias.as_ref().map_or(name, |alias| alias.name.value.clone());
        let mut label = alias.clone();
        while self
            .scopes
            .iter()
            .flat_map(|scope| &scope.rows)
            .any(|row| row.label == label)
        {
            label.push('\'');
        }
        (relation.is_table() && !has_columns_renamed).then_some(Row {
            alias,
            label,
            relation: relation.oid,
            owner: None,
            is_absent: false,
        })
    }

    /// Each way in which the rows of a sub-select can belong to tenants.
    fn owners_of(&mut self, parts: &Parts<'_>, item: Option<&Expr>) -> Vec<Vec<Row>> {
        let pairs = self.equal_columns(parts, item);
        let around = self.rows_around();
        let mut rows = parts.rows.clone();
        // Each round may decide the owner of one more row.
        for _ in 0..rows.len() {
            for at in (0..rows.len()).filter(|at| !parts.rows[*at].is_absent) {
                let known = around.iter().chain(&rows).filter(|row| row.owner.is_some());
                let mut related = known.filter(|other| self.is_same_owner(&pairs, &rows[at], other));
                let owner = related.next().and_then(|other| other.owner);
                rows[at].owner = rows[at].owner.or(owner);
            }
        }
        let mut combinations: Vec<Vec<Row>> = vec![Vec::new()];
        for row in &rows {
            let owners = match row.owner {
                Some(owner) => vec![Some(owner)],
                None if !row.is_absent
                    && self
                        .context
                        .table_holding(row.relation)
                        .is_some_and(Table::has_tenants) =>
                {
                    self.owners(&row.label).into_iter().map(Some).collect()
                }
                None => vec![None],
            };
            combinations = combinations
                .into_iter()
                .flat_map(|rows| {
                    owners.iter().map(move |owner| {
                        let mut rows = rows.clone();
                        rows.push(Row {
                            owner: *owner,
                            ..row.clone()
                        });
                        rows
                    })
                })
                .collect();
        }
        combinations
    }

    fn rows_around(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for scope in self.scopes.iter().rev() {
            rows.extend(scope.rows.iter().cloned());
            let given = scope
                .parameters
                .iter()
                .filter_map(|(_, parameter)| parameter.column.as_ref());
            rows.extend(given.map(|(row, _)| row.clone()));
            if scope.is_closed {
                break;
            }
        }
        rows
    }

    /// The columns that a sub-select compares with `=`, each with its row.
    fn equal_columns(&mut self, parts: &Parts<'_>, item: Option<&Expr>) -> Vec<[(String, String); 2]> {
        let of_item = item.and_then(|item| self.named_column(item));
        self.scopes.push(Scope {
            rows: parts.rows.clone(),
            ..Scope::default()
        });
        let mut pairs = Vec::new();
        for condition in &parts.conditions {
            if let Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                right,
            } = condition
                && let (Some(one), Some(other)) = (self.named_column(left), self.named_column(right))
                && self.knows_operator(&BinaryOperator::Eq, [left, right], true)
            {
                pairs.push([one, other]);
            }
        }
        if let (Some(item), Some(selected)) = (item, parts.selected)
            && let (Some(one), Some(other)) = (of_item, self.named_column(selected))
            && self.knows_operator(&BinaryOperator::Eq, [item, selected], true)
        {
            pairs.push([one, other]);
        }
        self.scopes.pop();
        let merged = parts
            .merged
            .iter()
            .map(|(one, other, column)| [one, other].map(|at| (parts.rows[*at].clone(), column.clone())));
        pairs.extend(merged);
        let pairs = pairs.into_iter();
        transitive(
            pairs
                .map(|pair| pair.map(|(row, column)| (row.label, column)))
                .collect(),
        )
    }

    /// Whether one of two rows is the parent of the other, as the registry says.
    fn is_same_owner(&self, pairs: &[[(String, String); 2]], one: &Row, other: &Row) -> bool {
        self.is_parent(pairs, one, other)
            || self.is_parent(pairs, other, one)
            || self.is_held_by_key(pairs, one, other)
            || self.is_held_by_key(pairs, other, one)
    }

    /// Whether a foreign key of one row leads to the other, and holds the tenant.
    fn is_held_by_key(&self, pairs: &[[(String, String); 2]], referenced: &Row, row: &Row) -> bool {
        let catalog = self.context.catalog;
        let tenants = self
            .tenant_column(row.relation)
            .zip(self.tenant_column(referenced.relation));
        let Some((column, key)) = tenants else {
            return false;
        };
        // Inheritance children have neither the key nor the index.
        let has_children = |relation: Oid| catalog.descendants(relation).any(|child| !child.is_partition);
        if pairs.is_empty()
            || !catalog.is_never_null(row.relation, column)
            || has_children(row.relation)
            || has_children(referenced.relation)
        {
            return false;
        }
        let are_equal = |column: &str, key: &str| {
            let wanted = [(row.label.as_str(), column), (referenced.label.as_str(), key)];
            pairs.iter().any(|pair| {
                let pair = [0, 1].map(|at| (pair[at].0.as_str(), pair[at].1.as_str()));
                pair == wanted || [pair[1], pair[0]] == wanted
            })
        };
        let is_unique = |keys: &[&str]| {
            catalog.indexes(referenced.relation).iter().any(|index| {
                let mut columns = index.columns.iter();
                let are_keys = columns.all(|column| column.as_deref().is_some_and(|one| keys.contains(&one)));
                index.is_unique && index.is_valid && !index.is_partial && are_keys
            })
        };
        let own = catalog.foreign_keys_of(row.relation);
        let mut between = own.filter(|foreign_key| foreign_key.referenced == referenced.relation);
        between.any(|foreign_key| {
            let compared: Vec<&str> = foreign_key
                .pairs()
                .filter(|(column, key)| are_equal(column, key))
                .map(|(_, key)| key)
                .collect();
            foreign_key.is_valid
                && foreign_key.deferral.is_empty()
                && foreign_key.pairs().any(|pair| pair == (column, key))
                && is_unique(&compared)
        })
    }

    fn is_parent(&self, pairs: &[[(String, String); 2]], parent: &Row, child: &Row) -> bool {
        let Some(through) = self.parent_of(child) else {
            return false;
        };
        let table = self.context.table_holding(parent.relation);
        // The key of a table says nothing about its children.
        let is_own = |table: &Table<'_>| {
            table
                .relation
                .is_some_and(|relation| relation.oid == parent.relation)
        };
        let is_table = table.is_some_and(|table| table.name() == through.table && is_own(table));
        is_table
            && through.columns.iter().zip(&through.keys).all(|(column, key)| {
                let (child, parent) = ((&child.label, column), (&parent.label, key));
                pairs.iter().any(|[one, other]| {
                    let (one, other) = ((&one.0, &one.1), (&other.0, &other.1));
                    (one, other) == (child, parent) || (one, other) == (parent, child)
                })
            })
    }

    fn parent_of(&self, row: &Row) -> Option<&Parent> {
        match &self.context.table_holding(row.relation)?.registered.tenancy {
            Tenancy::Through(parent) => Some(parent),
            _ => None,
        }
    }

    /// Whether the policies of its table show a row to the role.
    fn is_visible(&mut self, row: &Row) -> Truths {
        if self.is_too_long() {
            return Truths::ANY;
        }
        let Some(relation) = self.context.catalog.relation_of(row.relation) else {
            return Truths::EITHER;
        };
        if !self.actor.is_bound(relation) {
            return Truths::TRUE;
        }
        let has_sub_select = has_policies_with_sub_select(self.context, self.actor, relation);
        if has_sub_select && self.applied.contains(&relation.oid) {
            return Truths::ERROR;
        }
        if self.depth >= MAX_DEPTH {
            self.opaque(&format!("the policies of `{}`", relation.name));
            return Truths::ANY;
        }
        let policies = self.context.catalog.policies(relation.oid);
        let own = Row {
            alias: relation.name.clone(),
            ..row.clone()
        };
        let around = std::mem::replace(
            &mut self.scopes,
            vec![Scope {
                rows: vec![own],
                ..Scope::default()
            }],
        );
        self.depth += 1;
        self.applied.push(relation.oid);
        let mut permitted = Truths::FALSE;
        let mut all = Truths::TRUE;
        for policy in policies.iter().filter(|policy| policy.is_for("r")) {
            if policy.permissive && self.actor.is_given(policy) {
                permitted = permitted.or(self.policy_truths(policy));
            } else if !policy.permissive && self.actor.is_bound_by(policy, relation) {
                all = all.and(self.policy_truths(policy));
            }
        }
        self.applied.pop();
        self.depth -= 1;
        self.scopes = around;
        permitted.and(all)
    }

    fn policy_truths(&mut self, policy: &PolicyRow) -> Truths {
        let Some(text) = policy.using.as_deref() else {
            return Truths::TRUE;
        };
        if let Some(name) = self.context.setters.in_code(text) {
            self.seen.changes = Some(changing(&name));
        }
        match self.context.expressions.policy(text) {
            Some(expression) => self.truths(&expression),
            None => {
                self.opaque(&format!("`{text}`"));
                Truths::ANY
            }
        }
    }

    /// Whether a query may return a row where it finds none, as with an aggregate.
    fn may_aggregate(&self, select: &Select) -> bool {
        select.projection.iter().any(|item| match item {
            SelectItem::UnnamedExpr(expression) | SelectItem::ExprWithAlias { expr: expression, .. } => {
                self.calls_unknown(expression)
            }
            SelectItem::QualifiedWildcard(..) | SelectItem::Wildcard(_) => false,
        })
    }

    /// Whether an expression calls something that may be an aggregate, or return several rows or none.
    fn calls_unknown(&self, expression: &Expr) -> bool {
        let catalog = self.context.catalog;
        let calls = |expression: &Expr| self.calls_unknown(expression);
        match expression {
            Expr::Nested(inner)
            | Expr::Cast { expr: inner, .. }
            | Expr::UnaryOp { expr: inner, .. }
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner) => calls(inner),
            Expr::BinaryOp { left, right, .. } => calls(left) || calls(right),
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::Value(_)
            | Expr::Subquery(_)
            | Expr::Exists { .. } => false,
            Expr::Function(function) => {
                let (schema, name) = called_name(&function.name);
                let is_known = match schema.as_deref() {
                    None | Some("pg_catalog") => {
                        SCALAR.contains(&name.as_str()) && self.is_built_in(Kind::Function, &name)
                    }
                    Some(_) => catalog.body(schema.as_deref(), &name).is_some(),
                };
                let is_known = is_known || (schema.is_none() && catalog.body(None, &name).is_some());
                !is_known || arguments(function).is_none_or(|all| all.into_iter().any(calls))
            }
            _ => true,
        }
    }
}

/// Functions of the server that return one value for one row.
const SCALAR: &[&str] = &[
    "current_setting",
    "coalesce",
    "nullif",
    "lower",
    "upper",
    "now",
    "current_user",
    "session_user",
    "current_role",
    "user",
    "current_timestamp",
    "current_date",
];

/// Columns that are equal because both are equal to a third one, too.
fn transitive(mut pairs: Vec<[(String, String); 2]>) -> Vec<[(String, String); 2]> {
    let mut at = 0;
    while at < pairs.len() && pairs.len() < 64 {
        for other in 0..at {
            for (one, same) in [(0, 1), (1, 0)] {
                for (second, third) in [(0, 1), (1, 0)] {
                    let derived = [pairs[at][same].clone(), pairs[other][third].clone()];
                    if pairs[at][one] == pairs[other][second]
                        && derived[0] != derived[1]
                        && !pairs.contains(&derived)
                    {
                        pairs.push(derived);
                    }
                }
            }
        }
        at += 1;
    }
    pairs
}

/// Whether LIMIT leaves a row.
fn has_rows(limit: Option<&LimitClause>) -> bool {
    match limit {
        None => true,
        Some(LimitClause::LimitOffset {
            limit: Some(Expr::Value(value)),
            offset: None,
            limit_by,
        }) => {
            limit_by.is_empty()
                && matches!(&value.value, Literal::Number(number, _) if number.parse::<u64>().is_ok_and(|number| number > 0))
        }
        Some(_) => false,
    }
}

fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    match condition {
        Expr::Nested(inner) => conjuncts(inner),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => [conjuncts(left), conjuncts(right)].concat(),
        other => vec![other],
    }
}

/// One side of UNION as a query of its own.
fn side_of_union(side: &SetExpr) -> Query {
    Query {
        with: None,
        body: Box::new(side.clone()),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::database::policies::{Clause, verdict};
    use crate::database::testing::{Database, TENANT};

    const STRUCTS: &str = "
        #[table] pub struct Projects { pub id: i64, pub org_id: String }
        #[table(tenant = through(project_id -> projects))]
        pub struct Tasks { pub id: i64, pub project_id: i64 }
        #[table(tenant = through(task_id -> tasks))]
        pub struct Comments { pub id: i64, pub task_id: i64 }
        #[table(kind = system)] pub struct Members { pub user_id: i64, pub org_id: String, pub project_id: i64 }
    ";

    /// The verdict about the only policy of a table.
    fn judged(table: &str, expression: &str, change: impl FnOnce(&mut Database)) -> String {
        let mut database = Database::sound();
        database.schema.push_str(STRUCTS);
        database.table("projects", &[("id", "int8"), ("org_id", "text")]);
        database.table("tasks", &[("id", "int8"), ("project_id", "int8")]);
        database.table("comments", &[("id", "int8"), ("task_id", "int8")]);
        database.table(
            "members",
            &[("user_id", "int8"), ("org_id", "text"), ("project_id", "int8")],
        );
        for table in ["projects", "tasks", "comments"] {
            database.secure(table);
            database.grant("SELECT", table, "app");
        }
        database.grant("SELECT", "members", "app");
        database.add_policy("projects", "tenant_isolation", "app", TENANT);
        database.add_policy("tasks", "all", "app", "true");
        database.add_policy("comments", "all", "app", "true");
        database.policy(table).using = Some(expression.replace("$T", T));
        change(&mut database);
        database.inspect(|context| {
            let relation = context.catalog.relation("public", table).unwrap();
            let policies = context.catalog.policies(relation.oid);
            verdict(context, relation, &policies[0], Clause::Using).to_string()
        })
    }

    const T: &str = "( SELECT NULLIF(current_setting('app.org_id'::text, true), ''::text) AS \"nullif\")";

    fn opened(it: &mut Database) {
        it.policy("projects").using = Some("true".to_string());
    }

    #[test]
    fn the_parent_of_the_row() {
        for expression in [
            "(EXISTS ( SELECT FROM projects WHERE ((projects.id = tasks.project_id) AND (projects.org_id = $T))))",
            "(EXISTS ( SELECT 1 FROM projects p WHERE ((tasks.project_id = p.id) AND (p.org_id = $T))))",
            "(project_id IN ( SELECT projects.id FROM projects WHERE (projects.org_id = $T)))",
            "(project_id = ANY ( SELECT projects.id FROM projects WHERE (projects.org_id = $T)))",
            "(( SELECT projects.org_id FROM projects WHERE (projects.id = tasks.project_id)) = $T)",
            "(EXISTS ( SELECT 1 FROM (members m JOIN projects p ON ((p.id = m.project_id))) WHERE ((p.id = tasks.project_id) AND (p.org_id = $T))))",
        ] {
            assert_eq!(judged("tasks", expression, opened), "isolated", "{expression}");
        }
    }

    #[test]
    fn the_policies_of_the_parent_count() {
        let expression = "(EXISTS ( SELECT FROM projects WHERE (projects.id = tasks.project_id)))";
        assert_eq!(judged("tasks", expression, |_| ()), "isolated");
        assert!(judged("tasks", expression, opened).starts_with("where"));
        let without = judged("tasks", expression, |it| {
            it.relation("projects").row_security = false;
        });
        assert!(without.starts_with("where"), "{without}");
    }

    #[test]
    fn a_parent_of_a_parent() {
        let own = "(EXISTS ( SELECT FROM tasks WHERE ((tasks.id = comments.task_id) AND (EXISTS ( SELECT FROM projects \
             WHERE ((projects.id = tasks.project_id) AND (projects.org_id = $T)))))))";
        assert_eq!(judged("comments", own, opened), "isolated");
        let joined = "(EXISTS ( SELECT FROM (tasks JOIN projects ON ((projects.id = tasks.project_id))) \
             WHERE ((tasks.id = comments.task_id) AND (projects.org_id = $T))))";
        assert_eq!(judged("comments", joined, opened), "isolated");
        let other = own.replace("projects.id = tasks.project_id", "projects.id = tasks.id");
        assert!(judged("comments", &other, opened).starts_with("where"));
    }

    #[test]
    fn a_sub_select_that_is_not_about_the_row() {
        for expression in [
            "(EXISTS ( SELECT FROM projects p WHERE (p.org_id = $T)))",
            "(EXISTS ( SELECT FROM projects p WHERE ((p.id = tasks.id) AND (p.org_id = $T))))",
            "((project_id IS NOT NULL) AND (EXISTS ( SELECT FROM projects p WHERE (p.org_id = $T))))",
            "(project_id IN ( SELECT members.project_id FROM members WHERE (members.org_id = $T)))",
            "(NOT (EXISTS ( SELECT FROM projects p WHERE ((p.id = tasks.project_id) AND (p.org_id = $T)))))",
            "(project_id IN ( SELECT projects.id FROM projects WHERE (projects.org_id = $T) UNION SELECT 7))",
        ] {
            let found = judged("tasks", expression, |_| ());
            assert!(found.starts_with("where"), "{expression}: {found}");
        }
    }

    #[test]
    fn the_tenant_of_another_table() {
        let through_invoices =
            "(EXISTS ( SELECT FROM invoices i WHERE ((i.org_id = projects.org_id) AND (i.org_id = $T))))";
        assert_eq!(judged("projects", through_invoices, |_| ()), "isolated");
        let visible = "(org_id IN ( SELECT invoices.org_id FROM invoices))";
        assert_eq!(judged("projects", visible, |_| ()), "isolated");
        let members = "(org_id IN ( SELECT members.org_id FROM members WHERE (members.user_id = 7)))";
        assert!(judged("projects", members, |_| ()).starts_with("where"));
    }

    #[test]
    fn queries_that_are_not_followed() {
        for expression in [
            "(( SELECT count(*) AS count FROM projects WHERE ((projects.id = tasks.project_id) AND (projects.org_id = $T))) = 0)",
            "(EXISTS ( SELECT max(projects.id) AS max FROM projects WHERE (projects.org_id = $T)))",
            "(EXISTS ( SELECT 1 FROM projects GROUP BY projects.id))",
            "(EXISTS ( SELECT 1 FROM (tasks t FULL JOIN projects p ON ((p.id = t.project_id))) WHERE (p.org_id = $T)))",
            "(EXISTS ( SELECT 1 FROM somewhere_else))",
            "(EXISTS ( SELECT 1 FROM generate_series(1, 2)))",
            "(project_id = ( SELECT projects.id FROM projects WHERE (projects.org_id = $T) OFFSET 1))",
        ] {
            let found = judged("tasks", expression, |_| ());
            assert!(found.starts_with("unknown: `"), "{expression}: {found}");
        }
    }

    #[test]
    fn bodies_of_functions() {
        let of_setting = |body: &'static str| {
            move |it: &mut Database| {
                it.body("auth", "org", &[], body);
            }
        };
        let sound = "SELECT nullif(current_setting('app.org_id', true), '')";
        assert_eq!(
            judged("projects", "(org_id = auth.org())", of_setting(sound)),
            "isolated"
        );
        assert_eq!(
            judged(
                "projects",
                "(org_id = ( SELECT auth.org() AS org))",
                of_setting("BEGIN RETURN current_setting('app.org_id', true); END")
            ),
            "isolated"
        );
        let open = judged(
            "projects",
            "((auth.org() IS NULL) OR (org_id = auth.org()))",
            of_setting(sound),
        );
        assert!(open.starts_with("where `app.org_id` is not set"), "{open}");
        let other = judged(
            "projects",
            "(org_id = auth.org())",
            of_setting("SELECT current_setting('other.org', true)"),
        );
        assert!(other.starts_with("where"), "{other}");
        let of_row = |it: &mut Database| {
            it.body(
                "public",
                "is_own",
                &["org"],
                "SELECT org = nullif(current_setting('app.org_id', true), '')",
            );
            it.body(
                "public",
                "is_mine",
                &[""],
                "SELECT $1 = nullif(current_setting('app.org_id', true), '')",
            );
        };
        assert_eq!(judged("projects", "public.is_own(org_id)", of_row), "isolated");
        assert_eq!(judged("projects", "public.is_mine(org_id)", of_row), "isolated");
        assert!(judged("projects", "(public.is_mine(org_id) IS NULL)", of_row).starts_with("where"));
        let setter = judged("projects", "((org_id = $T) AND audit.noted(id))", |it| {
            it.setter("noted");
        });
        assert!(
            setter.starts_with("unknown: `audit.noted`, which may change the setting"),
            "{setter}"
        );
        let sets = "((org_id = $T) AND (set_config('app.org_id'::text, org_id, true) IS NOT NULL))";
        assert!(judged("projects", sets, |_| ()).starts_with("unknown"));
        let loops = judged("projects", "public.f(org_id)", |it| {
            it.body("public", "f", &["a"], "SELECT f(a)");
        });
        assert!(loops.starts_with("unknown"), "{loops}");
    }

    #[test]
    fn restrictive_policies() {
        let closed = judged("projects", "true", |it| {
            it.add_policy("projects", "closed", "PUBLIC", "false").permissive = false;
        });
        assert_eq!(closed, "isolated");
        let not_bound = judged("projects", "true", |it| {
            it.add_group("group");
            it.add_policy("projects", "closed", "group", "false").permissive = false;
        });
        assert!(not_bound.starts_with("where"), "{not_bound}");
        let other_command = judged("projects", "true", |it| {
            let policy = it.add_policy("projects", "closed", "PUBLIC", "false");
            policy.permissive = false;
            policy.command = "d".to_string();
        });
        assert!(other_command.starts_with("where"), "{other_command}");
    }

    /// What an attack found: each of these once counted as isolated.
    #[test]
    fn what_looks_like_the_tenant_but_is_not() {
        let mut wrong = Vec::new();
        for (table, expression) in [
            (
                "tasks",
                "(project_id <> ANY ( SELECT projects.id FROM projects WHERE (projects.org_id = $T)))",
            ),
            ("tasks", "(project_id >= ANY ( SELECT projects.id FROM projects))"),
            ("projects", "((org_id = $T) OR (upper(period) IS NULL))"),
            ("projects", "((org_id COLLATE \"ci\") = $T)"),
            ("projects", "(org_id = ($T COLLATE \"ci\"))"),
            ("projects", "((org_id)::bigint = ($T)::bigint)"),
            ("projects", "((org_id)::numeric = ($T)::numeric)"),
            ("projects", "((org_id)::\"char\" = ($T)::\"char\")"),
            (
                "projects",
                "(EXISTS ( SELECT count(*) AS count WHERE (projects.org_id = $T)))",
            ),
            (
                "projects",
                "(( SELECT (count(*) = 0) WHERE (projects.org_id = $T)))",
            ),
            (
                "projects",
                "(NOT (EXISTS ( SELECT unnest(string_to_array(current_setting('app.blocked'::text, true), ','::text)))))",
            ),
            (
                "projects",
                "(NOT (1 IN ( SELECT 1 WHERE (projects.org_id <> $T))))",
            ),
            ("projects", "((addr IS NULL) OR (org_id = $T))"),
            ("projects", "(NOT (addr IS NOT NULL))"),
            (
                "projects",
                "((current_setting('app.org_id'::text, NULL::boolean) IS NULL) OR (org_id = $T))",
            ),
            ("projects", "(org_id = ANY ((ARRAY[$T])::character varying(1)[]))"),
            ("projects", "(org_id = ALL (ARRAY[NULL::text[]]))"),
            ("projects", "(NOT ('%'::text ~~ org_id))"),
            ("projects", "((now() || ''::text) <> 'now'::text)"),
            ("projects", "(org_id = abs(org_id))"),
            ("projects", "(EXISTS ( SELECT 1 LIMIT 00))"),
            (
                "projects",
                "(('a'::text LIKE 'a!%'::text ESCAPE '!'::text) OR (org_id = $T))",
            ),
        ] {
            let found = judged(table, expression, |it| {
                it.add_column("projects", "period", "tstzrange");
                it.add_column("projects", "addr", "address");
                it.column("projects", "addr").type_kind = "c".to_string();
                it.body(
                    "public",
                    "abs",
                    &["a"],
                    "SELECT nullif(current_setting('app.org_id', true), '')",
                );
            });
            if found == "isolated" {
                wrong.push(expression);
            }
        }
        assert_eq!(wrong, [""; 0]);
    }

    #[test]
    fn what_is_the_tenant_in_other_words() {
        for (table, expression) in [
            ("tasks", "public.is_of_project(project_id)"),
            (
                "tasks",
                "(EXISTS ( SELECT 1 FROM (members m JOIN projects p ON ((p.id = m.project_id))) \
                 WHERE ((m.project_id = tasks.project_id) AND (p.org_id = $T))))",
            ),
            (
                "projects",
                "(org_id = NULLIF(current_setting('App.Org_Id'::text, true), ''::text))",
            ),
        ] {
            let found = judged(table, expression, |it| {
                if table == "tasks" {
                    opened(it);
                }
                let body = "SELECT EXISTS (SELECT 1 FROM projects WHERE projects.id = p AND projects.org_id \
                            = nullif(current_setting('app.org_id', true), ''))";
                it.body("public", "is_of_project", &["p"], body).types = vec!["bigint".to_string()];
            });
            assert_eq!(found, "isolated", "{expression}");
        }
    }

    #[test]
    fn a_policy_of_one_role_among_several() {
        let grouped = |it: &mut Database| {
            it.add_group("group");
            it.add_policy("projects", "own", "app", TENANT).permissive = false;
        };
        assert_eq!(judged("projects", "true", grouped), "isolated");
        let usable = judged("projects", "true", |it| {
            grouped(it);
            it.grant("SELECT", "projects", "group");
        });
        assert!(usable.starts_with("where"), "{usable}");
    }

    #[test]
    fn a_child_may_lack_a_constraint() {
        let inherited = |it: &mut Database| {
            it.child("old_projects", "r", "projects");
            it.add_column("old_projects", "org_id", "text");
            it.add_column("old_projects", "id", "int8");
        };
        assert_eq!(judged("projects", "(id IS NULL)", inherited), "isolated");
        let nullable = judged("projects", "(id IS NULL)", |it| {
            inherited(it);
            it.column("old_projects", "id").not_null = false;
        });
        assert!(nullable.starts_with("where"), "{nullable}");
    }

    /// To plan a statement, the server evaluates parts that it would not reach.
    #[test]
    fn an_error_in_a_part_that_is_not_reached() {
        let unset = "(NULLIF(current_setting('app.org_id'::text, true), ''::text) IS NULL)";
        let failing = "(EXISTS ( SELECT 1 FROM public.audit_logs a WHERE (a.id = (current_setting('app.org_id'::text))::bigint)))";
        for expression in [
            format!("COALESCE({unset}, {failing})"),
            format!("CASE WHEN {unset} THEN true ELSE {failing} END"),
        ] {
            let found = judged("projects", &expression, |_| ());
            assert!(!found.starts_with("where"), "{found}");
        }
        let found = judged("projects", &format!("COALESCE({unset}, (id = 1))"), |_| ());
        assert!(found.starts_with("where"), "{found}");
    }

    #[test]
    fn a_strict_function_evaluates_all_its_arguments() {
        let own = "(org_id = NULLIF(current_setting('app.org_id'::text, true), ''::text))";
        let failing = "(org_id = current_setting('app.org_id'::text))";
        let expression = format!("COALESCE(public.is_either({own}, {failing}), (id = 1))");
        let found = judged("projects", &expression, |it| {
            let either = it.body("public", "is_either", &["a", "b"], "SELECT a OR b");
            either.is_strict = true;
            either.types = vec!["boolean".to_string(); 2];
        });
        assert!(!found.contains("is not set"), "{found}");
    }

    /// If a policy takes too long to judge, the part that was not reached may raise an error.
    #[test]
    fn an_error_behind_the_end_of_the_evaluation() {
        let many = "2, ".repeat(30_000);
        let failing = "(id = ('a'::text)::bigint)";
        let short = judged("projects", &format!("((id IS NOT NULL) OR {failing})"), |_| ());
        assert!(short.starts_with("unknown"), "{short}");
        let long = format!("((id IS NOT NULL) OR (id = ANY (ARRAY[{many}1])) OR {failing})");
        let long = judged("projects", &long, |_| ());
        assert!(long.starts_with("unknown"), "{long}");
    }

    /// The server refuses the statement: infinite recursion.
    #[test]
    fn policies_that_read_each_other() {
        let found = judged(
            "projects",
            "(EXISTS ( SELECT 1 FROM invoices i WHERE (i.id = projects.id)))",
            |it| {
                let text = "((EXISTS ( SELECT 1 FROM projects p WHERE (p.id = invoices.id))) OR (EXISTS ( SELECT 1 FROM audit_logs a WHERE (a.id = invoices.id))))";
                it.policy("invoices").using = Some(text.to_string());
                it.policy("audit_logs").using = Some(
                    text.replace("audit_logs a", "invoices a")
                        .replace("invoices.id", "audit_logs.id"),
                );
            },
        );
        assert_eq!(found, "isolated");
    }
}
