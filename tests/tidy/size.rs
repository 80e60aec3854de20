//! How large things are.

use super::nothing_found;
use super::source::{files, functions, read, sources};

/// Lines of a function, from `fn` to its closing brace: what one screen shows.
const FUNCTION: usize = 70;
/// What 9 of 10 functions stay below.
const FUNCTION_AIM: usize = 40;
/// Lines of a file.
const FILE: usize = 500;
/// What 9 of 10 files stay below.
const FILE_AIM: usize = 350;

#[test]
fn functions_fit_on_a_screen() {
    let mut sizes = Vec::new();
    let mut long = Vec::new();
    for source in sources() {
        for part in [&source.code, &source.tests] {
            for function in functions(part) {
                let (lines, line, name) = (function.lines(), function.line(), function.name);
                sizes.push(lines);
                if lines > FUNCTION {
                    long.push(format!("{}:{line}: `{name}` has {lines} lines", source.path));
                }
            }
        }
    }
    nothing_found(&format!("a function has at most {FUNCTION} lines"), &long);
    nine_of_ten("functions", sizes, FUNCTION_AIM);
}

#[test]
fn files_can_be_read_in_one_go() {
    let sql = files("crates", "sql").into_iter().chain(files("migrations", "sql"));
    let rust = sources().iter().map(|source| (source.path.clone(), source.text.lines().count()));
    let sql = sql.map(|path| (path.clone(), read(&path).lines().count()));
    let (paths, sizes): (Vec<_>, Vec<_>) = rust.chain(sql).unzip();
    let long: Vec<String> = paths
        .iter()
        .zip(&sizes)
        .filter(|(_, lines)| **lines > FILE)
        .map(|(path, lines)| format!("{path} has {lines} lines"))
        .collect();
    nothing_found(&format!("a file has at most {FILE} lines"), &long);
    nine_of_ten("files", sizes, FILE_AIM);
}

/// Shows how things stand (`--nocapture`), and fails when fewer than 9 of 10 are within the aim.
fn nine_of_ten(what: &str, mut sizes: Vec<usize>, aim: usize) {
    sizes.sort_unstable();
    let all = sizes.len();
    let within = sizes.iter().filter(|lines| **lines <= aim).count();
    let (median, ninth, largest) = (sizes[all / 2], sizes[all * 9 / 10], sizes[all - 1]);
    println!(
        "{all} {what}: {within} of at most {aim} lines; \
         median {median}, 9 of 10 below {ninth}, longest {largest}"
    );
    assert!(
        within * 10 >= all * 9,
        "9 of 10 {what} have at most {aim} lines: only {within} of {all}"
    );
}
