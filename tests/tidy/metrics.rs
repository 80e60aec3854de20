//! That every metric is documented, recorded, and shown to somebody: in a rule or on a dashboard.

use std::collections::{BTreeMap, BTreeSet};

use app::telemetry::{Kind, METRICS};
use serde_json::Value;

use super::nothing_found;
use super::source::{Token, files, read, sources, starts};

const RULES: &str = "docker/prometheus/rules.yml";

/// The expressions of dashboards, with the panel that shows them.
fn dashboards() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in files("docker/grafana/dashboards", "json") {
        let board: Value =
            serde_json::from_str(&read(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        for panel in board["panels"].as_array().unwrap_or_else(|| panic!("{path}: no panels")) {
            let title = format!("{path}: {}", panel["title"].as_str().unwrap_or_default());
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expression = target["expr"].as_str().unwrap_or_default();
                found.push((title.clone(), expression.to_owned()));
            }
        }
    }
    found
}

/// The expressions of rules.
fn rules() -> Vec<(String, String)> {
    let text = read(RULES);
    // Everything that is not prose: a rule's expression may take several lines.
    let lines = text.lines().enumerate().filter(|(_, line)| {
        let line = line.trim();
        !["#", "summary:", "action:", "- name:"].iter().any(|start| line.starts_with(start))
    });
    lines.map(|(at, line)| (format!("{RULES}:{}", at + 1), line.to_owned())).collect()
}

/// Names of series in an expression: those that begin with `recoup`.
fn series(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    words.filter(|word| word.starts_with("recoup_") || word.starts_with("recoup:"))
}

/// The metric behind a series: histograms have three each.
fn metric_of(series: &str) -> Option<&'static str> {
    let found = METRICS.iter().find(|metric| match metric.kind {
        Kind::Histogram(_) => ["_bucket", "_sum", "_count"]
            .iter()
            .any(|end| series.strip_suffix(end).is_some_and(|start| start == metric.name)),
        Kind::Counter | Kind::Gauge => series == metric.name,
    });
    found.map(|metric| metric.name)
}

#[test]
fn rules_and_dashboards_show_every_metric_and_no_other() {
    let text = read(RULES);
    let recorded: BTreeSet<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).collect();
    let groups: BTreeSet<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("- name: ")).collect();
    let mut shown = BTreeSet::new();
    let mut used = BTreeSet::new();
    let mut found = Vec::new();
    let (boards, rules) = (dashboards(), rules());
    for (place, expression) in boards.iter().chain(&rules) {
        let defines = expression.trim().starts_with("- record: ");
        for name in series(expression).filter(|name| !defines && !groups.contains(name)) {
            match metric_of(name) {
                Some(metric) => _ = shown.insert(metric),
                None if recorded.contains(name) => _ = used.insert(name),
                None => found.push(format!("{place}: {name} is neither a metric nor recorded")),
            }
        }
    }
    let hidden = METRICS.iter().filter(|metric| !shown.contains(metric.name));
    found.extend(hidden.map(|metric| format!("{} is in no rule and on no dashboard", metric.name)));
    let idle = recorded.difference(&used);
    found.extend(idle.map(|name| format!("{name} is recorded and used by nothing")));
    nothing_found("every metric is shown, and what is shown exists", &found);
}

#[test]
fn panels_say_what_they_show() {
    let mut found = Vec::new();
    for path in files("docker/grafana/dashboards", "json") {
        let board: Value =
            serde_json::from_str(&read(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        for key in ["uid", "title", "description"] {
            if board[key].as_str().is_none_or(str::is_empty) {
                found.push(format!("{path}: no {key}"));
            }
        }
        let panels = board["panels"].as_array().into_iter().flatten();
        for panel in panels.filter(|panel| panel["type"] != "row") {
            if !panel["description"].as_str().is_some_and(|text| text.ends_with('.')) {
                found.push(format!("{path}: panel {} has no sentence about it", panel["title"]));
            }
            if panel["targets"].as_array().is_none_or(Vec::is_empty) {
                found.push(format!("{path}: panel {} shows nothing", panel["title"]));
            }
        }
    }
    nothing_found("a panel says what it shows", &found);
}

#[test]
fn what_is_recorded_is_documented_and_what_is_documented_is_recorded() {
    let constants = constants();
    let documented: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    let mut recorded = BTreeSet::new();
    let mut found = Vec::new();
    for source in sources() {
        for at in 0..source.code.len() {
            let Some(name) = recorded_at(&source.code[at..], &constants) else { continue };
            if !documented.contains(name.as_str()) {
                let line = source.code[at].line;
                found.push(format!(
                    "{}:{line}: {name} is not in app::telemetry::METRICS",
                    source.path
                ));
            }
            recorded.insert(name);
        }
    }
    let idle = documented.iter().filter(|name| !recorded.contains(**name));
    found.extend(idle.map(|name| format!("{name} is documented and never recorded")));
    nothing_found("app::telemetry::METRICS is the list of what is recorded", &found);
}

/// The text constants of the program by name.
fn constants() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for source in sources() {
        for (at, token) in source.code.iter().enumerate().filter(|(_, token)| token.text == "const")
        {
            let value = source.code[at..].iter().take(8).find_map(Token::string);
            let name = source.code.get(at + 1).map(|name| name.text.clone());
            if let (Some(name), Some(value)) =
                (name, value.filter(|value| value.starts_with("recoup_")))
            {
                let other =
                    found.insert(name.clone(), value.clone()).filter(|other| *other != value);
                assert_eq!(other, None, "{}:{}: {name} has two values", source.path, token.line);
            }
        }
    }
    found
}

/// The name in `counter!(name, ..)` and its like.
fn recorded_at(tokens: &[Token], constants: &BTreeMap<String, String>) -> Option<String> {
    let is_macro =
        ["counter", "gauge", "histogram"].iter().any(|name| starts(tokens, &[name, "!", "("]));
    let argument = is_macro
        .then(|| tokens[3..].iter().take_while(|token| !matches!(&*token.text, "," | ")")))?;
    let last = argument.last()?;
    last.string().or_else(|| constants.get(&last.text).cloned())
}
