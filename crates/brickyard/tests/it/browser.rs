use std::path::Path;
use std::process::Command;

use brickyard_testing::python_environment;

use super::harness::{Home, Running, text};

pub(crate) const CHROMIUM: &str = "/usr/bin/chromium";

const PEOPLE: &str = r#"
[[users]]
email = "dora@example.com"
name = "Dora Developer"

[[users]]
email = "uma@example.com"
name = "Uma User"
"#;

/// What every visit begins with: `page`, with time for a slow machine, and `url`.
const OPEN: &str = r#"
import re, sys
from playwright.sync_api import sync_playwright

url, chromium = sys.argv[1:]
quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
playwright = sync_playwright().start()
browser = playwright.chromium.launch(executable_path=chromium, args=quiet)
page = browser.new_page()
page.set_default_timeout(180_000)
"#;

/// Signs in at the workspace, reads figures that came out of SQL, and comes back as somebody else.
const CHANGE_USERS: &str = r#"
def sign_in(user):
    assert "/oidc/v1/authorize" in page.url, page.url
    page.check(f"input[name=user][value='{user}']", force=True)
    page.click("button[value=allow]")
    page.wait_for_url(url + "/**")

def figures(user):
    page.get_by_text(user).first.wait_for()
    trips = page.locator("[data-testid=stMetricValue]").first
    trips.wait_for()
    number = int(re.sub(r"\D", "", trips.inner_text()))
    assert number > 10_000, number
    return number

page.goto(url + "/")
sign_in("dora@example.com")
first = figures("dora@example.com")
page.goto(url + "/.auth/sign-in?to=/")
sign_in("uma@example.com")
assert figures("uma@example.com") == first
"#;

/// Opens the address in a headless Chromium and does what the script says with `page`; nothing, and `false`, where a
/// developer's machine has none.
pub(crate) fn visit(home: &Home, url: &str, script: &str) -> bool {
    if !Path::new(CHROMIUM).exists() {
        assert!(std::env::var_os("CI").is_none(), "CI brings Chromium");
        return false; // a developer's machine may have no Chromium: CI tells
    }
    let environment = python_environment(&["playwright==1.65.2"]);
    let script = format!("{OPEN}{script}\nbrowser.close()\nplaywright.stop()\n");
    let output = Command::new(environment.python())
        .args(["-c", &script, url, CHROMIUM])
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    true
}

#[test]
fn a_browser_signs_in_sees_figures_and_changes_the_user() {
    let home = Home::new();
    let app = home.example("streamlit-taxi", &(PEOPLE.to_owned() + "[app]\nuser-api-scopes = [\"sql\"]\n"));
    let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0", "--as", "none"]);
    visit(&home, &running.url, CHANGE_USERS);
}
