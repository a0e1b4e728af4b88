mod schema;

fn main() {}
