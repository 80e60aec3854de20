//! The sources as the rules read them: flat lists of tokens with their lines, without comments.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::OnceLock;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use walkdir::WalkDir;

/// A word, a sign, a literal, or a bracket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// As it is written. `::` and other signs that belong together are one token.
    pub(crate) text: String,
    /// Its line, from 1.
    pub(crate) line: usize,
    /// Whether it is a literal: the text of a string has its quotes.
    pub(crate) is_literal: bool,
}

/// A Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Seen from the top of the workspace.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
    /// What goes into the program; nothing for a file of tests.
    pub(crate) code: Vec<Token>,
    /// What is for tests only.
    pub(crate) tests: Vec<Token>,
}

/// A function.
#[derive(Debug)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    /// From `fn` to the closing brace.
    pub(crate) tokens: &'a [Token],
}

impl Function<'_> {
    pub(crate) fn line(&self) -> usize {
        self.tokens[0].line
    }

    pub(crate) fn lines(&self) -> usize {
        self.tokens[self.tokens.len() - 1].line - self.line() + 1
    }
}

impl Token {
    /// The contents of a string literal.
    pub(crate) fn string(&self) -> Option<String> {
        let is_string = self.is_literal && self.text.ends_with(['"', '#']);
        let (start, end) = (self.text.find('"')?, self.text.rfind('"')?);
        let inner = is_string.then(|| self.text.get(start + 1..end)).flatten()?;
        if self.text.starts_with('r') {
            return Some(inner.to_owned());
        }
        // A backslash at the end of a line swallows the line break and the indentation.
        let mut lines = inner.split("\\\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let joined = lines.fold(first, |text, line| text + line.trim_start());
        Some(joined.replace("\\\"", "\"").replace("\\n", "\n"))
    }
}

/// The top of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace around us").to_owned()
}

/// A file of the workspace as text.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files below a folder of the workspace that end in `.extension`, by path.
pub(crate) fn files(below: &str, extension: &str) -> Vec<String> {
    let root = root();
    let mut found: Vec<String> = WalkDir::new(root.join(below))
        .into_iter()
        .map(|entry| entry.expect("a readable folder").into_path())
        .filter(|path| path.extension().is_some_and(|given| given == extension))
        .map(|path| path.strip_prefix(&root).unwrap_or(&path).display().to_string())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no .{extension} file in {below}");
    found
}

/// Every Rust file that somebody wrote, parsed once.
pub(crate) fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let paths = files("crates", "rs").into_iter().chain(files("tests", "rs"));
        paths.filter(|path| path != "crates/store/src/schema.rs").map(source).collect()
    })
}

fn source(path: String) -> Source {
    let text = read(&path);
    let stream = TokenStream::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    let is_test = path.starts_with("tests/")
        || path.starts_with("crates/testkit/")
        || path.contains("/tests/")
        || path.ends_with("_tests.rs");
    let (code, tests) = if is_test { (Vec::new(), tokens) } else { apart(tokens) };
    Source { path, text, code, tests }
}

fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let line = tree.span().start().line;
        let mut push = |text: String, is_literal| out.push(Token { text, line, is_literal });
        match tree {
            TokenTree::Ident(ident) => push(ident.to_string(), false),
            TokenTree::Literal(literal) => push(literal.to_string(), true),
            TokenTree::Punct(sign) if sign.as_char() == '#' => {
                let mut ahead = trees.clone();
                let inner = matches!(ahead.peek(), Some(TokenTree::Punct(p)) if p.as_char() == '!');
                if inner {
                    ahead.next();
                }
                // A comment of documentation.
                if matches!(ahead.peek(), Some(TokenTree::Group(g)) if is_doc(&g.stream())) {
                    ahead.next();
                    trees = ahead;
                    continue;
                }
                push("#".to_owned(), false);
            }
            TokenTree::Punct(sign) => {
                let mut text = sign.as_char().to_string();
                if sign.as_char() == ':' && sign.spacing() == Spacing::Joint {
                    trees.next();
                    text.push(':');
                }
                push(text, false);
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(open.to_owned(), false);
                flatten(group.stream(), out);
                let line = group.span_close().start().line;
                out.push(Token { text: close.to_owned(), line, is_literal: false });
            }
        }
    }
}

fn is_doc(attribute: &TokenStream) -> bool {
    matches!(attribute.clone().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

/// What goes into the program, and the items behind `#[cfg(test)]`.
fn apart(tokens: Vec<Token>) -> (Vec<Token>, Vec<Token>) {
    let (mut code, mut tests) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        if starts(&tokens[at..], &["#", "[", "cfg", "(", "test", ")", "]"]) {
            let end = item_end(&tokens, at + 7);
            tests.extend_from_slice(&tokens[at..end]);
            at = end;
        } else {
            code.push(tokens[at].clone());
            at += 1;
        }
    }
    (code, tests)
}

/// Whether tokens begin with these words.
pub(crate) fn starts(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| token.text == *word)
}

/// Where these words occur, as positions in the tokens.
pub(crate) fn places<'a>(
    tokens: &'a [Token],
    words: &'a [&'a str],
) -> impl Iterator<Item = usize> + 'a {
    (0..tokens.len()).filter(move |at| starts(&tokens[*at..], words))
}

/// The position after the bracket that closes the one at `open`.
pub(crate) fn closed(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "{" | "[" if !token.is_literal => depth += 1,
            ")" | "}" | "]" if !token.is_literal => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// The position after the item that begins at `start`: after its body or its semicolon.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut at = start;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            ";" => return at + 1,
            "{" => return closed(tokens, at),
            "(" | "[" => at = closed(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// The functions with a body; one inside another is in both.
pub(crate) fn functions(tokens: &[Token]) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        // `fn(` is a type.
        let Some(name) = tokens.get(at + 1).filter(|next| token.text == "fn" && next.text != "(")
        else {
            continue;
        };
        let end = item_end(tokens, at);
        if end > at && tokens[end - 1].text == "}" {
            found.push(Function { name: &name.text, tokens: &tokens[at..end] });
        }
    }
    found
}
