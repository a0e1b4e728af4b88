//! Reports what production needs and the throwaway server made up for the migrations. These are not findings.

use annotate_snippets::{Level, Renderer};
use table_registry_engine::{DatabaseSettings, nearest};

use crate::database::migrations::apply::Applied;
use crate::database::migrations::extensions;
use crate::database::migrations::platform;
use crate::report::{counted, say};
use crate::text::{one_line, quoted};

/// Prints one group for each kind of thing.
pub fn say_what_production_needs(applied: &Applied, owner: &str, settings: &DatabaseSettings) {
    let groups = [
        of_superuser(applied, owner),
        memberships(applied, owner),
        made_up(applied, settings),
        passed_over(applied, settings),
    ];
    for group in groups.into_iter().flatten() {
        say!("{}\n", group.render());
    }
}

struct Group {
    level: Level<'static>,
    title: String,
    notes: Vec<String>,
    help: String,
}

impl Group {
    fn render(&self) -> String {
        let notes = self.notes.iter().map(|note| Level::NOTE.message(note));
        let group = self
            .level
            .clone()
            .primary_title(self.title.as_str())
            .elements(notes)
            .element(Level::HELP.message(self.help.as_str()));
        Renderer::styled().render(&[group])
    }
}

fn of_superuser(applied: &Applied, owner: &str) -> Option<Group> {
    let all = &applied.by_superuser;
    let notes = all.iter().map(|one| {
        let text = format!("`{}`: `{}`: {}", one.place, one.statement, one.reason);
        one_line(&text)
    });
    let verb = if all.len() == 1 { "needs" } else { "need" };
    (!all.is_empty()).then(|| Group {
        level: Level::NOTE,
        title: format!("{} {verb} a superuser", counted(all.len(), "statement")),
        notes: notes.collect(),
        help: format!(
            "`{owner}`, which runs the migrations, may not run this: in production, let a superuser run it beforehand, and put the same statement into a file of `setup`"
        ),
    })
}

fn passed_over(applied: &Applied, settings: &DatabaseSettings) -> Option<Group> {
    let platform = settings.platform?;
    let all = &applied.passed_over;
    let notes = all.iter().map(|one| {
        let effect = if platform::declares(platform, &one.name) {
            "what it has is declared here, and does nothing".to_string()
        } else {
            extensions::install(&one.name, &applied.version)
        };
        one_line(&format!("`{}` creates `{}`: {effect}", one.place, one.name))
    });
    let verb = if all.len() == 1 { "was" } else { "were" };
    (!all.is_empty()).then(|| Group {
        level: Level::NOTE,
        title: format!(
            "{} of {} {verb} passed over",
            counted(all.len(), "extension"),
            platform::name(platform)
        ),
        notes: notes.collect(),
        help: "the statements that create them were not run: what else an extension does is not checked"
            .to_string(),
    })
}

fn memberships(applied: &Applied, owner: &str) -> Option<Group> {
    let mut roles = applied.memberships.clone();
    roles.sort();
    roles.dedup();
    (!roles.is_empty()).then(|| Group {
        level: Level::NOTE,
        title: format!("`{owner}` has to be a member of {}", quoted(&roles)),
        notes: vec!["the migrations give objects to these roles, or become them".to_string()],
        help: "grant the roles to it in production, and in a file of `setup`".to_string(),
    })
}

/// A role whose name is almost that of a role in the policy file is probably a typo, in one or the other.
fn made_up(applied: &Applied, settings: &DatabaseSettings) -> Option<Group> {
    let known = || {
        let owner = settings.owner.iter().map(|owner| owner.value.as_str());
        settings.checked_roles().chain(owner)
    };
    let mut is_near = false;
    let notes = applied.made_up.iter().map(|role| {
        let near = nearest(&role.name, known());
        is_near |= near.is_some();
        let meant = near.map_or(String::new(), |near| {
            format!(", and the policy file names `{near}`: is one of them misspelt?")
        });
        let text = format!("`{}` names `{}`{meant}", role.place, role.name);
        one_line(&text)
    });
    let notes: Vec<String> = notes.collect();
    let count = notes.len();
    (count > 0).then(|| Group {
        level: if is_near { Level::WARNING } else { Level::NOTE },
        title: format!(
            "{} of the migrations {} made up",
            counted(count, "role"),
            if count == 1 { "is" } else { "are" }
        ),
        notes,
        help: "neither migrations nor `setup` create them: if production has them, create them in a file of `setup`, too"
            .to_string(),
    })
}
