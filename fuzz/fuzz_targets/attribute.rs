//! The arguments of `#[table(…)]` and the attributes beside it: no panic, and faults that can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proc_macro2::TokenStream;
use quote::format_ident;
use syn::parse::Parser;
use table_registry_engine::{declare, flatten, outer_attributes};

fuzz_target!(|text: &str| {
    // The arguments, and behind a line break other attributes of the struct.
    let (arguments, neighbours) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(arguments) = arguments.parse::<TokenStream>() else {
        return;
    };
    let neighbours = outer_attributes.parse_str(neighbours).unwrap_or_default();
    let flat = flatten(neighbours);
    let metas: Vec<_> = flat.iter().map(|one| &one.meta).collect();
    let declared = declare(arguments, &metas, &format_ident!("Users"));
    for fault in &declared.faults {
        let _ = fault.render();
    }
    assert!(!declared.faults.is_empty() || !declared.name.table.is_empty());
});
