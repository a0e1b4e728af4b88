//! Takes a source file. There is no panic, every declaration is at its name, and no struct that `syn` sees is missed.
#![no_main]

use std::collections::BTreeSet;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use syn::visit::{self, Visit};
use table_registry_engine::{Source, declarations_in_text};

fuzz_target!(|text: &str| {
    let source = Arc::new(Source::new("schema.rs", text));
    let declarations = declarations_in_text(Arc::clone(&source));
    for declaration in &declarations {
        assert_eq!(
            text[declaration.place.clone()].trim_start_matches("r#"),
            declaration.ident.trim_start_matches("r#")
        );
        for fault in &declaration.faults {
            let _ = fault.render();
        }
    }
    let Ok(file) = syn::parse_file(text) else { return };
    let mut annotated = Annotated::default();
    annotated.visit_file(&file);
    let found: BTreeSet<&str> = declarations
        .iter()
        .map(|one| one.ident.trim_start_matches("r#"))
        .collect();
    for ident in &annotated.0 {
        assert!(found.contains(ident.as_str()), "`{ident}` was missed");
    }
});

/// The structs whose only attribute is `#[table_registry::table]`, outside of function bodies.
#[derive(Default)]
struct Annotated(BTreeSet<String>);

impl<'ast> Visit<'ast> for Annotated {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.attrs.is_empty() {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let is_ours = |attribute: &syn::Attribute| {
            let path = attribute.path();
            path.leading_colon.is_none()
                && path.segments.len() == 2
                && path.segments[0].ident == "table_registry"
                && path.segments[1].ident == "table"
        };
        if item.attrs.len() == 1 && is_ours(&item.attrs[0]) {
            self.0
                .insert(item.ident.to_string().trim_start_matches("r#").to_string());
        }
    }

    fn visit_block(&mut self, _: &'ast syn::Block) {}
}
