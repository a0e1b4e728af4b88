use table_registry::table;

/// A doc comment above.
#[derive(Debug)]
#[table(
    kind = evidence, // over several lines
    name = "wrapped"
)]
#[allow(dead_code)]
pub struct Below {
    id: u64,
}

#[table(kind = "control")]
/// A doc comment below.
#[derive(Debug)]
pub struct Above;

#[cfg_attr(all(), table(kind = link))]
pub struct InCfgAttr;

#[cfg_attr(any(), table(kind = link))]
pub struct InCfgAttrThatIsOff;

#[cfg_attr(all(), derive(Debug), allow(dead_code), table_registry::table(kind = projection))]
#[rustfmt::skip]
pub struct AmongOthers;

#[rustfmt::skip]
# [ table_registry :: table ( schema = "audit" , name = "events" ) ]
pub struct Events;
