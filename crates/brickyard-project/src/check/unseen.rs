use std::fmt::Write;

/// One way an app fails on the platform that no file of it shows.
pub struct Unseen {
    /// What is seen.
    pub symptom: &'static str,
    /// Why files do not show it.
    pub why: &'static str,
    /// What does.
    pub shown_by: &'static str,
}

/// The failures [`super::check`] cannot find, for the page of rules.
pub const UNSEEN: [Unseen; 11] = [
    Unseen {
        symptom: "After a deployment the old code runs",
        why: "stale files lie in the workspace's folder, not here",
        shown_by: "`brickyard deploy`, which compares every file and looks whose process answers",
    },
    Unseen {
        symptom: "Scopes or resources are gone after an update",
        why: "another tool replaced the lists of the app in the workspace",
        shown_by: "`brickyard deploy --dry-run`, which compares the app with its files",
    },
    Unseen {
        symptom: "`PERMISSION_DENIED` at run time",
        why: "grants on catalogs and schemas are kept in the workspace; a resource does not give them",
        shown_by: "`brickyard run` with `brickyard explain-denied`; after a deployment the look at each resource",
    },
    Unseen {
        symptom: "`role … does not exist` in Lakebase",
        why: "the role of the app is made when the resource is added, so it depends on the order of what was done",
        shown_by: "`brickyard doctor --explain`, and `brickyard psql --as app`",
    },
    Unseen {
        symptom: "A health probe from outside is answered 401",
        why: "every address of an app asks for a sign-in, whatever the app does; who probes is not in its files",
        shown_by: "`brickyard run`, whose front door asks for the same",
    },
    Unseen {
        symptom: "The address answers 404 after the app was made anew",
        why: "a new app has a new address and a new service principal; old ones are written in other places",
        shown_by: "`brickyard get NAME`",
    },
    Unseen {
        symptom: "`Cannot delete … state DELETING`, or 409 when it is made again",
        why: "the state of the app in the workspace",
        shown_by: "`brickyard get NAME`",
    },
    Unseen {
        symptom: "`active deployment in progress`",
        why: "another deployment is on its way in the workspace",
        shown_by: "`brickyard deploy`, which waits for the one that came first",
    },
    Unseen {
        symptom: "A bundle and an app made by hand are in each other's way",
        why: "whether an app of the name is there already, and who made it, is known to the workspace",
        shown_by: "`brickyard deploy --dry-run`; `databricks bundle deployment bind` joins them",
    },
    Unseen {
        symptom: "Logs are refused with a personal access token",
        why: "how the developer signs in stands in the profile, not in the app",
        shown_by: "`brickyard logs`; sign in with `brickyard login`",
    },
    Unseen {
        symptom: "A command of the official command line is not known",
        why: "an old one of the name, from pip, stands first on the developer's `PATH`",
        shown_by: "`databricks --version`",
    },
];

/// The section of the page of rules.
pub(super) fn section() -> String {
    let mut text = String::from(
        "\n## What files do not show\n\nThese failures are as common and have no rule, because nothing in the app's files tells them.\n\n\
         | what is seen | why no file shows it | what does |\n| --- | --- | --- |\n",
    );
    for Unseen { symptom, why, shown_by } in &UNSEEN {
        let _ = writeln!(text, "| {symptom} | {why} | {shown_by} |");
    }
    text
}
