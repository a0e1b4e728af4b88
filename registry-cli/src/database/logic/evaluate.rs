//! Evaluates the expression of a policy for a row and a session of which not everything is known.
//!
//! The result is a set of outcomes: more than can really happen, never fewer. So where it does not contain *true*, the
//! policy lets no such row through; and where it is nothing but *true*, the policy does.

use std::cell::Cell;
use std::rc::Rc;

use sqlparser::ast::{
    BinaryOperator, CaseWhen, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, ObjectName, UnaryOperator, Value as Literal,
};
use table_registry_engine::Tenancy;

use crate::database::access::roles::Actor;
use crate::database::catalog::Oid;
use crate::database::code::claims;
use crate::database::code::redefined::Kind;
use crate::database::context::Context;
use crate::database::logic::truth::Truths;
use crate::database::logic::value::{
    Constant, Known, Moment, Spelling, Tenant, Value, Variable, full_name, is_integer, is_named, is_text,
};
use crate::database::logic::world::{Choice, Seen, Session, World};

/// How deeply policies and functions may call each other.
pub const MAX_DEPTH: usize = 8;

/// A row whose columns an expression can name.
#[derive(Clone, Debug)]
pub struct Row {
    /// The name by which the expression calls its table.
    pub alias: String,
    /// The name of the row itself, whatever its table is called at some place.
    pub label: String,
    pub relation: Oid,
    /// The tenant that it belongs to, if its table has tenants and the tenant is known.
    pub owner: Option<Tenant>,
    /// Whether an outer join has found no such row, so that its columns are null.
    pub is_absent: bool,
}

/// The names that can be used at one place.
#[derive(Debug, Default)]
pub struct Scope {
    pub rows: Vec<Row>,
    pub parameters: Vec<(String, Parameter)>,
    /// Whether the names around it cannot be used.
    pub is_closed: bool,
    /// Whether the search path of the caller decides what its names mean.
    pub is_text: bool,
}

/// An argument of a function that is evaluated in place.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub value: Value,
    /// The column that is given, if it is one.
    pub column: Option<(Row, String)>,
}

pub struct Evaluation<'e> {
    pub context: &'e Context<'e>,
    /// The role that evaluates the policy.
    pub actor: &'e Actor<'e>,
    pub world: &'e World,
    pub seen: Seen,
    pub scopes: Vec<Scope>,
    pub depth: usize,
    /// The tables whose policies the server is applying.
    pub applied: Vec<Oid>,
    /// How often something was read that another statement may find changed: the session, or a table.
    pub reads: usize,
    /// How many more parts of expressions are evaluated.
    pub steps: Rc<Cell<usize>>,
}

impl<'e> Evaluation<'e> {
    pub fn new(
        context: &'e Context<'e>,
        actor: &'e Actor<'e>,
        world: &'e World,
        row: Row,
        steps: Rc<Cell<usize>>,
    ) -> Self {
        let relation = row.relation;
        let scope = Scope {
            rows: vec![row],
            ..Scope::default()
        };
        Self {
            context,
            actor,
            world,
            seen: Seen::default(),
            scopes: vec![scope],
            depth: 0,
            applied: vec![relation],
            reads: 0,
            steps,
        }
    }

    /// Whether the evaluation has taken too long. Policies of tables that look into each other can take exponential time.
    pub fn is_too_long(&mut self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        if left == 0 {
            self.opaque("the rest of a policy that takes too long to judge");
        }
        left == 0
    }

    /// The outcomes of a condition.
    pub fn truths(&mut self, condition: &Expr) -> Truths {
        if self.is_too_long() {
            return Truths::ANY;
        }
        match condition {
            Expr::Nested(inner) => self.truths(inner),
            Expr::BinaryOp { left, op, right } => match op {
                BinaryOperator::And => self.both(left, right),
                BinaryOperator::Or => {
                    let left = self.truths(left);
                    left.or(self.truths(right))
                }
                _ => self.compared(left, op, right),
            },
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => self.truths(expr).not(),
            Expr::IsTrue(inner) => self.truths(inner).is(Truths::TRUE),
            Expr::IsNotTrue(inner) => self.truths(inner).is(Truths::TRUE).not(),
            Expr::IsFalse(inner) => self.truths(inner).is(Truths::FALSE),
            Expr::IsNotFalse(inner) => self.truths(inner).is(Truths::FALSE).not(),
            Expr::IsUnknown(inner) => self.truths(inner).is(Truths::NULL),
            Expr::IsNotUnknown(inner) => self.truths(inner).is(Truths::NULL).not(),
            Expr::IsNull(inner) => self.is_null(inner),
            Expr::IsNotNull(inner) => self.is_null(inner).not(),
            // The parser takes `a IS DISTINCT FROM b AND c` for `a IS DISTINCT FROM (b AND c)`.
            Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) if is_logical(right) => {
                self.opaque(&format!("`{condition}`"));
                Truths::ANY
            }
            Expr::IsDistinctFrom(left, right) => self.is_same(left, right).not(),
            Expr::IsNotDistinctFrom(left, right) => self.is_same(left, right),
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let (from, to) = (&BinaryOperator::GtEq, &BinaryOperator::LtEq);
                let above = self.compared(expr, from, low);
                let between = above.and(self.compared(expr, to, high));
                let between = between.and(self.within_bounds((expr, from, low), (expr, to, high)));
                negated_if(*negated, between)
            }
            Expr::InList { expr, list, negated } => {
                let found = self.any(expr, &BinaryOperator::Eq, list);
                negated_if(*negated, found)
            }
            Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => {
                let found = self.finds_row(subquery, Some((expr, &BinaryOperator::Eq)));
                negated_if(*negated, found)
            }
            Expr::AnyOp {
                left,
                compare_op,
                right,
                ..
            } => self.any_of(left, compare_op, right),
            Expr::AllOp {
                left,
                compare_op,
                right,
            } => self.all_of(left, compare_op, right),
            Expr::Exists { subquery, negated } => {
                let found = self.finds_row(subquery, None);
                negated_if(*negated, found)
            }
            Expr::Like {
                negated,
                expr,
                pattern,
                escape_char: None,
                any: false,
            } => {
                let like = self.compared(expr, &BinaryOperator::PGLikeMatch, pattern);
                negated_if(*negated, like)
            }
            Expr::Like { .. } => {
                self.opaque(&format!("`{condition}`"));
                Truths::ANY
            }
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case_truths(operand.as_deref(), conditions, else_result.as_deref()),
            Expr::Function(function)
                if is_called(function, "coalesce") && self.is_built_in(Kind::Function, "coalesce") =>
            {
                self.coalesced_truths(&arguments(function).unwrap_or_default())
            }
            other => self.value(other).truths(),
        }
    }

    fn both(&mut self, left: &Expr, right: &Expr) -> Truths {
        let both = self.truths(left);
        let both = both.and(self.truths(right));
        match (bound(left), bound(right)) {
            (Some(one), Some(other)) => both.and(self.within_bounds(one, other)),
            _ => both,
        }
    }

    fn coalesced_truths(&mut self, arguments: &[&Expr]) -> Truths {
        let mut all = Truths::NULL;
        for argument in arguments {
            let value = self.truths(argument);
            all = if all.contains(Truths::NULL) {
                all.without(Truths::NULL) | value
            } else {
                all | value.within(Truths::ERROR)
            };
        }
        all
    }

    /// To plan a statement, the server may evaluate parts that it would not reach, so an error in any arm counts.
    fn case_truths(&mut self, operand: Option<&Expr>, arms: &[CaseWhen], otherwise: Option<&Expr>) -> Truths {
        let mut all = Truths::NONE;
        let mut is_reached = true;
        for arm in arms {
            let chosen = self.chosen(operand, arm);
            let result = self.truths(&arm.result);
            all = all | chosen.within(Truths::ERROR) | result.within(Truths::ERROR);
            if is_reached && chosen.contains(Truths::TRUE) {
                all = all | result;
            }
            is_reached &= chosen.without(Truths::TRUE) != Truths::NONE;
        }
        let result = otherwise.map_or(Truths::NULL, |result| self.truths(result));
        all | if is_reached {
            result
        } else {
            result.within(Truths::ERROR)
        }
    }

    fn case_value(&mut self, operand: Option<&Expr>, arms: &[CaseWhen], otherwise: Option<&Expr>) -> Value {
        let mut results = Vec::new();
        let mut is_reached = true;
        for arm in arms {
            let chosen = self.chosen(operand, arm);
            let result = self.value(&arm.result);
            if chosen.contains(Truths::ERROR) || result.may_fail {
                results.push(Value::ERROR);
            }
            if is_reached && chosen.contains(Truths::TRUE) {
                results.push(result);
            }
            is_reached &= chosen.without(Truths::TRUE) != Truths::NONE;
        }
        let result = otherwise.map_or(Value::NULL, |result| self.value(result));
        if is_reached {
            results.push(result);
        } else if result.may_fail {
            results.push(Value::ERROR);
        }
        one_of(results)
    }

    /// Whether an arm of CASE is chosen.
    fn chosen(&mut self, operand: Option<&Expr>, arm: &CaseWhen) -> Truths {
        match operand {
            Some(operand) => self.compared_unwritten(operand, &arm.condition),
            None => self.truths(&arm.condition),
        }
    }

    fn any(&mut self, item: &Expr, op: &BinaryOperator, list: &[Expr]) -> Truths {
        let all = list.iter().map(|one| self.compared(item, op, one));
        all.fold(Truths::FALSE, Truths::or)
    }

    fn any_of(&mut self, item: &Expr, op: &BinaryOperator, right: &Expr) -> Truths {
        match list(right) {
            List::Items(items) => self.any(item, op, items),
            List::Query(query) => self.finds_row(query, Some((item, op))),
            List::Unknown => {
                self.opaque(&format!("`{right}`"));
                Truths::ANY
            }
        }
    }

    fn all_of(&mut self, item: &Expr, op: &BinaryOperator, right: &Expr) -> Truths {
        match list(right) {
            List::Items(items) => {
                let all = items.iter().map(|one| self.compared(item, op, one));
                all.fold(Truths::TRUE, Truths::and)
            }
            List::Query(_) | List::Unknown => {
                self.opaque(&format!("`{right}`"));
                Truths::ANY
            }
        }
    }

    fn is_null(&mut self, inner: &Expr) -> Truths {
        if is_condition(inner) {
            return self.truths(inner).is(Truths::NULL);
        }
        let value = self.value(inner);
        Truths::TRUE.when(value.may_be_null)
            | Truths::FALSE.when(value.known != Known::Nothing)
            | Truths::ERROR.when(value.may_fail)
    }

    /// Whether two values are the same, where NULL is the same as NULL.
    fn is_same(&mut self, left: &Expr, right: &Expr) -> Truths {
        let is_known = self.knows_operator(&BinaryOperator::Eq, [left, right], false);
        let (left, right) = (self.value(left), self.value(right));
        let equal = if is_known {
            self.compare(&left, &BinaryOperator::Eq, &right)
        } else {
            Truths::ANY
        };
        let both_null = Truths::TRUE.when(left.may_be_null && right.may_be_null);
        let can_be = |value: &Value| value.known != Known::Nothing;
        let one_null = (left.may_be_null && can_be(&right)) || (right.may_be_null && can_be(&left));
        equal.without(Truths::NULL) | both_null | Truths::FALSE.when(one_null)
    }

    pub fn compared(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Truths {
        let is_known = self.knows_operator(op, [left, right], true);
        let left = self.value(left);
        let right = self.value(right);
        if is_known {
            self.compare(&left, op, &right)
        } else {
            Truths::ANY
        }
    }

    /// Compares by the implicit `=` of CASE, NULLIF and IS DISTINCT FROM.
    fn compared_unwritten(&mut self, left: &Expr, right: &Expr) -> Truths {
        let is_known = self.knows_operator(&BinaryOperator::Eq, [left, right], false);
        let left = self.value(left);
        let right = self.value(right);
        if is_known {
            self.compare(&left, &BinaryOperator::Eq, &right)
        } else {
            Truths::ANY
        }
    }

    /// Whether an operator is the built-in one. Where it is written by the server, one in another schema has that schema
    /// in front.
    pub fn knows_operator(&mut self, op: &BinaryOperator, operands: [&Expr; 2], is_written: bool) -> bool {
        let name = op.to_string();
        let Some(other) = self.context.catalog.redefined.get(Kind::Operator, &name) else {
            return true;
        };
        // The server prefers an operator for exactly these types.
        let is_text = operands.into_iter().all(is_plain_text);
        let is_known = if is_text && !other.is_for_text {
            true
        } else {
            is_written && !other.in_pg_catalog && !self.is_in_text()
        };
        if !is_known {
            self.opaque(&format!("operator `{name}`, which a user has defined, too"));
        }
        is_known
    }

    /// Whether a name without a schema means the built-in object.
    pub fn is_built_in(&self, kind: Kind, name: &str) -> bool {
        let redefined = self.context.catalog.redefined.get(kind, name);
        redefined.is_none_or(|other| !other.in_pg_catalog && !self.is_in_text())
    }

    /// Whether the search path decides what names mean: in the text of a function's body.
    fn is_in_text(&self) -> bool {
        let mut around = self.scopes.iter().rev();
        around
            .find(|scope| scope.is_closed)
            .is_some_and(|scope| scope.is_text)
    }

    /// Whether a value can be within two bounds: not that of one tenant where both are another one.
    fn within_bounds(&mut self, one: Bound<'_>, other: Bound<'_>) -> Truths {
        let ops = [one.1, other.1];
        let is_range = ops == [&BinaryOperator::GtEq, &BinaryOperator::LtEq]
            || ops == [&BinaryOperator::LtEq, &BinaryOperator::GtEq];
        let is_same = one.0.to_string() == other.0.to_string() && one.2.to_string() == other.2.to_string();
        if !is_range
            || !is_same
            || !ops
                .into_iter()
                .all(|op| self.knows_operator(op, [one.0, one.2], true))
        {
            return Truths::TRUE;
        }
        let (item, end) = (self.value(one.0), self.value(one.2));
        match (tenant_of(&item.known), tenant_of(&end.known)) {
            (Some(item), Some(end)) if item != end => Truths::FALSE,
            // The empty text is nobody's tenant.
            (Some(_), None) if end.known == Known::One(Constant::Text(String::new())) => Truths::FALSE,
            _ => Truths::TRUE,
        }
    }

    pub fn compare(&mut self, left: &Value, op: &BinaryOperator, right: &Value) -> Truths {
        if !is_comparison(op) {
            self.opaque(&format!("operator `{op}`"));
            return Truths::ANY;
        }
        let beside = left.beside() | right.beside();
        let own = match (&left.known, &right.known) {
            (Known::Nothing, _) | (_, Known::Nothing) => Truths::NONE,
            (Known::One(one), Known::One(other)) => compare_constants(one, op, other),
            (Known::Tenant(one) | Known::Spelling(one), Known::Tenant(other) | Known::Spelling(other)) => {
                let is_exact = left.known == right.known && left.known == Known::Tenant(*one);
                self.compare_tenants(*one, op, *other, is_exact)
            }
            (Known::Variable(Variable::Role(_)), Known::One(Constant::Text(name)))
            | (Known::One(Constant::Text(name)), Known::Variable(Variable::Role(_)))
                if matches!(op, BinaryOperator::Eq | BinaryOperator::NotEq) && !self.may_be_role(name) =>
            {
                Truths::of(*op == BinaryOperator::NotEq)
            }
            (Known::One(_), Known::Tenant(_) | Known::Spelling(_))
                if !matches!(op, BinaryOperator::Eq | BinaryOperator::NotEq) =>
            {
                self.need_tenants(None);
                Truths::EITHER
            }
            (Known::Tenant(tenant) | Known::Spelling(tenant), Known::One(constant))
            | (Known::One(constant), Known::Tenant(tenant) | Known::Spelling(tenant)) => {
                self.compare_tenant(*tenant, op, constant)
            }
            (Known::Variable(one), Known::Variable(other)) => {
                self.seen.compared_with_each_other(one, other);
                Truths::EITHER
            }
            (Known::Variable(variable), known) | (known, Known::Variable(variable)) => {
                self.seen.compared(variable, known);
                Truths::EITHER
            }
            (Known::Tenant(_) | Known::Spelling(_), _) | (_, Known::Tenant(_) | Known::Spelling(_)) => {
                self.need_tenants(None);
                Truths::EITHER
            }
            _ => Truths::EITHER,
        };
        own | beside
    }

    fn compare_tenants(&mut self, one: Tenant, op: &BinaryOperator, other: Tenant, is_exact: bool) -> Truths {
        let is_same = is_exact && one == other && one != Tenant::Other;
        let is_different = one != other;
        match op {
            BinaryOperator::Eq if is_different => Truths::FALSE,
            BinaryOperator::NotEq if is_different => Truths::TRUE,
            BinaryOperator::Eq | BinaryOperator::LtEq | BinaryOperator::GtEq if is_same => Truths::TRUE,
            BinaryOperator::NotEq | BinaryOperator::Lt | BinaryOperator::Gt if is_same => Truths::FALSE,
            _ => {
                self.need_tenants(None);
                Truths::EITHER
            }
        }
    }

    /// Whether the session can have a role: that of the application, one that it can change to, or one of its members.
    fn may_be_role(&self, name: &str) -> bool {
        let Some(role) = self.context.catalog.role(name) else {
            return false;
        };
        let roles = self.context.app_roles.iter().chain([self.actor]);
        let own = Actor::new(self.context.catalog, role);
        role.superuser
            || roles
                .into_iter()
                .any(|actor| actor.reaches(role.oid) || own.reaches(actor.role.oid))
    }

    /// The empty text is nobody's tenant.
    fn compare_tenant(&mut self, tenant: Tenant, op: &BinaryOperator, constant: &Constant) -> Truths {
        let is_empty = *constant == Constant::Text(String::new());
        match op {
            BinaryOperator::Eq if is_empty => Truths::FALSE,
            BinaryOperator::NotEq if is_empty => Truths::TRUE,
            BinaryOperator::PGLikeMatch | BinaryOperator::PGILikeMatch
                if *constant == Constant::Text("%".to_string()) =>
            {
                Truths::TRUE
            }
            _ => {
                if tenant != Tenant::Other {
                    self.need_tenants(Some(constant));
                }
                Truths::EITHER
            }
        }
    }

    fn need_tenants(&mut self, beside: Option<&Constant>) {
        let outer = self.scopes[0].rows.first().map(|row| row.relation);
        if let Some(sql_type) = outer.and_then(|relation| self.tenant_type(relation)) {
            self.seen.tenants(&sql_type, beside);
        }
    }

    /// The type of the column that holds the tenant of a table's rows, or of their parents.
    pub fn tenant_type(&self, relation: Oid) -> Option<String> {
        let mut table = self.context.table_holding(relation)?;
        for _ in 0..MAX_DEPTH {
            match &table.registered.tenancy {
                Tenancy::Column { name, .. } => {
                    let relation = table.relation?;
                    let mut columns = self.context.catalog.columns(relation.oid).iter();
                    let declared = &columns.find(|column| column.name == *name)?.type_text;
                    return Some(self.context.catalog.base_type(declared).to_string());
                }
                Tenancy::Through(parent) => {
                    let mut tables = self.context.tables.iter();
                    table = tables.find(|one| one.name() == parent.table)?;
                }
                Tenancy::Unknown | Tenancy::Global | Tenancy::Declared => return None,
            }
        }
        None
    }

    /// What is known of the value of an expression.
    pub fn value(&mut self, expression: &Expr) -> Value {
        if self.is_too_long() {
            return Value::ANYTHING;
        }
        match expression {
            Expr::Nested(inner) => self.value(inner),
            // Under some collations, different texts are equal.
            Expr::Collate { expr: inner, .. } => self.value(inner).with(Known::Anything),
            Expr::Value(literal) => match &literal.value {
                Literal::Placeholder(parameter) => self.column(None, &Ident::new(parameter)),
                literal => of_literal(literal),
            },
            Expr::Identifier(name) => self.column(None, name),
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [.., table, name] => self.column(Some(table), name),
                _ => Value::ANYTHING,
            },
            Expr::Cast { expr, data_type, .. } => self.cast(expr, data_type),
            Expr::Subquery(query) => self.selected(query),
            Expr::Function(function) => self.called(function),
            Expr::Trim {
                expr: inner,
                trim_what,
                trim_characters: None,
                ..
            } => {
                let of_spaces = trim_what.as_deref().is_none_or(is_space);
                let trimmed = self.trimmed(inner, of_spaces);
                if self.is_trim_built_in() {
                    trimmed
                } else {
                    Value::ANYTHING
                }
            }
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case_value(operand.as_deref(), conditions, else_result.as_deref()),
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr,
            } => match self.value(expr) {
                Value {
                    known: Known::One(Constant::Integer(number)),
                    ..
                } => Value::constant(Constant::Integer(-number)),
                other => other.with(Known::Anything),
            },
            Expr::BinaryOp { left, op, right } if !is_condition(expression) => {
                let is_known = self.knows_operator(op, [left, right], true);
                let (left, right) = (self.value(left), self.value(right));
                let value = self.calculated(&left, op, &right);
                if is_known { value } else { Value::ANYTHING }
            }
            other if is_condition(other) => Value::of_truths(self.truths(other)),
            other => {
                self.opaque(&format!("`{other}`"));
                Value::ANYTHING
            }
        }
    }

    fn calculated(&mut self, left: &Value, op: &BinaryOperator, right: &Value) -> Value {
        if let (BinaryOperator::LongArrow, Known::One(Constant::Text(key))) = (op, &right.known)
            && left.known.holds_claims()
            && claims::tenant(&self.context.project.policy) == Some(key.as_str())
        {
            // The token may lack the claim: then there is no tenant.
            return self.text_of_tenant().nullable(true).failing(left.may_fail);
        }
        // A part of NULL is NULL.
        if let (Known::Nothing, BinaryOperator::Arrow | BinaryOperator::LongArrow) = (&left.known, op) {
            return left.clone().failing(right.may_fail);
        }
        for value in [left, right] {
            if let Known::Tenant(_) | Known::Spelling(_) = value.known {
                self.need_tenants(None);
            }
        }
        let known = match (&left.known, op, &right.known) {
            (Known::Nothing, _, _) | (_, _, Known::Nothing) => Known::Nothing,
            (
                Known::One(one @ (Constant::Text(_) | Constant::Integer(_))),
                BinaryOperator::StringConcat,
                Known::One(other @ (Constant::Text(_) | Constant::Integer(_))),
            ) => Known::One(Constant::Text(one.to_text() + &other.to_text())),
            (
                Known::One(Constant::Integer(one)),
                BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply,
                Known::One(Constant::Integer(other)),
            ) => {
                let result = match op {
                    BinaryOperator::Plus => one.checked_add(*other),
                    BinaryOperator::Minus => one.checked_sub(*other),
                    _ => one.checked_mul(*other),
                };
                // Beyond 32 bits, it depends on the type whether the operation overflows.
                let small = result.filter(|number| i32::try_from(*number).is_ok());
                small.map_or(Known::Anything, |number| Known::One(Constant::Integer(number)))
            }
            _ => Known::Anything,
        };
        // Other types may define these operators differently.
        let is_plain = matches!(
            (&left.known, &right.known),
            (Known::One(_), Known::One(_)) | (Known::Nothing, _) | (_, Known::Nothing)
        ) && matches!(
            op,
            BinaryOperator::StringConcat
                | BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
        );
        let value = Value {
            known,
            may_be_null: left.may_be_null || right.may_be_null,
            may_fail: left.may_fail || right.may_fail,
        };
        value.nullable(!is_plain).failing(!is_plain)
    }

    fn cast(&mut self, inner: &Expr, data_type: &DataType) -> Value {
        let value = self.value(inner);
        let sql_type = data_type.to_string().to_lowercase();
        let is_literal = matches!(inner, Expr::Value(_));
        if self.is_built_in(Kind::Type, &sql_type)
            && (is_literal || self.is_built_in(Kind::Cast, full_name(&sql_type)))
        {
            return self.cast_to(value, &sql_type);
        }
        self.opaque(&format!("cast to `{sql_type}`, which a user has defined, too"));
        Value::ANYTHING
    }

    fn cast_to(&mut self, value: Value, sql_type: &str) -> Value {
        match &value.known {
            Known::One(constant) => match constant.cast(sql_type) {
                Some(cast) => cast.nullable(value.may_be_null).failing(value.may_fail),
                None => value.with(Known::Anything).failing(true),
            },
            Known::Tenant(tenant) | Known::Spelling(tenant) if self.holds_tenants(sql_type) => {
                let is_exact = match &value.known {
                    Known::Tenant(_) => !is_text(sql_type) || self.spelling_of_tenants() == Spelling::Exact,
                    _ => !is_text(sql_type),
                };
                let known = if is_exact {
                    Known::Tenant(*tenant)
                } else {
                    Known::Spelling(*tenant)
                };
                value.with(known).failing(self.may_overflow(sql_type))
            }
            Known::Tenant(_) | Known::Spelling(_) => {
                self.need_tenants(None);
                value.with(Known::Anything).failing(true)
            }
            Known::Nothing => value,
            // Another type may truncate a name.
            Known::Variable(Variable::Role(_)) if !is_text(sql_type) || sql_type.contains('(') => {
                value.with(Known::Anything).failing(true)
            }
            Known::Variable(_) | Known::Claims | Known::Anything => value.failing(!is_text(sql_type)),
        }
    }

    /// Whether every tenant can be cast to a type, and different ones stay different: to that of the tenant column, to a
    /// wider one, or to text.
    fn holds_tenants(&self, sql_type: &str) -> bool {
        let base = self.context.catalog.base_type(sql_type);
        if matches!(base, "text" | "varchar" | "character varying") {
            return self.spelling_of_tenants() != Spelling::Rounded;
        }
        let is_number = |own: &str| is_integer(own) && (is_integer(base) || base == "numeric");
        self.own_tenant_type()
            .is_some_and(|own| is_named(&own, base) || is_number(&own))
    }

    /// Whether an integer type may be too small for a tenant.
    fn may_overflow(&self, sql_type: &str) -> bool {
        let base = full_name(self.context.catalog.base_type(sql_type));
        let is_own = self.own_tenant_type().is_some_and(|own| is_named(&own, base));
        is_integer(base) && base != "bigint" && !is_own
    }

    /// The type of the tenants of the policy's table.
    fn own_tenant_type(&self) -> Option<String> {
        let outer = self.scopes[0].rows.first()?.relation;
        self.tenant_type(outer)
    }

    fn spelling_of_tenants(&self) -> Spelling {
        self.own_tenant_type()
            .map_or(Spelling::Loose, |own| Spelling::of(&own))
    }

    /// Whether the tenants of a table have the same type as those of the policy's table.
    fn has_same_tenants(&self, relation: Oid) -> bool {
        match (self.own_tenant_type(), self.tenant_type(relation)) {
            (Some(own), Some(other)) => {
                is_named(&own, &other)
                    || (is_integer(&own) && is_integer(&other))
                    || (is_text(&own) && is_text(&other))
            }
            _ => true,
        }
    }

    fn column(&mut self, table: Option<&Ident>, name: &Ident) -> Value {
        let (table, name) = (table.map(folded), folded(name));
        let Some(found) = self.find_column(table.as_deref(), &name) else {
            self.opaque(&format!("`{name}`"));
            return Value::ANYTHING;
        };
        match found {
            Named::Column(row) => self.column_of(&row, &name),
            Named::Parameter(parameter) => parameter.value,
        }
    }

    fn find_column(&self, table: Option<&str>, name: &str) -> Option<Named> {
        for scope in self.scopes.iter().rev() {
            for row in &scope.rows {
                let is_named = table.is_none_or(|table| table == row.alias);
                if is_named && self.has_column(row.relation, name) {
                    return Some(Named::Column(row.clone()));
                }
            }
            let mut parameters = scope.parameters.iter();
            if let Some((_, parameter)) = parameters.find(|(known, _)| known == name) {
                return Some(Named::Parameter(parameter.clone()));
            }
            if scope.is_closed {
                break;
            }
        }
        None
    }

    /// The row whose column an expression is, and the name of the column.
    pub fn named_column(&self, expression: &Expr) -> Option<(Row, String)> {
        let (table, name) = match expression {
            Expr::Nested(inner) => return self.named_column(inner),
            Expr::Cast { expr, data_type, .. } if is_text(&data_type.to_string().to_lowercase()) => {
                let target = data_type.to_string().to_lowercase();
                let is_cut = !matches!(target.as_str(), "text" | "varchar" | "character varying");
                let found = self.named_column(expr)?;
                let mut columns = self.context.catalog.columns(found.0.relation).iter();
                let column = columns.find(|column| column.name == found.1)?;
                let own = column.type_text.as_str();
                let keeps_all =
                    is_integer(own) || matches!(own, "text" | "uuid") || own.starts_with("character varying");
                return (keeps_all && !is_cut).then_some(found);
            }
            Expr::Identifier(name) => (None, name),
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [.., table, name] => (Some(table.value.as_str()), name),
                _ => return None,
            },
            _ => return None,
        };
        match self.find_column(table, &name.value)? {
            Named::Column(row) => Some((row, name.value.clone())),
            Named::Parameter(parameter) => parameter.column,
        }
    }

    pub fn has_column(&self, relation: Oid, name: &str) -> bool {
        let mut columns = self.context.catalog.columns(relation).iter();
        columns.any(|column| column.name == name)
    }

    pub fn column_of(&mut self, row: &Row, name: &str) -> Value {
        if row.is_absent {
            return Value::NULL;
        }
        let tenant = row
            .owner
            .filter(|_| self.tenant_column(row.relation) == Some(name));
        if let Some(tenant) = tenant {
            return if self.has_same_tenants(row.relation) {
                self.tenant(tenant)
            } else {
                Value::ANYTHING
            };
        }
        let mut columns = self.context.catalog.columns(row.relation).iter();
        let Some(column) = columns.find(|column| column.name == name) else {
            return Value::ANYTHING;
        };
        let variable = Variable::Column(row.label.clone(), name.to_string());
        let sql_type = column.type_text.clone();
        if column.type_kind == "c" {
            // A row is neither null nor not null if only some of its values are.
            return Value::ANYTHING;
        }
        let is_reference = row.owner.is_some() && self.refers_to_parent(row, name);
        let is_never_null = is_reference || self.context.catalog.is_never_null(row.relation, name);
        self.variable(variable, &sql_type, !is_never_null)
    }

    /// Whether a column refers to the parent. Such a column is never null in a row that has a tenant.
    fn refers_to_parent(&self, row: &Row, name: &str) -> bool {
        let table = self.context.table_holding(row.relation);
        table.is_some_and(|table| match &table.registered.tenancy {
            Tenancy::Through(parent) => parent.columns.iter().any(|column| column == name),
            _ => false,
        })
    }

    pub fn tenant_column(&self, relation: Oid) -> Option<&'e str> {
        let table = self.context.table_holding(relation)?;
        table.tenant_column()
    }

    fn tenant(&self, tenant: Tenant) -> Value {
        match (tenant, self.world.tenants()) {
            (Tenant::OfSession, Some((session, _))) => Value::constant(session.clone()),
            (Tenant::OfRow, Some((_, row))) => Value::constant(row.clone()),
            (Tenant::Other, _) => Value::new(Known::Tenant(tenant)).nullable(true),
            (_, None) => Value::new(Known::Tenant(tenant)),
        }
    }

    pub fn variable(&mut self, variable: Variable, sql_type: &str, is_nullable: bool) -> Value {
        match self.world.value(&variable) {
            Some(Value {
                known: Known::Tenant(tenant),
                ..
            }) => self.tenant(*tenant),
            Some(value) => value.clone(),
            None => {
                self.seen.value(&variable, sql_type, is_nullable);
                Value::new(Known::Variable(variable)).nullable(is_nullable)
            }
        }
    }

    fn called(&mut self, function: &Function) -> Value {
        let Some(arguments) = arguments(function) else {
            self.opaque(&format!("function `{}`", function.name));
            return Value::ANYTHING;
        };
        let (schema, name) = called_name(&function.name);
        let is_built_in = match schema.as_deref() {
            None => self.is_built_in(Kind::Function, &name),
            Some("pg_catalog") => {
                let redefined = self.context.catalog.redefined.get(Kind::Function, &name);
                redefined.is_none_or(|other| !other.in_pg_catalog)
            }
            Some(_) => false,
        };
        if is_built_in && let Some(value) = self.built_in(&name, &arguments) {
            return value;
        }
        self.inlined(schema.as_deref(), &name, &arguments)
    }

    /// The value of a function of the server whose meaning is known.
    fn built_in(&mut self, name: &str, arguments: &[&Expr]) -> Option<Value> {
        Some(match (name, arguments) {
            ("current_setting", [setting, rest @ ..]) => {
                let setting = self.value(setting);
                let is_missing_ok = match rest {
                    [] => false,
                    [flag] => match self.truths(flag) {
                        Truths::TRUE => true,
                        Truths::FALSE => false,
                        Truths::NULL => return Some(Value::NULL),
                        _ => return Some(Value::ANYTHING),
                    },
                    _ => return None,
                };
                self.setting(&setting, is_missing_ok)
            }
            ("nullif", [value, other]) => {
                let equal = self.compared_unwritten(value, other);
                let value = self.value(value);
                if equal == Truths::TRUE {
                    Value::NULL
                } else {
                    value.nullable(equal.contains(Truths::TRUE))
                }
            }
            ("coalesce", values) => {
                let mut parts = Vec::new();
                let mut may_be_null = true;
                for value in values {
                    let value = self.value(value);
                    if !may_be_null {
                        parts.extend(value.may_fail.then_some(Value::ERROR));
                        continue;
                    }
                    may_be_null = value.may_be_null;
                    parts.push(Value {
                        may_be_null: false,
                        ..value
                    });
                }
                one_of(parts).nullable(may_be_null)
            }
            ("btrim" | "ltrim" | "rtrim", [text]) => self.trimmed(text, true),
            ("lower" | "upper", [text]) => {
                let value = self.value(text);
                match &value.known {
                    Known::One(Constant::Text(text)) => {
                        let changed = if name == "lower" {
                            text.to_lowercase()
                        } else {
                            text.to_uppercase()
                        };
                        value.with(Known::One(Constant::Text(changed)))
                    }
                    Known::Tenant(_) | Known::Spelling(_) => {
                        self.need_tenants(None);
                        value.with(Known::Anything)
                    }
                    Known::Variable(Variable::Role(_)) => value.with(Known::Anything),
                    known if known.holds_claims() => value.with(Known::Anything),
                    // Compared with what the variable itself may be. `lower` of a range may be null.
                    Known::Variable(_) => value.nullable(true),
                    _ => value.with(Known::Anything).nullable(true),
                }
            }
            (
                "now"
                | "current_timestamp"
                | "transaction_timestamp"
                | "statement_timestamp"
                | "clock_timestamp"
                | "localtimestamp"
                | "current_date",
                [],
            ) => Value::constant(Constant::Time(Moment::Now)),
            ("current_user" | "session_user" | "current_role" | "user", []) => {
                self.reads += 1;
                let variable = Variable::Role(name.to_string());
                let role = Value::text(self.actor.role.name.clone());
                match self.world.value(&variable) {
                    Some(value) => value.clone(),
                    None => {
                        self.seen.variable(&variable, vec![Choice::Value(role)]);
                        Value::new(Known::Variable(variable))
                    }
                }
            }
            _ => return None,
        })
    }

    fn is_trim_built_in(&self) -> bool {
        let mut names = ["btrim", "ltrim", "rtrim"].into_iter();
        names.all(|name| self.is_built_in(Kind::Function, name))
    }

    /// A text without the spaces around it. A number is read the same with and without them.
    fn trimmed(&mut self, text: &Expr, of_spaces: bool) -> Value {
        let value = self.value(text);
        let is_number = self
            .own_tenant_type()
            .is_some_and(|own| is_integer(&own) || is_named(&own, "numeric"));
        match &value.known {
            Known::One(Constant::Text(text)) if text.is_empty() => value,
            Known::Tenant(_) | Known::Spelling(_) if of_spaces && is_number => value,
            Known::Tenant(_) | Known::Spelling(_) => {
                self.need_tenants(None);
                value.with(Known::Anything)
            }
            Known::One(Constant::Text(text))
                if of_spaces && !text.starts_with(' ') && !text.ends_with(' ') =>
            {
                value
            }
            _ => value.with(Known::Anything),
        }
    }

    /// The value of `current_setting`.
    fn setting(&mut self, name: &Value, is_missing_ok: bool) -> Value {
        self.reads += 1;
        let Known::One(Constant::Text(name)) = &name.known else {
            return Value::ANYTHING;
        };
        let tenancy = self.context.project.policy.tenancy.column();
        let is_tenant = tenancy.is_some_and(|column| column.setting.value.eq_ignore_ascii_case(name));
        if !is_tenant && !name.contains('.') {
            // A built-in setting: the server limits which values it can have.
            self.opaque(&format!("setting `{name}`"));
            return Value::ANYTHING;
        }
        if !is_tenant {
            let mut value = self.variable(Variable::Setting(name.to_lowercase()), "text", is_missing_ok);
            if let Known::One(constant) = &value.known {
                value.known = Known::One(Constant::Text(constant.to_text()));
            }
            return value.failing(!is_missing_ok);
        }
        match self.world.session {
            Session::Tenant => self.text_of_tenant(),
            Session::Unset if is_missing_ok => Value::NULL,
            Session::Unset => Value::ERROR,
            Session::Empty => Value::text(""),
        }
    }

    /// The tenant of the session as a setting or a claim holds it.
    fn text_of_tenant(&self) -> Value {
        match self.tenant(Tenant::OfSession) {
            Value {
                known: Known::One(constant),
                ..
            } => Value::text(constant.to_text()),
            tenant if self.own_tenant_type().is_some_and(|own| is_text(&own)) => tenant,
            tenant => tenant.with(Known::Spelling(Tenant::OfSession)),
        }
    }

    /// The value of a function whose body is one expression.
    fn inlined(&mut self, schema: Option<&str>, name: &str, arguments: &[&Expr]) -> Value {
        let given: Vec<Option<(Row, String)>> = arguments
            .iter()
            .map(|argument| self.named_column(argument))
            .collect();
        let mut values: Vec<Value> = arguments.iter().map(|argument| self.value(argument)).collect();
        // In a policy, the server writes the schema of every function that is not built in.
        let is_in_body = self.scopes.iter().any(|scope| scope.is_closed);
        let found = self.context.catalog.body(schema, name);
        let found = found.filter(|_| schema.is_some() || is_in_body);
        let found = found.filter(|function| function.parameters.len() == values.len());
        let shown = schema.map_or_else(|| name.to_string(), |schema| format!("{schema}.{name}"));
        let body = found.filter(|_| self.depth < MAX_DEPTH);
        let Some((function, body)) =
            body.and_then(|one| Some((one, self.context.expressions.body(&one.body)?)))
        else {
            self.opaque(&format!("function `{shown}`"));
            return Value::ANYTHING;
        };
        if function.is_strict
            && values
                .iter()
                .any(|value| value.known == Known::Nothing && !value.may_fail)
        {
            // The other arguments are evaluated, too.
            let may_fail = values.iter().any(|value| value.may_fail);
            return Value::NULL.failing(may_fail);
        }
        for (value, sql_type) in values.iter_mut().zip(&function.types) {
            *value = self.converted(value.clone(), sql_type);
        }
        let may_be_strict_null = function.is_strict && values.iter().any(|value| value.may_be_null);
        let all: Vec<Parameter> = values
            .iter()
            .cloned()
            .zip(given)
            .map(|(value, column)| Parameter { value, column })
            .collect();
        let positions = (1..).map(|position| format!("${position}"));
        let by_position = positions.zip(all.iter().cloned());
        let by_name = function.parameters.iter().cloned().zip(all.iter().cloned());
        let parameters = by_name.chain(by_position).collect();
        self.scopes.push(Scope {
            parameters,
            is_closed: true,
            is_text: function.is_text,
            ..Scope::default()
        });
        self.depth += 1;
        // The server plans the queries in a function separately, so it applies no policies there yet.
        let applied = std::mem::take(&mut self.applied);
        let reads = self.reads;
        let value = self.value(&body);
        self.applied = applied;
        self.depth -= 1;
        self.scopes.pop();
        if function.is_immutable && self.reads != reads {
            // A prepared statement keeps the value that the function had when it was planned.
            self.opaque(&format!("function `{shown}`, which is not IMMUTABLE, as it says"));
            return Value::ANYTHING;
        }
        self.converted(value, &function.result)
            .nullable(may_be_strict_null)
    }

    /// A value that is given to a parameter, or returned.
    fn converted(&mut self, value: Value, sql_type: &str) -> Value {
        if self.is_built_in(Kind::Cast, full_name(sql_type)) {
            self.cast_to(value, sql_type)
        } else {
            Value::ANYTHING
        }
    }

    pub fn opaque(&mut self, what: &str) {
        if !self.seen.opaque.iter().any(|known| known == what) {
            self.seen.opaque.push(what.to_string());
        }
    }

    /// The tenants that a row can belong to: the chosen one, or all possible ones.
    pub fn owners(&mut self, label: &str) -> Vec<Tenant> {
        let variable = Variable::Owner(label.to_string());
        if let Some(owner) = self.world.owner(&variable) {
            return vec![owner];
        }
        let mut owners = vec![Tenant::OfRow];
        if self.world.session == Session::Tenant {
            owners.insert(0, Tenant::OfSession);
        }
        let choices = owners.iter().copied().map(Choice::Owner).collect();
        self.seen.variable(&variable, choices);
        owners.push(Tenant::Other);
        owners
    }
}

enum Named {
    Column(Row),
    Parameter(Parameter),
}

/// What stands in `ANY (…)`.
enum List<'l> {
    Items(&'l [Expr]),
    Query(&'l sqlparser::ast::Query),
    Unknown,
}

fn list(expression: &Expr) -> List<'_> {
    match expression {
        Expr::Nested(inner) => list(inner),
        Expr::Cast { expr, data_type, .. } if data_type.to_string().eq_ignore_ascii_case("text[]") => {
            list(expr)
        }
        Expr::Array(array) if !array.elem.iter().any(is_array) => List::Items(&array.elem),
        Expr::Subquery(query) => List::Query(query),
        _ => List::Unknown,
    }
}

fn is_array(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) => is_array(inner),
        Expr::Cast { data_type, .. } => data_type.to_string().ends_with(']'),
        Expr::Array(_) => true,
        _ => false,
    }
}

/// A comparison: what is compared, how, and with what.
type Bound<'b> = (&'b Expr, &'b BinaryOperator, &'b Expr);

fn bound(condition: &Expr) -> Option<Bound<'_>> {
    match condition {
        Expr::Nested(inner) => bound(inner),
        Expr::BinaryOp {
            left,
            op: op @ (BinaryOperator::GtEq | BinaryOperator::LtEq),
            right,
        } => Some((left, op, right)),
        _ => None,
    }
}

fn tenant_of(known: &Known) -> Option<Tenant> {
    match known {
        Known::Tenant(tenant) | Known::Spelling(tenant) => Some(*tenant),
        _ => None,
    }
}

fn is_space(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_space(inner),
        Expr::Value(literal) => literal.value == Literal::SingleQuotedString(" ".to_string()),
        _ => false,
    }
}

fn is_logical(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::BinaryOp {
            op: BinaryOperator::And | BinaryOperator::Or,
            ..
        }
    )
}

/// Whether an expression has the type `text` for certain, or is a literal that gets the type of what it is compared with.
fn is_plain_text(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) => is_plain_text(inner),
        Expr::Cast { data_type, .. } => matches!(data_type, DataType::Text),
        Expr::Value(literal) => matches!(literal.value, Literal::SingleQuotedString(_)),
        Expr::Function(function) => is_called(function, "current_setting"),
        _ => false,
    }
}

fn negated_if(negated: bool, truths: Truths) -> Truths {
    if negated { truths.not() } else { truths }
}

fn one_of(values: Vec<Value>) -> Value {
    let nothing = Value::new(Known::Nothing);
    values.into_iter().fold(nothing, Value::or)
}

fn of_literal(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::NULL,
        Literal::Boolean(value) => Value::constant(Constant::Boolean(*value)),
        Literal::Number(text, _) => match text.parse() {
            Ok(number) => Value::constant(Constant::Integer(number)),
            Err(_) => Value::new(Known::Anything),
        },
        Literal::SingleQuotedString(text) | Literal::EscapedStringLiteral(text) => Value::text(text),
        _ => Value::new(Known::Anything),
    }
}

/// Whether an expression is a condition, and no value of another type.
fn is_condition(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) => is_condition(inner),
        Expr::BinaryOp { op, .. } => {
            is_comparison(op) || matches!(op, BinaryOperator::And | BinaryOperator::Or)
        }
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            ..
        }
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::Between { .. }
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::AnyOp { .. }
        | Expr::AllOp { .. }
        | Expr::Exists { .. }
        | Expr::Like { .. } => true,
        _ => false,
    }
}

fn is_comparison(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
            | BinaryOperator::PGLikeMatch
            | BinaryOperator::PGILikeMatch
            | BinaryOperator::PGNotLikeMatch
            | BinaryOperator::PGNotILikeMatch
    )
}

fn compare_constants(one: &Constant, op: &BinaryOperator, other: &Constant) -> Truths {
    let known = match op {
        BinaryOperator::Eq => one.is_equal(other),
        BinaryOperator::NotEq => one.is_equal(other).map(|equal| !equal),
        BinaryOperator::Lt => one.order(other).map(std::cmp::Ordering::is_lt),
        BinaryOperator::LtEq => one.order(other).map(std::cmp::Ordering::is_le),
        BinaryOperator::Gt => one.order(other).map(std::cmp::Ordering::is_gt),
        BinaryOperator::GtEq => one.order(other).map(std::cmp::Ordering::is_ge),
        BinaryOperator::PGLikeMatch => like(one, other),
        BinaryOperator::PGNotLikeMatch => like(one, other).map(|found| !found),
        _ => None,
    };
    known.map_or(Truths::EITHER, Truths::of)
}

/// Whether a text matches a pattern, if the pattern is a plain text with `%` at its ends.
fn like(text: &Constant, pattern: &Constant) -> Option<bool> {
    let (Constant::Text(text), Constant::Text(pattern)) = (text, pattern) else {
        return None;
    };
    let inner = pattern.trim_matches('%');
    if inner.contains(['%', '_', '\\']) {
        return None;
    }
    Some(match (pattern.starts_with('%'), pattern.ends_with('%')) {
        _ if inner.is_empty() && !pattern.is_empty() => true,
        (true, true) => text.contains(inner),
        (true, false) => text.ends_with(inner),
        (false, true) => text.starts_with(inner),
        (false, false) => text == inner,
    })
}

fn is_called(function: &Function, name: &str) -> bool {
    called_name(&function.name) == (None, name.to_string())
}

/// A name without quotes is in lower case.
fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

/// The schema and the name of a function or a table.
pub fn called_name(name: &ObjectName) -> (Option<String>, String) {
    let parts: Vec<String> = name
        .0
        .iter()
        .filter_map(|part| part.as_ident().map(folded))
        .collect();
    match parts.as_slice() {
        [.., schema, name] => (Some(schema.clone()), name.clone()),
        [name] => (None, name.clone()),
        [] => (None, String::new()),
    }
}

/// The arguments of a call. `None` if they are more than expressions.
pub fn arguments(function: &Function) -> Option<Vec<&Expr>> {
    if function.over.is_some() || function.filter.is_some() || !function.within_group.is_empty() {
        return None;
    }
    match &function.args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::Subquery(_) => None,
        FunctionArguments::List(list) => {
            let is_plain = list.duplicate_treatment.is_none() && list.clauses.is_empty();
            let arguments = list.args.iter().map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(inner)) => Some(inner),
                _ => None,
            });
            arguments.collect::<Option<_>>().filter(|_| is_plain)
        }
    }
}
