//! `brickyard reset lakebase` and what `brickyard.toml` says about Lakebase, through the binary.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn brickyard(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brickyard"))
        .current_dir(dir)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_reset_is_not_done_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let output = brickyard(dir.path(), &["reset", "lakebase"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("hint: say `--yes`"), "{}", stderr(&output));
    let output = brickyard(dir.path(), &["reset", "lakebase", "--yes"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "There were no databases\n");
    assert!(!dir.path().join(".brickyard").exists(), "nothing is made only to be thrown away");
}

/// Answers the question at a terminal.
const ANSWER: &str = r#"
import os, pty, sys
brickyard, folder, answer = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(folder)
    os.execv(brickyard, [brickyard, "reset", "lakebase"])
said, asked = b"", False
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break  # the end of a terminal on Linux
    if not piece:
        break
    said += piece
    if not asked and b"to go on:" in said:
        asked = True
        os.write(terminal, answer.encode() + b"\n")
_, status = os.waitpid(pid, 0)
print(asked, os.waitstatus_to_exitcode(status), said.decode())
"#;

#[test]
fn a_reset_asks_first_at_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let answer = |answer: &str| {
        let output = Command::new(clients().python())
            .args(["-c", ANSWER, env!("CARGO_BIN_EXE_brickyard")])
            .args([dir.path().to_str().unwrap(), answer])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for no in ["no", "y", ""] {
        let said = answer(no);
        assert!(said.starts_with("True 0 ") && said.contains("Nothing was deleted"), "{said}");
    }
    let said = answer("yes");
    assert!(said.starts_with("True 0 ") && said.contains("There were no databases"), "{said}");
}

fn clients() -> brickyard_testing::PythonEnvironment {
    brickyard_testing::python_environment(&["psycopg[binary]==3.3.9", "databricks-sdk==0.162.0"])
}

#[test]
fn a_url_that_names_no_server_is_refused_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("app.py"), "").unwrap();
    let settings =
        "[lakebase]\nurl = \"mysql://admin:sesame@host/\"\n[resources.database]\ntype = \"database\"\n";
    std::fs::write(dir.path().join("brickyard.toml"), settings).unwrap();
    let output = brickyard(dir.path(), &["env"]);
    assert_ne!(output.status.code(), Some(0));
    let told = stderr(&output);
    assert!(
        told.contains("`[lakebase] url` names no PostgreSQL server") && !told.contains("sesame"),
        "{told}"
    );
}

#[test]
fn a_server_by_url_that_is_not_there_is_told_by_doctor() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("app.py"), "").unwrap();
    for (url, expected) in [
        ("postgres://boss:sesame@127.0.0.1:1/", "The PostgreSQL at `127.0.0.1:1` cannot be reached"),
        ("mysql://boss:sesame@host/", "`[lakebase] url` names no PostgreSQL server"),
    ] {
        let settings = format!("[lakebase]\nurl = \"{url}\"\n");
        std::fs::write(dir.path().join("brickyard.toml"), settings).unwrap();
        let output = brickyard(dir.path(), &["doctor"]);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = told.lines().find(|line| line.contains(expected)).unwrap_or_else(|| panic!("{told}"));
        assert!(line.starts_with("FAIL") && output.status.code() == Some(1), "{told}");
        assert!(!told.contains("sesame"), "{told}");
    }
}

#[test]
fn the_usual_errors_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    let message = "psycopg.OperationalError: connection to server on socket \"/var/run/postgresql/.s.PGSQL.5432\" failed";
    let output = brickyard(dir.path(), &["doctor", "--explain", message]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("`PGHOST` is empty") && told.contains("hint:"), "{told}");
    let output = brickyard(dir.path(), &["doctor", "--explain", "something else"]);
    assert_eq!(output.status.code(), Some(2));

    let logs = dir.path().join(".brickyard/logs");
    std::fs::create_dir_all(&logs).unwrap();
    let line = r#"{"source":"APP","timestamp":1.0,"message":"permission denied for table todo"}"#;
    std::fs::write(logs.join("shop.log"), format!("{line}\n{line}\n")).unwrap();
    let output = brickyard(dir.path(), &["doctor"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(told.matches("the log of `shop` holds an error (not the owner)").count(), 1, "{told}");
    assert!(told.contains("PostgreSQL"), "{told}");
}

#[test]
fn psql_and_sql_join_a_running_workspace_as_whom_they_are_told() {
    let home = crate::harness::Home::new();
    let app = "import http.server, os\n\
               class Page(http.server.BaseHTTPRequestHandler):\n    \
                   def do_GET(self):\n        self.send_response(200)\n        self.end_headers()\n\
               http.server.HTTPServer(('', int(os.environ['DATABRICKS_APP_PORT'])), Page).serve_forever()\n";
    let settings = "[[users]]\nemail = \"dev@example.com\"\n[[users]]\nemail = \"ada@example.com\"\n\
                    [resources.database]\ntype = \"database\"\n";
    let dir = home.app("todo", &[("app.py", app), ("brickyard.toml", settings)]);
    let folder = dir.to_str().unwrap();
    let _running = crate::harness::Running::start(&home, &[folder, "--port", "0"]);
    let psql = |who: &[&str], sql: &str| {
        let mut arguments = vec!["psql", "--app", folder];
        arguments.extend(who);
        arguments.extend(["--", "-tAX", "-c", sql]);
        home.output(&arguments)
    };
    let out = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let developer = psql(&[], "CREATE ROLE \"ada@example.com\"");
    if stderr(&developer).contains("There is no `psql` on this machine") {
        return;
    }
    // Made in Postgres alone, the role is none of the workspace's.
    assert!(out(&developer).contains("CREATE ROLE"), "{}", stderr(&developer));
    let app = psql(&["--as", "app"], "SELECT current_user");
    assert_eq!(out(&app).trim().len(), 36, "{}{}", out(&app), stderr(&app));
    let ada = psql(&["--as", "ada@example.com"], "SELECT 1");
    let told = stderr(&ada);
    assert!(
        ada.status.code() == Some(2) && told.contains("role \"ada@example.com\" does not exist"),
        "{told}"
    );
    // Each is one of the errors that `doctor` explains.
    let foreign = psql(&["--as", "app"], "CREATE TABLE public.mine (id int)");
    let wrong = ["psql", "--app", folder, "--as", "app", "--", "-X", "-c", "SELECT 1", "password=sesame"];
    for (met, name) in
        [(&ada, "no role"), (&foreign, "not the owner"), (&home.output(&wrong), "no valid token")]
    {
        let explained = home.output(&["doctor", "--explain", &stderr(met)]);
        assert!(out(&explained).contains(name), "{name}: {}{}", stderr(met), stderr(&explained));
    }
    // And a server by URL is told with its version and place: here our own, by its socket.
    let sockets = out(&psql(&[], "SHOW unix_socket_directories"));
    let version = out(&psql(&[], "SHOW server_version"));
    let url = format!("postgres:///postgres?host={}&user=cloud_admin", sockets.trim());
    let told = out(&home.brickyard(&["doctor"]).env("BRICKYARD_POSTGRES", url).output().unwrap());
    let expected = format!("{} (somebody else's, at {}/", version.trim(), sockets.trim());
    assert!(told.contains(&expected), "{expected}: {told}");

    let nobody = psql(&["--as", "nobody@example.com"], "SELECT 1");
    assert!(stderr(&nobody).contains("no session as `nobody@example.com`"), "{}", stderr(&nobody));

    let sql = |who: &str| home.output(&["sql", "--app", folder, "--as", who, "SELECT current_user()"]);
    assert!(out(&sql("dev@example.com")).contains("dev@example.com"), "{}", stderr(&sql("dev@example.com")));
    // Nobody gave her a warehouse, so it is as herself that she sees none.
    let ada = stderr(&sql("ada@example.com"));
    assert!(ada.contains("has no SQL warehouse"), "{ada}");
    let nobody = stderr(&sql("nobody@example.com"));
    assert!(nobody.contains("no session as `nobody@example.com`"), "{nobody}");
}

#[test]
fn psql_opens_sessions_as_whom_it_is_told() {
    let home = crate::harness::Home::new();
    let dir = home.path().join("todo");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("app.py"), "").unwrap();
    let settings = "[[users]]\nemail = \"dev@example.com\"\n[[users]]\nemail = \"ada@example.com\"\n\
                    [resources.database]\ntype = \"database\"\n\
                    [[lakebase.seed]]\nsql = \"seed.sql\"\nrole = \"app\"\n";
    std::fs::write(dir.join("brickyard.toml"), settings).unwrap();
    std::fs::write(dir.join("seed.sql"), "CREATE SCHEMA app; CREATE TABLE app.todo AS SELECT 7 AS id;")
        .unwrap();
    let psql = |who: &[&str], sql: &str| {
        let mut arguments = vec!["psql", "--app", dir.to_str().unwrap()];
        arguments.extend(who);
        arguments.extend(["--", "-tAX", "-c", sql]);
        home.output(&arguments)
    };
    let output = psql(&[], "SELECT current_user || ' ' || (SELECT id FROM app.todo)");
    if stderr(&output).contains("There is no `psql` on this machine") {
        return assert!(stderr(&output).contains("hint: install"));
    }
    // The developer owns the instance, and reads everything as `databricks_superuser`.
    assert_eq!(String::from_utf8_lossy(&output.stdout), "dev@example.com 7\n", "{}", stderr(&output));
    let output = psql(&["--as", "app"], "SELECT current_user || ' ' || count(*) FROM app.todo");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.len() == 39 && told.ends_with(" 1\n"), "{told}{}", stderr(&output));
    // A user has no role before somebody makes one, as on the platform.
    let output = psql(&["--as", "ada@example.com"], "SELECT 1");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("role \"ada@example.com\" does not exist"), "{}", stderr(&output));
}

/// A shell's usual limit of open files is 1,024, or 256 on macOS; every session takes two of ours.
#[test]
fn more_sessions_than_a_shell_allows_files_are_served() {
    let home = crate::harness::Home::new();
    let settings = "[resources.database]\ntype = \"database\"\n";
    let dir = home.app("todo", &[("app.py", ""), ("brickyard.toml", settings)]);
    let python =
        brickyard_testing::python_environment(&["psycopg[binary]==3.3.9", "databricks-sdk==0.162.0"]);
    let script = "
import psycopg
from databricks.sdk import WorkspaceClient
token = WorkspaceClient().config.oauth_token().access_token
sessions = [psycopg.connect(password=token) for _ in range(150)]
print(sum(session.execute('SELECT 1').fetchone()[0] for session in sessions))
";
    let mut command = Command::new("bash");
    let limited = "ulimit -S -n 200; exec \"$@\"";
    command.args(["-c", limited, "bash"]);
    let plain = home.brickyard(&["exec", "--app", dir.to_str().unwrap(), "--"]);
    command.arg(plain.get_program()).args(plain.get_args()).arg(python.python()).args(["-c", script]);
    command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.current_dir(home.path()).stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "150", "{}", stderr(&output));
}

/// pgJDBC, pgx and pgbench, each where the machine has its tools.
#[test]
fn drivers_of_other_languages_connect_unmodified() {
    let home = crate::harness::Home::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../acceptance/lakebase/run");
    // Maven and Go keep what they fetch where they always do.
    let output = Command::new(script)
        .arg(env!("CARGO_BIN_EXE_brickyard"))
        .env("XDG_STATE_HOME", home.path().join("xdg-state"))
        .env("BRICKYARD_CACHE_DIR", crate::harness::CACHE)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", stderr(&output));
    for driver in ["pgbench", "jdbc", "pgx"] {
        let (done, passed_over) = (format!("{driver} ok"), format!("{driver}: passed over"));
        assert!(told.contains(&done) || told.contains(&passed_over), "{told}{}", stderr(&output));
    }
}

/// PostgreSQL 14 to 18, where npm brings them, and data of one version while another comes first.
#[test]
fn every_version_of_postgres_is_served() {
    let home = crate::harness::Home::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../acceptance/lakebase/versions");
    let output = Command::new(script)
        .arg(env!("CARGO_BIN_EXE_brickyard"))
        .env("XDG_STATE_HOME", home.path().join("xdg-state"))
        .env("BRICKYARD_CACHE_DIR", crate::harness::CACHE)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", stderr(&output));
    let whole = [14, 15, 16, 17, 18].iter().all(|major| told.contains(&format!("{major} ok")))
        && told.contains("data of another version ok");
    assert!(whole || told.contains("versions: passed over"), "{told}");
}
