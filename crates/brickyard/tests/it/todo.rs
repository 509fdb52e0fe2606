//! The to-do examples, one on each kind of Lakebase, in a browser.

use std::process::Command;

use nix::sys::signal::Signal;

use super::browser::visit;
use super::harness::{Home, Running, get, lives, sign_in, text, wait_for};

const INSTANCE: &str = "[resources.database]\ntype = \"database\"\ninstance-name = \"todo\"\n";
const BRANCH: &str =
    "[resources.postgres]\ntype = \"postgres\"\nbranch = \"projects/todo/branches/production\"\n";

/// Process ids of the servers whose data lies in this home.
fn servers(home: &Home) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = text(&line);
        line.contains("postgres\0-D") && line.contains(&*home.path().to_string_lossy())
    })
    .collect()
}

/// Sends a form of the page as a browser does and gives the page that follows.
fn send(home: &Home, url: &str, path: &str, form: &str) -> String {
    let jar = sign_in(home, url);
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--location", "--max-time", "120", "--cookie", &jar])
        .args(["--data-urlencode", form, &format!("{url}{path}")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{path}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn flask_keeps_todos_over_lost_connections_and_a_killed_brickyard() {
    let home = Home::new();
    let folder = home.example("flask-todo-lakebase", INSTANCE);
    let folder = folder.to_str().unwrap();
    let running = Running::start(&home, &[folder, "--port", "0"]);
    let add = |url: &str, title: &str, before: &str| {
        let script = format!(
            r#"
page.goto(url)
page.locator(".title", has_text="{before}").first.wait_for() if "{before}" else page.locator(".empty").wait_for()
page.get_by_label("New to-do").fill("{title}")
page.get_by_role("button", name="Add").click()
page.locator(".title", has_text="{title}").wait_for()
page.get_by_label("Finish {title}").click()
page.get_by_text("done by developer@example.com").first.wait_for()
"#
        );
        if visit(&home, url, &script) {
            return;
        }
        // Without a browser the same forms are sent by hand.
        let (_, page) = get(url, &[]);
        assert!(page.contains(if before.is_empty() { "class=\"empty\"" } else { before }), "{page}");
        let page = send(&home, url, "/todos", &format!("title={title}"));
        let made = page.split("/todos/").find(|part| part.contains(&format!("Finish {title}"))).unwrap();
        let id = made.split('/').next().unwrap();
        let page = send(&home, url, &format!("/todos/{id}/toggle"), "");
        assert!(page.contains(&format!("Reopen {title}")), "{page}");
        assert!(page.contains("done by developer@example.com"), "{page}");
    };
    add(&running.url, "buy bricks", "");
    // Every connection of the pool is lost: the next ones ask for a token of their own.
    let lose = "SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity \
                WHERE usename = current_user AND pid <> pg_backend_pid()";
    let lost = home.output(&["psql", "--app", folder, "--as", "app", "--", "-tAX", "-c", lose]);
    let (said, told) = (text(&lost.stdout), text(&lost.stderr));
    assert!(said == "t\n" || told.contains("There is no `psql`"), "{said}{told}");
    add(&running.url, "lay bricks", "buy bricks");

    // Killed, it leaves no server behind, and what was committed is there the next time.
    let before = servers(&home);
    assert!(!cfg!(target_os = "linux") || !before.is_empty(), "a server runs");
    running.told(Signal::SIGKILL);
    wait_for("the end of the server", || before.iter().all(|pid| !lives(*pid)));
    let running = Running::start(&home, &[folder, "--port", "0"]);
    let (status, page) = get(&running.url, &[]);
    assert!(status == 200 && page.contains("buy bricks") && page.contains("lay bricks"), "{status} {page}");
}

#[test]
fn streamlit_keeps_todos_on_a_branch() {
    let home = Home::new();
    let folder = home.example("streamlit-todo-lakebase", BRANCH);
    let running = Running::start(&home, &[folder.to_str().unwrap(), "--port", "0"]);
    let add = r#"
page.goto(url)
page.get_by_text("Nothing here").wait_for()
page.get_by_placeholder("What is to be done?").fill("buy bricks")
page.get_by_role("button", name="Add").click()
page.get_by_text("0 of 1 done").wait_for()
page.get_by_text("buy bricks", exact=True).first.wait_for()
"#;
    visit(&home, &running.url, add);
    let again = r#"
page.goto(url)
page.get_by_text("0 of 1 done").wait_for()
page.get_by_text("developer@example.com ·").first.wait_for()
"#;
    visit(&home, &running.url, again);
}
