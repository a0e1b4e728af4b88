//! The relations that the application reaches outside the registry: by its privileges, or through views.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::{Oid, Relation};
use super::context::Context;
use super::openings::{may_read, revoke};
use super::relatives::ANY;
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
