use super::harness::{Home, text};

const TOML: &str = r#"
[seed]
sql = ["seed/*.sql"]

[[grants]]
to = "app"
privileges = ["SELECT"]
on = "main.default.orders"

[secrets.shop]
key = "s3cret"

[serving.echo]
task = "llm/v1/chat"
replay = "answers.jsonl"

[resources.shop-secret]
type = "secret"
"#;

const SEED: &str = "CREATE TABLE main.default.orders (id INT, item STRING); -- one; two\nINSERT INTO main.default.orders VALUES (1, 'a;b'), (2, 'it''s');\nCREATE TABLE main.default.hidden (id INT)\n";

/// What the app's own principal finds: its table, its secret, its endpoint, and nothing it was not given.
const LOOK: &str = r#"
import os
from databricks import sql
from databricks.sdk.core import Config
cfg = Config()
with sql.connect(server_hostname=cfg.host, http_path=os.environ["WAREHOUSE_PATH"], credentials_provider=lambda: cfg.authenticate) as connection:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, item FROM main.default.orders ORDER BY id")
        assert [tuple(row) for row in cursor.fetchall()] == [(1, "a;b"), (2, "it's")]
        try:
            cursor.execute("SELECT * FROM main.default.hidden")
            raise SystemExit("read what it was not given")
        except Exception as error:
            assert "SELECT" in str(error) or "PERMISSION" in str(error).upper(), error
assert os.environ["SHOP"] == "s3cret"
print("done")
"#;

#[test]
fn what_brickyard_toml_says_is_there_for_the_app() {
    let home = Home::new();
    let yaml = "command: [python, app.py]\nenv:\n- {name: WAREHOUSE, valueFrom: sql-warehouse}\n- {name: SHOP, valueFrom: shop-secret}\n";
    let files = [
        ("app.py", "import http.server"),
        ("app.yaml", yaml),
        ("brickyard.toml", TOML),
        ("seed/1.sql", SEED),
        ("answers.jsonl", ""),
        ("look.py", LOOK),
    ];
    let app = home.app("shop", &files);
    let folder = app.to_str().unwrap();
    let look = app.join("look.py");
    let command = format!("WAREHOUSE_PATH=/sql/1.0/warehouses/$WAREHOUSE python {}", look.display());
    for _ in 0..2 {
        // The second start finds the seed done: `CREATE TABLE` would fail.
        let output = home.output(&["exec", "--app", folder, "--", "sh", "-c", &command]);
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(text(&output.stdout).trim(), "done");
    }
    let rows = home.json(&["sql", "--app", folder, "SELECT count(*) AS n FROM main.default.orders"]);
    assert_eq!(rows["rows"][0][0], "2");
}

#[test]
fn a_seed_that_fails_names_its_statement() {
    let home = Home::new();
    let files = [
        ("app.py", ""),
        ("brickyard.toml", "[seed]\nsql = [\"bad.sql\"]\n"),
        ("bad.sql", "SELECT 1;\nSELEKT 2;\n"),
    ];
    let app = home.app("bad", &files);
    let output = home.output(&["env", app.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("`SELEKT 2` of `bad.sql` failed"), "{}", text(&output.stderr));
}
