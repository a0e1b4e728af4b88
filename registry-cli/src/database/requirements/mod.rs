//! What the registry requires of each relation in the database.
//!
//! `sql` prints statements for all requirements, `sql --diff` for those that the catalog does not meet, and `verify`
//! reports the latter.

pub mod difference;
pub mod indexes;
pub mod plan;
pub mod relatives;
pub mod statements;
pub mod tenancy;

use std::fmt::Display;

use table_registry_engine::{Access, DatabaseCheck, DatabaseSettings, RegisteredTable};

use crate::database::access::grants::{MAINTAIN, open_grants, revoked, unbound};
use crate::database::catalog::{Oid, Relation};
use crate::database::code::triggers::has_trigger;
use crate::database::context::{Context, Table};
use crate::database::requirements::statements::{
    Qualified, RequiredPolicy, create_policy, create_trigger, drop_trigger, enable_rls, force_rls,
    grant_changes, identifier, revoke, role_list,
};

/// The relation that a requirement applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A registered table.
    Table,
    /// A partition or an inheritance child of a registered table. It does not inherit row-level security, privileges
    /// or statement-level triggers.
    Child,
    /// A table that a registered table is a partition or an inheritance child of. It may have other children, so `sql`
    /// leaves it alone.
    Parent,
}

/// One thing that the registry requires of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    RowSecurity,
    ForcedRowSecurity,
    Policy,
    RevokedChanges,
    /// The privileges that no policy binds.
    RevokedUnbound,
    Trigger,
}

impl Requirement {
    /// In the order in which `sql` prints them.
    pub const ALL: &'static [Self] = &[
        Self::RowSecurity,
        Self::ForcedRowSecurity,
        Self::Policy,
        Self::RevokedChanges,
        Self::RevokedUnbound,
        Self::Trigger,
    ];

    /// Whether the registry requires it of an object of a table.
    pub fn is_asked(self, object: Object, table: &RegisteredTable, settings: &DatabaseSettings) -> bool {
        let has_rls = table.has_rls();
        match self {
            Self::RowSecurity => has_rls,
            Self::ForcedRowSecurity => has_rls && settings.force_rls,
            // A child without a policy shows no rows to statements that address it directly.
            Self::Policy => has_rls && object == Object::Table,
            Self::RevokedChanges => table.access.is_append_only(),
            Self::RevokedUnbound => has_rls || table.access.is_append_only(),
            // A migration changes the rows of a read-only table.
            Self::Trigger => {
                table.access == Access::AppendOnly && settings.append_only_trigger && object != Object::Parent
            }
        }
    }

    /// Whether the registry requires it of a table itself.
    pub fn is_asked_of(self, table: &Table<'_>, context: &Context<'_>) -> bool {
        self.is_asked(Object::Table, table.registered, context.settings)
    }

    /// The check that reports it where it is not met, and so the name of exceptions to it.
    pub fn check(self, object: Object) -> DatabaseCheck {
        match (object, self) {
            (Object::Table, Self::RowSecurity) => DatabaseCheck::RlsDisabled,
            (Object::Table, Self::ForcedRowSecurity) => DatabaseCheck::RlsNotForced,
            (Object::Table, Self::Policy) => DatabaseCheck::MissingPolicy,
            (Object::Table, Self::RevokedChanges) => DatabaseCheck::AppendOnlyPrivilege,
            (Object::Table, Self::RevokedUnbound) => DatabaseCheck::UnboundPrivilege,
            (Object::Table, Self::Trigger) => DatabaseCheck::MissingTrigger,
            (Object::Child, _) => DatabaseCheck::UnprotectedChild,
            (Object::Parent, _) => DatabaseCheck::UnprotectedParent,
        }
    }

    /// The privileges that the application must not hold on a table of this access.
    pub fn privileges(self, access: Access) -> &'static [&'static str] {
        match self {
            Self::RevokedChanges => revoked(access),
            Self::RevokedUnbound => unbound(access),
            Self::RowSecurity | Self::ForcedRowSecurity | Self::Policy | Self::Trigger => &[],
        }
    }

    /// Whether it is about privileges.
    pub fn is_revoked(self) -> bool {
        matches!(self, Self::RevokedChanges | Self::RevokedUnbound)
    }

    /// Whether a relation meets it, or is as safe without it.
    pub fn is_met(self, context: &Context<'_>, access: Access, relation: &Relation) -> bool {
        match self {
            Self::RowSecurity => relation.row_security,
            Self::ForcedRowSecurity => {
                relation.force_row_security || is_owned_above_policies(context, relation)
            }
            Self::Policy => {
                // A GRANT may follow the migration that switches row-level security on.
                let is_refused = relation.row_security && context.is_refused(relation);
                is_refused || !context.catalog.policies(relation.oid).is_empty()
            }
            Self::RevokedChanges | Self::RevokedUnbound => {
                open_grants(context, relation, self.privileges(access)).is_empty()
            }
            Self::Trigger => has_trigger(context, relation),
        }
    }

    /// The tables that do not meet it, though the registry asks it of them and it would have an effect.
    pub fn unmet<'x, 'c>(
        self,
        context: &'x Context<'c>,
    ) -> impl Iterator<Item = (&'x Table<'c>, &'c Relation)> {
        context.present().filter(move |(table, relation)| {
            let has_effect = relation.row_security || !self.needs_row_security();
            has_effect
                && self.is_asked_of(table, context)
                && !self.is_met(context, table.registered.access, relation)
        })
    }

    /// Whether it has no effect while row-level security is off.
    pub fn needs_row_security(self) -> bool {
        matches!(self, Self::ForcedRowSecurity | Self::Policy)
    }

    /// The statements that establish it, whatever the database has now.
    pub fn establish(self, relation: impl Display, asked: &Asked, names: &Names) -> Vec<String> {
        match self {
            Self::RowSecurity => vec![enable_rls(relation)],
            Self::ForcedRowSecurity => vec![force_rls(relation)],
            Self::Policy => {
                let policies = asked.policies.iter();
                let statements = policies.map(|policy| create_policy(&relation, &names.app_roles, policy));
                statements.collect()
            }
            Self::RevokedChanges | Self::RevokedUnbound => {
                let roles = names.grantees_except(asked.allowed_grantees(self));
                let privileges = self.privileges(asked.access).iter().copied();
                // Older servers refuse a statement that names this one, so it has a statement of its own.
                let privileges: Vec<&str> = privileges.filter(|one| *one != MAINTAIN).collect();
                let statement = roles.map(|roles| revoke(relation, &privileges, &roles));
                statement.into_iter().collect()
            }
            Self::Trigger => vec![drop_trigger(&relation), create_trigger(&relation, &names.schema)],
        }
    }

    /// The statement that reverses it. What no policy binds stays revoked: nobody grants it on purpose. Policies and row-level security are not reversed here, but in one statement for
    /// all tables; row-level security only where no policy is left.
    pub fn take_back(self, table: &Qualified, asked: &Asked, names: &Names) -> Option<String> {
        match self {
            Self::RowSecurity | Self::ForcedRowSecurity | Self::Policy | Self::RevokedUnbound => None,
            Self::RevokedChanges => {
                let roles = names.roles_except(asked.allowed_grantees(self));
                (!roles.is_empty()).then(|| grant_changes(table, asked.access, &roles.join(", ")))
            }
            Self::Trigger => Some(drop_trigger(table)),
        }
    }
}

/// What the statements for one table depend on.
pub struct Asked {
    pub policies: Vec<RequiredPolicy>,
    pub access: Access,
    /// The grantees that an exception lets keep what a requirement revokes from the others.
    pub allowed: Vec<(Requirement, Vec<String>)>,
}

impl Asked {
    pub fn allowed_grantees(&self, requirement: Requirement) -> &[String] {
        let mut allowed = self.allowed.iter();
        allowed
            .find(|(of, _)| *of == requirement)
            .map_or(&[], |(_, grantees)| grantees)
    }
}

/// The names from the policy file that statements contain.
pub struct Names {
    pub schema: String,
    pub app_roles: String,
    roles: Vec<String>,
}

impl Names {
    pub fn new(settings: &DatabaseSettings) -> Self {
        Self {
            schema: settings.schema.clone(),
            app_roles: role_list(settings.app_roles.iter().map(|role| role.value.as_str())),
            roles: settings.app_roles.iter().map(|role| role.value.clone()).collect(),
        }
    }

    /// The roles of the application without some grantees, as SQL writes them.
    fn roles_except(&self, allowed: &[String]) -> Vec<String> {
        let left = self.roles.iter().filter(|role| !allowed.contains(role));
        left.map(|role| identifier(role)).collect()
    }

    /// PUBLIC and the roles of the application without some grantees. `None` if nobody is left.
    pub fn grantees_except(&self, allowed: &[String]) -> Option<String> {
        const PUBLIC: &str = "PUBLIC";
        let public = allowed
            .iter()
            .all(|one| one != PUBLIC)
            .then(|| PUBLIC.to_string());
        let names: Vec<String> = public.into_iter().chain(self.roles_except(allowed)).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// The names escaped for the SQL function `format`, in which a percent sign starts a placeholder.
    pub fn in_format(&self) -> Self {
        let escaped = |text: &str| text.replace('%', "%%");
        Self {
            schema: escaped(&self.schema),
            app_roles: escaped(&self.app_roles),
            roles: self.roles.iter().map(|role| escaped(role)).collect(),
        }
    }
}

/// Whether policies never apply to the owner of a relation, as on Supabase, so that FORCE changes nothing for it. FORCE does
/// bind a role that inherits the rights of such an owner, but not its BYPASSRLS. A child that a superuser has made by hand
/// needs FORCE unless the owner of its table ignores policies, too: the child should get that owner.
fn is_owned_above_policies(context: &Context<'_>, relation: &Relation) -> bool {
    let table = context
        .table_holding(relation.oid)
        .and_then(|table| table.relation);
    let mut owners = std::iter::once(relation).chain(table).map(|one| one.owner);
    let ignores_policies = |owner: Oid| context.owner(owner).is_some_and(|owner| owner.ignores_policies());
    owners.all(|owner| ignores_policies(owner) && context.app_role_reaching(owner).is_none())
}

/// What the registry requires of an object of a table.
pub fn of_table(table: &RegisteredTable, object: Object, settings: &DatabaseSettings) -> Vec<Requirement> {
    let all = Requirement::ALL.iter().copied();
    all.filter(|one| one.is_asked(object, table, settings)).collect()
}

/// What the registry requires of a relation that shares a table's rows, without the requirements of the relation's
/// own struct.
pub fn of_relative(
    context: &Context<'_>,
    table: &Table<'_>,
    relative: &Relation,
    object: Object,
) -> Vec<Requirement> {
    let asked = of_table(table.registered, object, context.settings);
    without_own(context, &asked, relative)
}

/// Requirements without those that the struct of a relation asks for itself.
pub fn without_own(context: &Context<'_>, asked: &[Requirement], relation: &Relation) -> Vec<Requirement> {
    let own = context.table_of(relation.oid);
    let is_own = |one: &Requirement| own.is_some_and(|own| one.is_asked_of(own, context));
    asked.iter().copied().filter(|one| !is_own(one)).collect()
}
