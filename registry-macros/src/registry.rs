//! The expansion of `table_registry!`.

use std::path::PathBuf;

use proc_macro2::TokenStream;
use quote::quote;
use table_registry_engine::{self as engine, Analysis, CallSite, Compilation, Diagnostic, Fault, Invocation};

/// Runs the pipeline on the files that the invocation names. `file` is the file that the call's tokens come from, if
/// the compiler says, and `lex` is the compiler's lexer.
pub(crate) fn expand(
    file: Option<PathBuf>,
    compilation: &Compilation,
    arguments: TokenStream,
    lex: impl FnOnce(&str) -> TokenStream,
) -> (TokenStream, Vec<Diagnostic>) {
    let first_argument = arguments.clone().into_iter().next().map(|token| token.span());
    let mut faults = Vec::new();
    let invocation = Invocation::parse(arguments, &mut faults);
    let literal = invocation.directories.first().map(|path| path.span);
    // Without the compiler, in unit tests, there is no file to ask for.
    let file_of_literal = file
        .as_ref()
        .and(literal)
        .and_then(|span| span.unwrap().local_file());
    let call = compilation.call_site(file, file_of_literal, &invocation);
    let analysis = match &call {
        Some(call) => engine::run(&invocation, call),
        None => Analysis::incomplete(unknown_location(compilation)),
    };
    let tracked = call.as_ref().map_or_else(Vec::new, |call| analysis.tracked(call));
    let directories = call.map_or_else(Vec::new, |call| directories(&invocation, &call));
    let expansion = engine::expand(&analysis.registry, &tracked, &directories);
    faults.extend(analysis.faults);
    for fault in &mut faults {
        // A fault in a file is shown at an argument. If it were shown at the whole call, the compiler would add a line
        // about the macro's expansion to each error.
        fault.span = fault.span.or(first_argument);
    }
    let import = engine::import(&invocation.facade);
    let expansion = lex(&expansion);
    (quote!(#import #expansion), faults)
}

fn directories(invocation: &Invocation, call: &CallSite) -> Vec<PathBuf> {
    let written = invocation.directories.iter();
    written.flat_map(|directory| call.resolve(directory)).collect()
}

fn unknown_location(compilation: &Compilation) -> Diagnostic {
    if compilation.package.is_some() {
        let name = compilation.crate_name.as_deref().unwrap_or_default();
        return Diagnostic::new(
            Fault::UnknownLocation,
            "the compiler does not say which crate root this is",
        )
        .note(format!(
            "schema directories are relative to the crate root, and the package has no target for a crate `{name}`"
        ))
        .help("call `table_registry!` in the crate root, not in a macro");
    }
    Diagnostic::new(
        Fault::UnknownLocation,
        "the compiler does not say which file this is",
    )
    .note("schema directories are relative to the invoking file, and `CARGO_MANIFEST_DIR` is not set either")
    .help("compile with cargo, or set `CARGO_MANIFEST_DIR` to the package's directory")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use table_registry_engine::Code;

    use super::*;

    fn expansion(compilation: &Compilation) -> (String, Vec<Diagnostic>) {
        let arguments = "\"schema/\"".parse().unwrap();
        let (tokens, faults) = expand(None, compilation, arguments, |text| text.parse().unwrap());
        (tokens.to_string(), faults)
    }

    /// As under rust-analyzer, which says neither which file the call is in nor whether the target is a program.
    #[test]
    fn without_a_file_each_kind_of_target_finds_its_schema() {
        const CALL: &str = "table_registry::table_registry!(\"schema/\");";
        for (manifest, crate_name, path) in [
            ("", "app", "src/lib.rs"),
            ("", "app", "src/main.rs"),
            ("[lib]\npath = \"lib.rs\"", "app", "lib.rs"),
            ("[lib]\nname = \"other\"", "other", "src/lib.rs"),
            ("", "x_y", "src/bin/x-y.rs"),
            ("", "x", "src/bin/x/main.rs"),
            ("[[bin]]\nname = \"x\"\npath = \"tools/x.rs\"", "x", "tools/x.rs"),
            ("", "x", "examples/x.rs"),
            ("", "x", "tests/x.rs"),
            ("", "x", "tests/x/main.rs"),
            ("[[test]]\nname = \"x\"\npath = \"it/all.rs\"", "x", "it/all.rs"),
            ("", "x", "benches/x.rs"),
            ("", "build_script_build", "build.rs"),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let package = directory.path();
            let write = |path: &str, text: &str| {
                let path = package.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            };
            write("Cargo.toml", &format!("[package]\nname = \"app\"\n{manifest}"));
            write(path, CALL);
            let schema = Path::new(path).with_file_name("schema/users.rs");
            write(
                &schema.to_string_lossy(),
                "#[table_registry::table] struct Users;",
            );
            write("table-registry.toml", "");
            write("revoke.toml", "");
            let (text, faults) = expansion(&Compilation {
                package: Some(package.to_path_buf()),
                crate_name: Some(crate_name.to_string()),
                ..Compilation::default()
            });
            assert!(
                faults.is_empty() && text.contains("\"users\""),
                "{path}: {faults:?}"
            );
        }
    }

    /// As where a build system other than cargo sets the variables.
    #[test]
    fn without_file_and_target_there_is_one_fault() {
        let directory = tempfile::tempdir().unwrap();
        let (_, faults) = expansion(&Compilation {
            package: Some(directory.path().to_path_buf()),
            crate_name: Some("app".to_string()),
            ..Compilation::default()
        });
        let codes: Vec<Code> = faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, [Fault::UnknownLocation.into()]);
        assert!(faults[0].notes[0].contains("`app`"), "{:?}", faults[0].notes);
    }

    /// Everything that a struct needs is still generated, so that this fault stays the only error.
    #[test]
    fn without_file_and_package_there_is_one_fault() {
        let (text, faults) = expansion(&Compilation::default());
        let codes: Vec<Code> = faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, [Fault::UnknownLocation.into()]);
        assert!(faults[0].span.is_some());
        assert!(text.contains("TABLE_REGISTRY") && text.contains("registered_by_table_registry"));
    }
}
