//! The rules: one file for each lint of `for_each_lint!`, with its code and its tests.
//!
//! The modules are generated from that list, so that a new lint needs only one line, in the list. rustfmt does not
//! find generated modules: run `rustfmt registry-cli/src/lint/rules/*.rs`.

use table_registry_engine::{Diagnostic, Exception, Lint};

use super::subject::{Subject, Violation};

pub use unused_allow::not_needed;

/// A rule, by what it looks at.
pub enum Rule {
    Table(FindInTable),
    Crate(FindInCrate),
    Exception(FindInException),
}

type FindInTable = fn(&Subject<'_>) -> Vec<Diagnostic>;

/// Checks all tables of a crate together. Each finding is about one of them.
type FindInCrate = for<'s, 'c> fn(&'s [Subject<'c>]) -> Vec<(&'s Subject<'c>, Diagnostic)>;

/// Checks an exception, given the tables of its crate and the violations of the other rules there.
type FindInException = fn(&Exception<Lint>, &[Subject<'_>], &[Violation<'_>]) -> Option<Diagnostic>;

macro_rules! rules {
    ($($variant:ident $name:literal in $module:ident: $level:ident $(, $key:ident = $default:tt)?;)*) => {
        $(mod $module;)*

        pub const RULES: &[(Lint, Rule)] = &[$((Lint::$variant, $module::RULE)),*];

        #[cfg(test)]
        const MODULES: &[&str] = &[$(stringify!($module)),*];
    };
}

table_registry_engine::for_each_lint!(rules);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_is_in_the_list_of_lints() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lint/rules");
        let paths = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
        let mut names: Vec<String> = files
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_string())
            .filter(|name| name != "mod")
            .collect();
        names.sort();
        assert_eq!(
            names, MODULES,
            "`for_each_lint!` in registry-engine/src/report/lints.rs"
        );
    }

    #[test]
    fn a_module_has_the_name_of_its_lint() {
        let lints = RULES.iter().map(|(lint, _)| lint.as_str().replace('-', "_"));
        assert_eq!(lints.collect::<Vec<_>>(), MODULES);
    }
}
