//! The parts of a text that can be run.

/// A section with fenced blocks: the example, the fix, or the exception instead of a fix.
pub struct Part<'t> {
    pub title: &'t str,
    pub blocks: Vec<Block<'t>>,
}

pub struct Block<'t> {
    /// What stands behind the opening fence.
    pub language: &'t str,
    /// What the comment in its first line says; nothing of a command.
    pub path: &'t str,
    pub content: &'t str,
}

impl Block<'_> {
    /// Whether the block is more than words: `text` and everything with `,ignore` are words.
    pub fn runs(&self) -> bool {
        ["rust", "toml", "sql", "sh"].contains(&self.language)
    }
}

impl Part<'_> {
    pub fn is_prose(&self) -> bool {
        !self.blocks.iter().any(Block::runs)
    }
}

/// The sections of a text, in their order.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let sections = text.split("\n## ").skip(1);
    sections.map(part).collect()
}

/// The section with this title.
pub fn find<'t>(text: &'t str, title: &str) -> Option<Part<'t>> {
    parts(text).into_iter().find(|part| part.title == title)
}

fn part(section: &str) -> Part<'_> {
    let (title, text) = section.split_once('\n').unwrap();
    let fenced = text.split("```").skip(1).step_by(2);
    let blocks: Vec<Block<'_>> = fenced.filter(|fenced| fenced.contains('\n')).map(block).collect();
    Part { title, blocks }
}

fn block(fenced: &str) -> Block<'_> {
    let (language, content) = fenced.split_once('\n').unwrap();
    let first = content.lines().next().unwrap_or_default();
    let markers = ["// ", "# ", "-- "];
    let path = markers.iter().find_map(|marker| first.strip_prefix(marker));
    Block {
        language,
        path: path.unwrap_or_default(),
        content,
    }
}
