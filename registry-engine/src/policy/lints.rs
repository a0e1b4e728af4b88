//! `[lints]`: the levels and options of lints, and exceptions to them.

use toml::de::DeValue;

use super::reader::{Exception, PolicyReader, TomlKey, TomlValue};
use crate::report::{Diagnostic, Fault, Level, Lint, LintOption};
use crate::written::unknown_lint;

const ALLOW: &str = "allow";
const LEVEL: &str = "level";

/// The settings in `[lints]`.
#[derive(Clone, Debug, Default)]
pub struct LintSettings {
    /// `[lints.allow.LINT]`: the tables to which a lint does not apply.
    pub exceptions: Vec<Exception<Lint>>,
    levels: Vec<(Lint, Level)>,
    options: Vec<(Lint, Vec<String>)>,
}

impl LintSettings {
    /// The level of a lint: that of the policy file, or the default.
    #[must_use]
    pub fn level(&self, lint: Lint) -> Level {
        let set = self.levels.iter().rfind(|(of, _)| *of == lint);
        set.map_or(lint.default_level(), |(_, level)| *level)
    }

    /// The value of a lint's option: that of the policy file, or the default. Empty for a lint without an option.
    #[must_use]
    pub fn option(&self, lint: Lint) -> Vec<String> {
        let set = self.options.iter().rfind(|(of, _)| *of == lint);
        match (set, lint.option()) {
            (Some((_, words)), _) => words.clone(),
            (None, Some(option)) => option.default.iter().map(ToString::to_string).collect(),
            (None, None) => Vec::new(),
        }
    }

    pub(super) fn read<'a>(reader: &mut PolicyReader<'a>, key: &TomlKey, value: TomlValue<'a>) -> Self {
        let mut lints = Self::default();
        let mut seen = Vec::new();
        for (name, value) in reader.table(key, value) {
            if name.get_ref() == ALLOW {
                lints.read_exceptions(reader, &name, value);
            } else if let Some(lint) = known_lint(reader, &name) {
                if seen.contains(&lint) {
                    let message = format!("lint `{lint}` is set twice");
                    let fault = Diagnostic::new(Fault::RepeatedKey, message)
                        .note("`-` and `_` mean the same in the name of a lint")
                        .help("keep one of them");
                    reader.fault(fault, name.span(), "");
                }
                seen.push(lint);
                lints.read_lint(reader, lint, &name, value);
            }
        }
        lints
    }

    fn read_exceptions<'a>(&mut self, reader: &mut PolicyReader<'a>, key: &TomlKey, value: TomlValue<'a>) {
        for (name, value) in reader.table(key, value) {
            let Some(lint) = known_lint(reader, &name) else {
                continue;
            };
            self.exceptions.extend(reader.exceptions(&name, value, lint));
        }
    }

    /// `lint = "warn"`, or `lint = { level = "warn", option = … }`.
    fn read_lint<'a>(
        &mut self,
        reader: &mut PolicyReader<'a>,
        lint: Lint,
        name: &TomlKey,
        value: TomlValue<'a>,
    ) {
        if !value.get_ref().is_table() {
            self.read_level(reader, lint, name, &value);
            return;
        }
        for (key, value) in reader.table(name, value) {
            match lint.option() {
                _ if key.get_ref() == LEVEL => self.read_level(reader, lint, &key, &value),
                Some(option) if key.get_ref() == option.key => {
                    let written = read_option(reader, option, &key, value);
                    self.options.extend(written.map(|words| (lint, words)));
                }
                option => {
                    let known = [Some(LEVEL), option.map(|option| option.key)];
                    reader.unknown_key(&key, &known.into_iter().flatten().collect::<Vec<_>>());
                }
            }
        }
    }

    fn read_level<'a>(
        &mut self,
        reader: &mut PolicyReader<'a>,
        lint: Lint,
        name: &TomlKey,
        value: &TomlValue<'a>,
    ) {
        let level = reader.level(name, value, lint.default_level());
        self.levels.extend(level.map(|level| (lint, level)));
    }
}

fn known_lint(reader: &mut PolicyReader<'_>, name: &TomlKey) -> Option<Lint> {
    let lint = Lint::named(name.get_ref());
    if lint.is_none() {
        reader.fault(unknown_lint(name.get_ref(), "-"), name.span(), "");
    }
    lint
}

fn read_option<'a>(
    reader: &mut PolicyReader<'a>,
    option: &LintOption,
    key: &TomlKey,
    value: TomlValue<'a>,
) -> Option<Vec<String>> {
    let example = option.default[0];
    if option.is_list {
        let is_list = matches!(value.get_ref(), DeValue::Array(_));
        let words = reader.strings(key, value, example);
        return is_list.then(|| words.into_iter().map(toml::Spanned::into_inner).collect());
    }
    let text = reader.string(key, &value, example)?;
    if text.is_empty() {
        let fault = Diagnostic::new(Fault::EmptyName, format!("`{}` is empty", option.key))
            .help(format!("write a name: `{} = \"{example}\"`", option.key));
        reader.fault(fault, value.span(), "");
        return None;
    }
    Some(vec![text.to_string()])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{codes, places};
    use crate::{Policy, Source};

    fn read(text: &str) -> (LintSettings, Vec<Diagnostic>) {
        let (mut policy, mut faults) = (Policy::default(), Vec::new());
        policy.read_main(&Arc::new(Source::new("table-registry.toml", text)), &mut faults);
        (policy.lints, faults)
    }

    #[test]
    fn levels_options_and_exceptions() {
        let (lints, faults) = read(
            "[lints]
             float_money = \"warn\"
             missing-updated-at = { column = \"modified_at\" }
             missing-required-column = { level = \"deny\", columns = [] }
             [lints.allow.missing-updated-at]
             invoices = \"rows are never changed\"",
        );
        assert_eq!(codes(&faults), [""; 0]);
        let of = |name| {
            let lint = Lint::named(name).unwrap();
            (lints.level(lint), lints.option(lint))
        };
        assert_eq!(of("float-money").0, Level::Warn);
        assert_eq!(
            of("missing-updated-at"),
            (Level::Warn, vec!["modified_at".to_string()])
        );
        assert_eq!(of("missing-required-column"), (Level::Deny, vec![]));
        let exceptions: Vec<_> = lints
            .exceptions
            .iter()
            .map(|exception| (exception.subject.value.as_str(), exception.rule))
            .collect();
        assert_eq!(exceptions, [("invoices", Lint::MissingUpdatedAt)]);
    }

    #[test]
    fn every_fault_at_its_place() {
        let (_, faults) = read(
            "[lints]
             float-mony = \"warn\"
             float-money = \"denny\"
             reserved-word = true
             redundant-override = { column = \"x\" }
             missing-updated-at = { column = [\"x\"], colum = \"x\" }
             missing-required-column = { columns = \"x\" }
             float_money = \"warn\"
             [lints.allow]
             missing-revoke = \"x\"
             missing-revok = {}
             [lints.allow.float-money]
             invoices = \" \"
             orders = 1",
        );
        assert_eq!(
            places(&faults),
            [
                "unknown-lint float-mony",
                "unknown-level \"denny\"",
                "wrong-type true",
                "unknown-key column",
                "wrong-type [\"x\"]",
                "unknown-key colum",
                "wrong-type \"x\"",
                "repeated-key float_money",
                "wrong-type \"x\"",
                "unknown-lint missing-revok",
                "allow-without-reason \" \"",
                "wrong-type 1",
            ]
        );
        let (_, faults) = read("[lints]\nmissing-updated-at = { column = \"\" }");
        assert_eq!(places(&faults), ["empty-name \"\""]);
        assert_eq!(
            read("").0.option(Lint::named("missing-updated-at").unwrap()),
            ["updated_at"]
        );
    }
}
