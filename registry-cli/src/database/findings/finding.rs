//! The findings of checks, and their fixes.

use table_registry_engine::{CheckSubject, Code, Diagnostic, Level, Placed, Severity};

use crate::project::Project;
use crate::text::{one_line, printable, quoted};

/// A fault of the database.
#[derive(Clone, Debug)]
pub struct Finding {
    pub code: Code,
    pub severity: Severity,
    /// The names by which exceptions refer to the finding: tables, or a role.
    pub subjects: Vec<String>,
    /// The registered or exempt table, if the finding is about one.
    pub table: Option<String>,
    /// The object in the database: a policy, a role, a view, …
    pub object: Option<String>,
    /// The name by which exceptions refer to the object, if it is another one.
    allowed_as: Option<String>,
    /// The partition, child or other relation that has the object, if it is not the table itself.
    pub relation: Option<String>,
    /// The roles of the application through which the finding comes, if it is one that comes through roles.
    pub roles: Vec<String>,
    /// The policy that the finding is about.
    pub policy: Option<PolicyText>,
    pub message: String,
    /// The evidence from the catalogs.
    pub facts: Vec<String>,
    /// The SQL or the command that fixes it.
    pub fix: String,
    /// The databases that have it, if others that were verified with them have not.
    pub databases: Vec<String>,
    /// The entry of the policy file, if the entry is at fault.
    pub entry: Option<Placed<String>>,
    /// The column at fault, if it is not the object.
    column: Option<String>,
    /// The field of the struct for the column at fault.
    pub field: Option<Placed<String>>,
    /// The command that prints the SQL for this finding and for all like it.
    pub remedy: Option<Remedy>,
    /// Whether it is an error whatever the level of its check.
    is_grave: bool,
    /// The fault of the registry itself, if it kept the checks from running.
    fault: Option<Diagnostic>,
}

/// A command that prints the SQL which fixes all findings of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// `sql`.
    Requirements,
    /// `sql --indexes`.
    Indexes,
}

impl Remedy {
    /// The options of `sql`.
    pub fn options(self) -> &'static str {
        match self {
            Self::Requirements => "",
            Self::Indexes => " --indexes",
        }
    }
}

/// What a policy lets through, as SQL writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyText {
    /// The command and the roles: `FOR SELECT TO app`.
    pub scope: String,
    /// The clauses: `USING (true)`.
    pub expression: String,
}

impl Finding {
    pub fn of_table(
        code: impl Into<Code>,
        table: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            severity: Severity::Error,
            subjects: vec![table.to_string()],
            table: Some(table.to_string()),
            object: None,
            allowed_as: None,
            relation: None,
            roles: Vec::new(),
            policy: None,
            message: message.into(),
            facts: Vec::new(),
            fix: fix.into(),
            databases: Vec::new(),
            entry: None,
            column: None,
            field: None,
            remedy: None,
            is_grave: false,
            fault: None,
        }
    }

    pub fn of_role(
        code: impl Into<Code>,
        role: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            table: None,
            object: Some(role.to_string()),
            ..Self::of_table(code, role, message, fix)
        }
    }

    pub fn of_registry(fault: Diagnostic) -> Self {
        Self {
            severity: fault.severity,
            subjects: Vec::new(),
            table: None,
            facts: fault.notes.clone(),
            fix: fault.helps.join("; "),
            fault: Some(fault.clone()),
            ..Self::of_table(fault.code, "", fault.message, "")
        }
    }

    pub fn object(mut self, name: impl Into<String>) -> Self {
        self.object = Some(name.into());
        self
    }

    /// The finding with another name of its object for exceptions.
    pub fn allowed_as(mut self, name: impl Into<String>) -> Self {
        self.allowed_as = Some(name.into());
        self
    }

    /// The name by which exceptions refer to the object.
    pub fn object_of_exceptions(&self) -> Option<&str> {
        self.allowed_as.as_deref().or(self.object.as_deref())
    }

    /// The finding about an object of another relation than the table.
    pub fn of_relation(mut self, name: Option<String>) -> Self {
        self.relation = name;
        self
    }

    /// The finding with the roles of the application through which it comes.
    pub fn through(mut self, roles: Vec<String>) -> Self {
        self.roles = roles;
        self
    }

    /// The finding about several tables. It is reported at the first one.
    pub fn about(mut self, tables: &[&str]) -> Self {
        self.subjects = tables.iter().map(ToString::to_string).collect();
        self
    }

    /// The finding about a column that is not its object.
    pub fn of_column(mut self, name: &str) -> Self {
        self.column = Some(name.to_string());
        self
    }

    /// The column at fault.
    pub fn column(&self) -> Option<&str> {
        let is_column = match self.code {
            Code::DatabaseCheck(check) => check.subject() == CheckSubject::Column,
            Code::Fault(_) | Code::Lint(_) => false,
        };
        let object = self.object.as_deref().filter(|_| is_column);
        self.column.as_deref().or(object)
    }

    /// The finding as one that a command fixes, with all like it.
    pub fn fixed_by(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy);
        self
    }

    pub fn is_about(&self, name: &str) -> bool {
        self.subjects.iter().any(|subject| subject == name)
    }

    pub fn fact(mut self, text: impl Into<String>) -> Self {
        self.facts.push(text.into());
        self
    }

    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The finding as an error, whatever the level of its check.
    pub fn grave(mut self) -> Self {
        self.is_grave = true;
        self
    }

    #[cfg(test)]
    pub fn is_grave(&self) -> bool {
        self.is_grave
    }

    /// The finding at the level of its rule, or `None` if the rule is off.
    pub fn at_level(mut self, level: Level) -> Option<Self> {
        if !self.is_grave {
            self.severity = level.severity()?;
        }
        Some(self)
    }

    /// The finding as one whose fault is an entry of the policy file.
    pub fn at_entry(mut self, entry: &Placed<String>) -> Self {
        self.entry = Some(entry.clone());
        self
    }

    /// Which of the verified databases have it, if not all.
    pub fn where_only(&self) -> Option<String> {
        (!self.databases.is_empty()).then(|| format!("only in {}", one_line(&quoted(&self.databases))))
    }

    /// A fact with its names on one line. The lines of an expression stay.
    fn shown(&self, fact: &str) -> String {
        let own = [&self.table, &self.object, &self.relation, &self.column];
        let names = own.into_iter().flatten().chain(&self.subjects).chain(&self.roles);
        let broken = names.filter(|name| name.contains('\n'));
        let fact = broken.fold(fact.to_string(), |fact, name| fact.replace(name, &one_line(name)));
        printable(&fact)
    }

    /// The diagnostic, at the entry of the policy file, the field, the struct, or nowhere.
    pub fn diagnostic(&self, project: &Project) -> Diagnostic {
        if let Some(fault) = &self.fault {
            return fault.clone();
        }
        let mut diagnostic = Diagnostic::new(self.code, one_line(&self.message)).help(printable(&self.fix));
        diagnostic.severity = self.severity;
        diagnostic.notes = self.facts.iter().map(|fact| self.shown(fact)).collect();
        diagnostic.notes.extend(self.where_only());
        if let Some(place) = self.entry.as_ref().or(self.field.as_ref()) {
            return at(diagnostic, place);
        }
        let table = self.table.as_deref().unwrap_or_default();
        if let Some(registered) = project.registry.table(table) {
            return registered.at_declaration(diagnostic, "");
        }
        let policy = &project.policy;
        let exempt = policy.exempt.iter().find(|entry| entry.table.value == table);
        let role = policy
            .database
            .app_roles
            .iter()
            .find(|entry| self.is_about(&entry.value));
        match (exempt, role) {
            (Some(entry), _) => at(diagnostic, &entry.table),
            (None, Some(entry)) => at(diagnostic, entry),
            (None, None) => diagnostic,
        }
    }
}

fn at(diagnostic: Diagnostic, place: &Placed<String>) -> Diagnostic {
    diagnostic.at(&place.source, place.range.clone(), "")
}
