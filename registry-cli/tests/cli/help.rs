//! `--help` of every command, and the table of the guide that repeats it.

use std::fs;

use crate::harness::{Crate, Report, program, repository};

fn help(arguments: &[&str]) -> String {
    let report = Report::new(program().args(arguments).output().unwrap());
    assert_eq!((report.code, report.stderr.as_str()), (0, ""));
    report.stdout
}

#[test]
fn help_of_the_program() {
    snapbox::assert_data_eq!(help(&["--help"]), snapbox::file!["help/program.txt"].raw());
}

#[test]
fn help_of_each_command() {
    for (command, _) in commands() {
        let file = snapbox::utils::current_dir!().join(format!("help/{command}.txt"));
        let expected = snapbox::Data::read_from(&file, None).raw();
        snapbox::Assert::new()
            .action_env("SNAPSHOTS")
            .eq(help(&[&command, "--help"]), expected);
    }
}

/// The lines of the section `Commands:`, as name and text.
fn commands() -> Vec<(String, String)> {
    let help = help(&["-h"]);
    let section = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = section.take_while(|line| !line.is_empty());
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in lines {
        match (
            line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')),
            commands.last_mut(),
        ) {
            (Some(first), _) => {
                let (name, text) = first.split_once(' ').unwrap();
                commands.push((name.to_string(), text.trim().to_string()));
            }
            // A long line is continued on the next line.
            (None, Some((_, text))) => *text = format!("{text} {}", line.trim()),
            (None, None) => panic!("{line}"),
        }
    }
    commands.retain(|(name, _)| name != "help");
    commands
}

#[test]
fn the_guide_has_the_same_commands() {
    let page = fs::read_to_string(repository().join("docs/src/command-line.md")).unwrap();
    let section = page
        .split("<!-- reference: commands -->")
        .nth(1)
        .expect("a section about the commands");
    let below_heading = section
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1);
    let rows = below_heading.take_while(|line| line.starts_with('|'));
    let listed: Vec<(String, String)> = rows
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let name = cells[0].trim_matches('`').split(' ').next().unwrap();
            (name.to_string(), cells[1].to_string())
        })
        .collect();
    assert!(!listed.is_empty());
    assert_eq!(listed, commands());
}

/// The options in the guide exist in the program.
#[test]
fn the_guide_has_the_same_options() {
    let page = fs::read_to_string(repository().join("docs/src/command-line.md")).unwrap();
    let section = page.split("<!-- reference: commands -->").nth(1).unwrap();
    let rows = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .take(commands().len());
    for row in rows {
        let usage = row.split(" | ").next().unwrap();
        let command = usage.trim_start_matches("| `").split([' ', '`']).next().unwrap();
        let help = help(&[command, "--help"]);
        for word in usage
            .split([' ', '[', ']', '`', ','])
            .filter(|word| word.starts_with("--"))
        {
            assert!(
                help.contains(&format!("{word}\n")) || help.contains(&format!("{word} <")),
                "{command}: {word}"
            );
        }
    }
}

#[test]
fn explain_prints_the_section_of_a_code() {
    let krate = Crate::empty();
    let report = krate.run(&["explain", "float_money"]);
    assert_eq!((report.code, report.stderr.as_str()), (0, ""));
    assert!(
        report
            .stdout
            .starts_with("# float-money\n\nA column that holds money"),
        "{}",
        report.stdout
    );
    assert!(report.stdout.ends_with(".\n") && !report.stdout.contains("\n# invalid-argument"));
    let list = krate.run(&["explain"]);
    let first = "absolute-path                A path in `table_registry!` is absolute.\n";
    assert!(
        list.code == 0 && list.stdout.starts_with(first),
        "{}",
        list.stdout
    );
    assert!(
        krate
            .run(&["explain", "money"])
            .stderr
            .contains("did you mean `float-money`?")
    );
}

#[test]
fn completions_are_scripts_of_the_shell() {
    let krate = Crate::empty();
    for (shell, text) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef"),
        ("fish", "complete -c"),
    ] {
        let report = krate.run(&["completions", shell]);
        assert!(report.code == 0 && report.stdout.contains(text), "{shell}");
        assert!(report.stdout.contains("cargo-table-registry"), "{shell}");
    }
}

#[test]
fn cargo_runs_the_program_as_a_subcommand() {
    let krate = Crate::shop();
    let cargo = krate.run(&["table-registry", "list"]);
    assert_eq!((cargo.code, cargo.stdout), (0, krate.run(&["list"]).stdout));
}
