use crate::harness::{ADA, TODAY, environment, start};

/// Functions in Python are called with constants from SQL, within functions of SQL and over MCP, get and give values of
/// every type, and reach neither the network, nor credentials, nor files, nor more memory than they may.
#[tokio::test(flavor = "multi_thread")]
async fn python_runs_confined() {
    let running = start().await;
    let id = running.handle.starter_warehouse_id();
    running.handle.grant_object(ADA, "warehouses", &id, "CAN_USE").unwrap();
    let mut variables = running.people_environment();
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), id));
    let hidden = running.directory.path().join("hidden.txt");
    std::fs::write(&hidden, "a secret of this machine").unwrap();
    variables.push(("HIDDEN".to_owned(), hidden.display().to_string()));
    let script = r#"
import os
from databricks.sdk import WorkspaceClient
w = WorkspaceClient()
ada = WorkspaceClient(token=os.environ["ADA_TOKEN"])
def call(text, client=w):
    done = client.statement_execution.execute_statement(text, os.environ["DATABRICKS_WAREHOUSE_ID"], wait_timeout="50s")
    if done.status.state.value == "SUCCEEDED":
        return done.result.data_array if done.result else None
    return done.status.error.message.split(" SQLSTATE")[0].replace(os.environ["HIDDEN"], "HIDDEN")
def make(name, parameters, returns, body):
    answer = call(f"CREATE OR REPLACE FUNCTION main.default.{name}({parameters}) RETURNS {returns} LANGUAGE PYTHON AS $$\n{body}\n$$")
    if isinstance(answer, str):
        print(answer)
f = lambda expression, client=w: call(f"SELECT main.default.{expression}", client)
make("thrice", "x INT", "INT", "  y = x * 3\n  return y")
print(f("thrice(14)"), f("thrice(main.default.thrice(2) + 1)"), f("thrice(NULL)"))
print(call("SELECT id + main.default.thrice(1) FROM range(2) WHERE id < main.default.thrice(9)"))
print(call("CREATE FUNCTION main.default.six(x INT) RETURNS INT RETURN main.default.thrice(x) * 2"), f("six(7)"), f("thrice(x => 2)"))
print(f("thrice(CAST(id AS INT)) FROM range(2)")[:96])
make("kinds", "a ARRAY<INT>, m MAP<STRING, INT>, s STRUCT<n: INT>, d DATE, t TIMESTAMP, c DECIMAL(10,2), b BINARY, f DOUBLE, o BOOLEAN", "STRING",
    "return ' '.join(type(v).__name__ for v in (a, m, s, d, t, c, b, f, o)) + f' {a} {m} {s} {d} {c} {b} {f} {o}'")
print(f("kinds(array(1, 2), map('k', 1), named_struct('n', 3), DATE'2026-01-02', TIMESTAMP'2026-01-02 03:04:05', 1.50, X'00ff', 1.5D, true)")[0][0])
make("back", "n INT", "STRUCT<a: ARRAY<INT>, m: MAP<STRING, DOUBLE>, d: DATE, b: BINARY>",
    "import datetime\nreturn {'a': [n, None], 'm': {'k': 0.5}, 'd': datetime.date(2026, 1, 2), 'b': b'\\x00\\xff'}")
print(call("SELECT v.a[0], v.a[1], v.m['k'], v.d, hex(v.b) FROM (SELECT main.default.back(4) AS v)"))
make("wrong", "n INT", "INT", "return 'text'")
make("raises", "n INT", "INT", "raise ValueError('on purpose')")
make("broken", "n INT", "INT", "return return")
make("ends", "n INT", "INT", "import os\nos._exit(3)")
make("eats", "n INT", "INT", "return len(bytearray(8 << 30))")
for name in ("wrong", "raises", "broken", "ends", "eats"):
    print(f(name + "(1)"))
print(f("thrice(1)"))
make("opens", "path STRING", "STRING", "return open(path).read()")
make("lists", "path STRING", "STRING", "import os\nreturn str(os.listdir(path))")
make("dials", "port INT", "STRING", "import socket\nsocket.create_connection(('127.0.0.1', port), 5)\nreturn 'reached'")
make("knows", "n INT", "STRING", "import os\nreturn ' '.join(sorted(os.environ))")
make("writes", "n INT", "STRING", "import os\nopen('kept', 'w').write('x')\nreturn open('kept').read() + str(len(os.listdir('.')))")
from urllib.parse import urlparse
port = urlparse(os.environ["DATABRICKS_HOST"]).port or 443
proxy = urlparse(os.environ.get("HTTPS_PROXY", "")).port or port
for expression in (f"opens('{os.environ['HIDDEN']}')", "opens('/proc/self/environ')", "lists('/')"):
    print(f(expression).split(" failed: ")[1].split(":")[0])
print(" failed: " in f(f"dials({proxy})"))
print(f("knows(1)"), f("writes(1)"))
print(f("thrice(1)", ada)[:40])
for kind, name, privilege in [("CATALOG", "main", "USE CATALOG"), ("SCHEMA", "main.default", "USE SCHEMA"), ("FUNCTION", "main.default.thrice", "EXECUTE")]:
    call(f"GRANT {privilege} ON {kind} {name} TO `ada@example.com`")
print(f("thrice(1)", ada), f("raises(1)", ada)[:40])
tool = w.api_client.do("POST", "/api/2.0/mcp/functions/main/default", body={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "main__default__thrice", "arguments": {"x": 5}}})
print(tool["result"]["content"][0]["text"])
make("thrice", "x INT", "INT", "return x * 30")
print(f("thrice(1)"), w.functions.get("main.default.thrice").external_language)
print(call("CREATE FUNCTION main.default.t() RETURNS TABLE (x INT) LANGUAGE PYTHON HANDLER 'C' AS $$class C: pass$$")[:60])
print(call("CREATE OR REPLACE FUNCTION main.default.packed() RETURNS STRING LANGUAGE PYTHON ENVIRONMENT (dependencies = '[\"iniconfig==2.0.0\"]', environment_version = 'None') AS $$\nimport iniconfig\nreturn iniconfig.__name__\n$$"), f("packed()"))
print(call("CREATE OR REPLACE FUNCTION main.default.p() RETURNS STRING LANGUAGE PYTHON ENVIRONMENT (dependencies = '[\"-r /etc/passwd\"]') AS $$return ''$$")[:80])
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected = EXPECTED;
    assert_eq!(printed, expected);
}

const EXPECTED: &str = r#"[['42']] [['21']] [UDF_USER_CODE_ERROR.GENERIC] The function main.default.thrice failed: TypeError: unsupported operand type(s) for *: 'NoneType' and 'int'
[['3'], ['4']]
[] [['42']] [['6']]
[UNSUPPORTED_FEATURE] The local warehouse does not support the function `main`.`default`.`thrice
list dict dict date datetime Decimal bytes float bool [1, 2] {'k': 1} {'n': 3} 2026-01-02 1.5 b'\x00\xff' 1.5 True
[['4', None, '0.5', '2026-01-02', '00FF']]
[UDF_USER_CODE_ERROR.GENERIC] The function main.default.wrong failed: TypeError: the function returned str, not the declared type
[UDF_USER_CODE_ERROR.GENERIC] The function main.default.raises failed: ValueError: on purpose
[UDF_USER_CODE_ERROR.GENERIC] The function main.default.broken failed: File "<unknown>", line 2
    return return
           ^^^^^^
SyntaxError: invalid syntax
[UDF_USER_CODE_ERROR.GENERIC] The process of the function main.default.ends ended, or answered more than 16777216 bytes
[UDF_USER_CODE_ERROR.GENERIC] The function main.default.eats failed: MemoryError
[['3']]
PermissionError
PermissionError
PermissionError
True
[['HOME LANG OPENBLAS_NUM_THREADS PATH TMPDIR TZ']] [['x1']]
[INSUFFICIENT_PERMISSIONS] Insufficient 
[['3']] [INSUFFICIENT_PERMISSIONS] Insufficient 
{"is_truncated":false,"columns":["output"],"rows":[[15]]}
[['30']] PYTHON
[UNSUPPORTED_FEATURE] The local warehouse does not support f
[] [['iniconfig']]
[UNSUPPORTED_FEATURE] The local warehouse does not support the dependency '-r /e
"#;
