//! Takes the arguments of `#[table(…)]` and other attributes of a struct. There is no panic, and every fault can be
//! rendered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proc_macro2::TokenStream;
use quote::format_ident;
use syn::parse::Parser;
use table_registry_engine::{declare, flatten, outer_attributes};

fuzz_target!(|text: &str| {
    // The first line is the arguments, the rest the other attributes.
    let (arguments, attributes) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(tokens) = arguments.parse::<TokenStream>() else {
        return;
    };
    let neighbours = flatten(outer_attributes.parse_str(attributes).unwrap_or_default());
    let metas: Vec<_> = neighbours.iter().map(|one| &one.meta).collect();
    let declared = declare(tokens, &metas, &format_ident!("Users"));
    for fault in &declared.faults {
        let _ = fault.render();
    }
    assert!(!declared.faults.is_empty() || !declared.name.table.is_empty());
});
