//! Every kind of new app passes the check without a single finding.

use brickyard_project::check::{self, Options, render};
use brickyard_project::new::{Auth, Data, Deploy, Request, Template, create};
use brickyard_project::{Project, resources};

fn requests() -> Vec<Request> {
    let mut sets: Vec<Vec<Data>> = Data::ALL.iter().map(|data| vec![*data]).collect();
    sets.push(Data::ALL.to_vec());
    sets.push(vec![Data::Warehouse, Data::Lakebase]);
    let mut all = Vec::new();
    for template in Template::ALL {
        for data in &sets {
            for auth in Auth::ALL {
                for deploy in Deploy::ALL {
                    all.push(Request {
                        name: "demo-app".to_owned(),
                        template: *template,
                        data: data.clone(),
                        auth: *auth,
                        deploy: *deploy,
                        mock: all.len() % 2 == 1,
                    });
                }
            }
        }
    }
    all
}

#[test]
fn every_combination_is_clean_and_loads() {
    let dir = tempfile::tempdir().unwrap();
    for (index, request) in requests().iter().enumerate() {
        let target = dir.path().join(index.to_string());
        create(&target, request).unwrap();
        let report =
            check::check(&target, &Options { threads: 1, checklist: true, ..Options::default() }).unwrap();
        let shown = render::render(&report.findings, render::Format::Full, &target);
        assert!(report.findings.is_empty(), "{request:?}\n{shown}");
        for step in &report.apps[0].checklist {
            let optional = step.name == "Resources" && request.data == [Data::Sdk];
            let lakebase_user = step.name == "Authorization" && request.data == [Data::Lakebase];
            assert!(step.done || optional || lakebase_user, "{request:?}: {step:?}");
        }
        let project = Project::load(&target).unwrap();
        assert_eq!(project.name, "demo-app");
        assert_eq!(project.framework.unwrap().name(), request.template.name());
        let found = resources::resolve(&project);
        assert!(resources::unresolved(&project, &found).is_empty());
        for (name, text) in brickyard_project::new::files(request) {
            assert!(
                !text.contains("%%") && !text.contains("{{"),
                "{request:?} {name}: a mark was left in\n{text}"
            );
            assert!(!text.lines().any(|line| line.ends_with(' ')), "{name}: blanks at the end of a line");
        }
    }
}
