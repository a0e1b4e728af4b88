//! The commands of a GitHub workflow and of the action in this repository.

use std::collections::BTreeMap;
use std::fs;

use yaml_rust2::{Yaml, YamlLoader};

use crate::harness::repository;

/// A command of a step, with its environment.
pub struct Command {
    pub line: String,
    pub environment: BTreeMap<String, String>,
}

/// The commands that a workflow runs, those of the action in this repository included. Steps that use another action
/// run no command here.
pub fn commands_of_workflow(text: &str) -> Vec<Command> {
    let workflow = load(text);
    let jobs = workflow["jobs"].as_hash().expect("a workflow has jobs");
    let steps = jobs
        .values()
        .flat_map(|job| job["steps"].as_vec().expect("a job has steps"));
    steps.flat_map(commands_of_step).collect()
}

fn commands_of_step(step: &Yaml) -> Vec<Command> {
    if step["run"].as_str().is_some() {
        return vec![command(step, &BTreeMap::new())];
    }
    let action = step["uses"].as_str().expect("a step runs or uses something");
    match action {
        "./table-registry" => commands_of_action(&strings(&step["with"])),
        other => {
            assert!(other.contains("@v"), "{other}");
            Vec::new()
        }
    }
}

fn commands_of_action(given: &BTreeMap<String, String>) -> Vec<Command> {
    let action = load(&fs::read_to_string(repository().join("action.yml")).unwrap());
    let declared = action["inputs"].as_hash().expect("the action has inputs");
    let mut inputs: BTreeMap<String, String> = declared
        .iter()
        .map(|(name, input)| (text(name), text(&input["default"])))
        .collect();
    for (name, value) in given {
        assert!(
            inputs.insert(name.clone(), value.clone()).is_some(),
            "no input {name}"
        );
    }
    let steps = action["runs"]["steps"].as_vec().expect("the action has steps");
    steps.iter().map(|step| command(step, &inputs)).collect()
}

fn command(step: &Yaml, inputs: &BTreeMap<String, String>) -> Command {
    let environment = strings(&step["env"]).into_iter().map(|(name, value)| {
        let input = value
            .strip_prefix("${{ inputs.")
            .and_then(|rest| rest.strip_suffix(" }}"));
        let value = input.map_or(value.clone(), |input| inputs[input].clone());
        (name, value)
    });
    Command {
        line: text(&step["run"]),
        environment: environment.collect(),
    }
}

fn load(text: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(text).unwrap();
    documents.pop().expect("a document")
}

fn strings(yaml: &Yaml) -> BTreeMap<String, String> {
    let entries = yaml.as_hash().into_iter().flatten();
    entries.map(|(name, value)| (text(name), text(value))).collect()
}

fn text(yaml: &Yaml) -> String {
    match yaml {
        Yaml::String(text) => text.clone(),
        Yaml::Boolean(value) => value.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The commands that a configuration of pre-commit runs, from the hooks that this repository offers.
pub fn commands_of_hooks(configuration: &str) -> Vec<Command> {
    let offered = load(&fs::read_to_string(repository().join(".pre-commit-hooks.yaml")).unwrap());
    let offered = offered.as_vec().expect("a list of hooks");
    let configuration = load(configuration);
    let repositories = configuration["repos"]
        .as_vec()
        .expect("a list of repositories")
        .iter();
    let used = repositories.flat_map(|repository| repository["hooks"].as_vec().expect("a list of hooks"));
    used.map(|hook| {
        let offer = offered.iter().find(|offer| offer["id"] == hook["id"]);
        Command {
            line: text(&offer.unwrap_or_else(|| panic!("no hook {hook:?}"))["entry"]),
            environment: BTreeMap::new(),
        }
    })
    .collect()
}
