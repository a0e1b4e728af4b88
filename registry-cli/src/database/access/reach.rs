//! The relations that the application reaches outside the registry: by its privileges, or through views.

use std::collections::{BTreeMap, BTreeSet};

use crate::database::access::logins;
use crate::database::access::roles::Actor;
use crate::database::catalog::{Oid, Relation};
use crate::database::code::openings::{may_read, revoke};
use crate::database::context::{Context, Table};
use crate::database::requirements::relatives::ANY;
use crate::text::quoted;

pub struct Reach<'x, 'c> {
    context: &'x Context<'c>,
    /// The views that the application may use and that read a relation, keyed by the relation.
    views: BTreeMap<Oid, Vec<&'x Relation>>,
}

impl<'x, 'c> Reach<'x, 'c> {
    pub fn new(context: &'x Context<'c>) -> Self {
        let mut views: BTreeMap<Oid, Vec<&Relation>> = BTreeMap::new();
        let used = context.catalog.relations.iter().filter(|relation| {
            let is_view = relation.is_view() || relation.kind == "m";
            is_view && context.is_used(relation, ANY)
        });
        for view in used {
            for relation in read_by(context, view) {
                views.entry(relation).or_default().push(view);
            }
        }
        Self { context, views }
    }

    /// Whether the application reaches a relation.
    pub fn includes(&self, relation: &Relation) -> bool {
        !self.holders(relation).is_empty() || self.views.contains_key(&relation.oid)
    }

    /// How the application reaches a relation.
    pub fn ways(&self, relation: &Relation) -> Vec<String> {
        let mut ways = Vec::new();
        let holders = self.holders(relation);
        if !holders.is_empty() {
            ways.push(format!("{} can use it", role_names(&holders)));
        }
        let views: Vec<String> = self
            .views_of(relation)
            .map(|view| self.context.name_of(view))
            .collect();
        if !views.is_empty() {
            ways.push(format!(
                "the application can use {}, which shows it",
                quoted(&views)
            ));
        }
        ways
    }

    /// The statements that take the ways to a relation from the application.
    pub fn close(&self, relation: &Relation) -> String {
        let own = (!self.holders(relation).is_empty()).then_some(relation);
        let relations = own.into_iter().chain(self.views_of(relation));
        let revokes: Vec<String> = relations.map(|one| revoke(self.context, one, ANY)).collect();
        revokes.join(" ")
    }

    /// The roles of the application that reach a relation, by privileges or through views.
    pub fn roles(&self, relation: &Relation) -> Vec<&'x str> {
        let reaches = |name: &&str| {
            let is_used = |one: &Relation| self.holders(one).contains(name);
            is_used(relation) || self.views_of(relation).any(is_used)
        };
        let apps = self.context.app_roles.iter();
        apps.map(|app| app.role.name.as_str()).filter(reaches).collect()
    }

    /// Whether a view outside some schemas shows a relation with the rights of the view's owner.
    pub fn is_shown_outside(&self, schemas: &[&str], relation: &Relation) -> bool {
        self.views_of(relation)
            .any(|view| !view.security_invoker && !schemas.contains(&view.schema.as_str()))
    }

    fn views_of(&self, relation: &Relation) -> impl Iterator<Item = &'x Relation> {
        self.views.get(&relation.oid).into_iter().flatten().copied()
    }

    /// The roles of the application that may use a relation. A superuser may use everything, which another check
    /// reports.
    fn holders(&self, relation: &Relation) -> Vec<&'x str> {
        let apps = self.context.app_roles.iter();
        let holding = apps.filter(|app| !app.role.superuser && app.may(relation, ANY));
        holding.map(|app| app.role.name.as_str()).collect()
    }
}

/// The `search_path` of each role of the application, and the registered tables by name.
pub struct Shadows<'x> {
    paths: Vec<(&'x Actor<'x>, Vec<String>)>,
    tables: BTreeMap<&'x str, Vec<(&'x Table<'x>, &'x Relation)>>,
}

impl<'x> Shadows<'x> {
    pub fn new(context: &'x Context<'x>) -> Self {
        let apps = context.app_roles.iter();
        let mut tables: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (table, relation) in context.present() {
            tables.entry(&relation.name).or_default().push((table, relation));
        }
        Self {
            paths: apps.map(|app| (app, logins::search_path(context, app))).collect(),
            tables,
        }
    }

    /// The registered tables that share their name with a relation, each with the role, if any, whose `search_path`
    /// finds the relation before the table.
    pub fn named_like(
        &self,
        relation: &Relation,
    ) -> impl Iterator<Item = (&'x Table<'x>, Option<&'x Actor<'x>>)> {
        let named = self.tables.get(relation.name.as_str()).into_iter().flatten();
        let others = named.filter(|(_, original)| original.oid != relation.oid);
        others.map(|(table, original)| {
            let hides = |path: &[String]| {
                let place = |schema: &String| path.iter().position(|one| one == schema);
                let (own, original) = (place(&relation.schema), place(&original.schema));
                own.is_some() && own < original.or(Some(usize::MAX))
            };
            let hidden = self.paths.iter().find(|(_, path)| hides(path));
            (*table, hidden.map(|(app, _)| *app))
        })
    }

    /// Whether a role that may use a view finds the view before a registered table of the same name. A view that reads
    /// that table with the rights of its caller does not count: it shows only what the table's policies let through.
    pub fn has_view(&self, context: &Context<'_>, view: &Relation) -> bool {
        let is_view = view.is_view() || view.kind == "m";
        let reads = |table: &Table<'_>| {
            let mut used = context.catalog.used_by(view.oid);
            view.security_invoker && used.any(|used| Some(used.oid) == table.relation.map(|own| own.oid))
        };
        let mut hidden = self.named_like(view);
        is_view && hidden.any(|(table, app)| app.is_some_and(|app| app.may(view, ANY)) && !reads(table))
    }
}

fn role_names(names: &[&str]) -> String {
    let noun = if names.len() == 1 { "role" } else { "roles" };
    format!("{noun} {}", quoted(names))
}

/// The relations that a view reads, directly or through other views, and may read at each step.
fn read_by(context: &Context<'_>, view: &Relation) -> BTreeSet<Oid> {
    let (mut found, mut open) = (BTreeSet::new(), vec![view]);
    while let Some(at) = open.pop() {
        let used = context.catalog.used_by(at.oid);
        for relation in used.filter(|relation| may_read(context, &context.app_roles, at, relation)) {
            if found.insert(relation.oid) {
                open.push(relation);
            }
        }
    }
    found
}
