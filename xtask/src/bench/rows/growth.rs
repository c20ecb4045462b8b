use anyhow::Result;

use crate::bench::{
    fill::{SORTS, STATUSES, first_page},
    http::Request,
    measurement::{Measurement, mean},
    section::{Line, Section, float, short, thousands},
    stage::Stage,
};

/// How the cost of a page grows with the tasks that the user has. What is measured is CPU time: a page of another size
/// of the same list must not cost more.
pub async fn run(stage: &Stage) -> Result<Section> {
    let sizes: &[usize] = if stage.quick { &[1_000, 100_000] } else { &[1_000, 10_000, 100_000, 1_000_000] };
    let statuses = if stage.quick { &STATUSES[..1] } else { &STATUSES };
    let sorts = if stage.quick { &["-created", "title"][..] } else { &SORTS };
    let backend = stage.backend().await?;
    let columns = sizes.iter().map(|&size| format!("{} tasks", thousands(float(size))));
    let mut section = Section {
        columns: ["list", "page"].map(str::to_owned).into_iter().chain(columns).chain(["growth".to_owned()]).collect(),
        ..Section::default()
    };
    let mut costs: Vec<(String, &'static str, Vec<f64>)> = Vec::new();
    for &size in sizes {
        let filled = stage.filled(&backend, size).await?;
        let mut row = 0;
        for &status in statuses {
            for &sort in sorts {
                for (page, path) in
                    [("first", first_page(status, sort)), ("middle", filled.middle(status, sort)?.to_owned())]
                {
                    let request = Request::get(&path, &[&filled.user.cookie]);
                    let rounds = stage.brief_load_twice(&backend, request).await?;
                    let cost = mean(&rounds, |round: &Measurement| round.app_cpu() + round.postgres_cpu());
                    if costs.len() == row {
                        costs.push((format!("{status}, by {sort}"), page, Vec::new()));
                    }
                    costs[row].2.push(cost);
                    row += 1;
                }
            }
        }
    }
    backend.stop().await;
    for (list, page, costs) in costs {
        let growth = costs.last().zip(costs.first()).map_or(0.0, |(last, first)| last / first);
        let cells = costs.iter().map(|&cost| thousands(cost));
        section.row([list.clone(), page.to_owned()].into_iter().chain(cells).chain([format!("{} ×", short(growth))]));
        if ["all, by -created", "all, by title", "completed, by -created"].contains(&list.as_str()) {
            let points = sizes.iter().map(|&size| float(size)).zip(costs).collect();
            section.lines.push(Line { name: format!("{list}, {page} page"), points });
        }
    }
    section.remarks.push("In µs of CPU of app and PostgreSQL per request, the mean of two rounds.".to_owned());
    Ok(section)
}
