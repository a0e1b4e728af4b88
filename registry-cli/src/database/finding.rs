//! What a check found, and what mends it.

use registry_core::engine::{Code, Diagnostic, Entry, Severity};

use crate::project::Project;

/// A fault of the database.
#[derive(Debug)]
pub struct Finding {
    pub code: Code,
    pub severity: Severity,
    /// What an exception names: a table or a role.
    pub subject: String,
    /// The registered or exempt table, if it is about one.
    pub table: Option<String>,
    /// The object in the database: a policy, a role, a view, …
    pub object: Option<String>,
    pub message: String,
    /// What stands in the catalogs.
    pub facts: Vec<String>,
    /// The SQL, or the command, that mends it.
    pub fix: String,
    /// The line of the policy file, where that is the fault.
    pub entry: Option<Entry<Code>>,
}

impl Finding {
    pub fn of_table(code: Code, table: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            subject: table.to_string(),
            table: Some(table.to_string()),
            object: None,
            message: message.into(),
            facts: Vec::new(),
            fix: fix.into(),
            entry: None,
        }
    }

    pub fn of_role(code: Code, role: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            table: None,
            object: Some(role.to_string()),
            ..Self::of_table(code, role, message, fix)
        }
    }

    pub fn object(mut self, name: impl Into<String>) -> Self {
        self.object = Some(name.into());
        self
    }

    pub fn fact(mut self, text: impl Into<String>) -> Self {
        self.facts.push(text.into());
        self
    }

    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The diagnostic, at the struct, the entry of the policy file, or nowhere.
    pub fn diagnostic(&self, project: &Project) -> Diagnostic {
        let mut diagnostic = Diagnostic::new(self.code, self.message.clone());
        diagnostic.severity = self.severity;
        diagnostic.notes.clone_from(&self.facts);
        let diagnostic = diagnostic.help(self.fix.clone());
        if let Some(entry) = &self.entry {
            return at(diagnostic, entry);
        }
        let table = self.table.as_deref().unwrap_or_default();
        if let Some(declaration) = project.registry.table(table).map(|table| &table.declarations[0]) {
            return diagnostic.at(&declaration.source, declaration.place.clone(), "");
        }
        let policy = &project.policy;
        let exempt = policy.exempt.iter().find(|entry| entry.name == table);
        let role = policy
            .database
            .app_roles
            .iter()
            .find(|entry| entry.name == self.subject);
        match (exempt, role) {
            (Some(entry), _) => at(diagnostic, entry),
            (None, Some(entry)) => at(diagnostic, entry),
            (None, None) => diagnostic,
        }
    }
}

fn at<T>(diagnostic: Diagnostic, entry: &Entry<T>) -> Diagnostic {
    diagnostic.at(&entry.source, entry.place.clone(), "")
}
