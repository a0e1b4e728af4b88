{{#each tables}}
pub struct {{name}} {
    {{fields}}
{{/each}} "unterminated
