//! Checks the dashboards against the conventions of Grafana's mixins and the rules of its linter.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::Value;
use todo::workspace::Workspace;

use super::dashboards::{panels, read_all, selectors};

fn path(name: &str) -> PathBuf {
    Workspace::find().unwrap().path(name)
}

fn each_dashboard(mut check: impl FnMut(&str, &Value)) {
    for (name, dashboard) in read_all(&path("helm/todo/dashboards")).unwrap() {
        check(&name, &dashboard);
    }
}

fn each_panel(mut check: impl FnMut(&str, &Value)) {
    each_dashboard(|name, dashboard| {
        assert!(panels(dashboard).count() > 3, "{name}");
        for panel in panels(dashboard) {
            check(&format!("{name}: {}", panel["title"]), panel);
        }
    });
}

#[test]
fn a_dashboard_has_a_unique_title_and_uid_and_is_not_editable() {
    let mut seen = BTreeSet::new();
    each_dashboard(|name, dashboard| {
        for key in ["uid", "title", "description"] {
            let text = dashboard[key].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{name} has no {key}");
            assert!(seen.insert(text.to_owned()), "{name}: {text} is not unique");
        }
        assert_eq!(dashboard["editable"], false, "{name}");
        assert!(dashboard["id"].is_null(), "{name}: Grafana assigns the id");
    });
}

#[test]
fn data_source_and_namespace_are_variables() {
    each_dashboard(|name, dashboard| {
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        let variable = |wanted: &str| {
            variables.iter().find(|variable| variable["name"] == wanted).unwrap_or_else(|| panic!("{name}: {wanted}"))
        };
        assert_eq!(
            (&variable("datasource")["type"], &variable("datasource")["query"]),
            (&"datasource".into(), &"prometheus".into())
        );
        assert_eq!(variable("namespace")["datasource"]["uid"], "${datasource}", "{name}");
        assert!(
            variables.iter().all(|variable| variable["label"].as_str().is_some_and(|label| !label.is_empty())),
            "{name}"
        );
    });
    each_panel(|name, panel| {
        let targets = panel["targets"].as_array().unwrap();
        for datasource in targets.iter().map(|target| &target["datasource"]).chain([&panel["datasource"]]) {
            assert_eq!(
                (&datasource["type"], &datasource["uid"]),
                (&"prometheus".into(), &"${datasource}".into()),
                "{name}"
            );
        }
    });
}

#[test]
fn a_panel_has_a_description_a_unit_and_queries() {
    each_panel(|name, panel| {
        for key in ["title", "description"] {
            assert!(panel[key].as_str().is_some_and(|text| !text.is_empty()), "{name} has no {key}");
        }
        assert!(panel["description"].as_str().unwrap().ends_with('.'), "{name}: the description is a sentence");
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap_or_default();
        assert!(!unit.is_empty(), "{name} has no unit");
        let ids: Vec<_> =
            panel["targets"].as_array().unwrap().iter().map(|target| target["refId"].as_str().unwrap()).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name}: {ids:?}");
        assert!(!ids.is_empty(), "{name} has no query");
    });
}

#[test]
fn queries_select_the_namespace_and_follow_the_scrape_interval() {
    each_panel(|name, panel| {
        for target in panel["targets"].as_array().unwrap() {
            let expr = target["expr"].as_str().unwrap();
            let found = selectors(expr);
            assert!(!found.is_empty(), "{name}: {expr}");
            for selector in found {
                assert!(selector.contains("namespace=\"$namespace\""), "{name}: {selector} selects every namespace");
            }
            for window in expr.split('[').skip(1).map(|rest| rest.split(']').next().unwrap()) {
                assert!(["$__rate_interval", "$__range"].contains(&window), "{name}: a window of {window}");
            }
            assert!(target["legendFormat"].is_string(), "{name} has no legend");
        }
    });
}

#[test]
fn panels_do_not_overlap() {
    each_dashboard(|name, dashboard| {
        let mut occupied = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            let grid = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: {}", panel["id"]);
            assert!(grid("x") + grid("w") <= 24, "{name}: {} is too wide", panel["title"]);
            for (column, line) in
                (grid("x")..grid("x") + grid("w")).flat_map(|x| (grid("y")..grid("y") + grid("h")).map(move |y| (x, y)))
            {
                assert!(occupied.insert((column, line)), "{name}: {} overlaps another panel", panel["title"]);
            }
        }
    });
}

#[test]
fn every_alert_has_a_runbook_that_exists() {
    let rules = std::fs::read_to_string(path("helm/todo/templates/monitoring/_rules.tpl")).unwrap();
    let page = std::fs::read_to_string(path("docs/operations.md")).unwrap();
    let slug = |heading: &str| {
        heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-").replace([',', '\'', '`'], "")
    };
    let anchors: BTreeSet<_> = page.lines().filter(|line| line.starts_with('#')).map(slug).collect();
    let runbooks: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("runbook_url: ")).collect();
    assert_eq!(rules.matches("- alert: ").count(), runbooks.len(), "an alert has no runbook");
    for runbook in runbooks {
        let anchor = runbook.strip_prefix("{{ $alerts.runbooks }}#").unwrap();
        assert!(anchors.contains(anchor), "docs/operations.md has no heading for #{anchor}: {anchors:?}");
    }
}
