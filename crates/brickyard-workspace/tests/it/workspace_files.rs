use crate::harness::{TODAY, environment, start};

/// The SDK's own file interface, notebooks included.
const SDK: &str = r##"
import io
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service.workspace import ImportFormat, Language, ObjectType

w = WorkspaceClient()
me = w.current_user.me().user_name
home = f"/Users/{me}/app"
# Nobody makes their own home.
assert list(w.workspace.list(f"/Users/{me}")) == []
w.workspace.upload(f"/Users/{me}/first.txt", b"1", format=ImportFormat.AUTO)
w.workspace.delete(f"/Users/{me}/first.txt")
w.workspace.mkdirs(f"{home}/pages")
w.workspace.upload(f"{home}/app.py", b"print(1)", format=ImportFormat.AUTO)
try:
    w.workspace.upload(f"{home}/app.py", b"print(2)", format=ImportFormat.AUTO); raise SystemExit("overwritten")
except ResourceAlreadyExists as error:
    assert "already exists" in str(error)
w.workspace.upload(f"{home}/app.py", b"print(3)", format=ImportFormat.RAW, overwrite=True)
assert w.workspace.download(f"{home}/app.py").read() == b"print(3)"
w.workspace.upload(f"{home}/pages/data.bin", bytes(range(256)) * 4096, format=ImportFormat.AUTO)
assert w.workspace.download(f"/Workspace{home}/pages/data.bin").read() == bytes(range(256)) * 4096
# A large file comes over a small one that has only just come, and a small one over that.
for content in (b"small", bytes(300_000), b"again"):
    w.workspace.upload(f"{home}/pages/grown.bin", content, format=ImportFormat.AUTO, overwrite=True)
assert w.workspace.download(f"{home}/pages/grown.bin").read() == b"again"
for content in (b"small", bytes(300_000)):
    w.workspace.upload(f"{home}/pages/grown.bin", content, format=ImportFormat.AUTO, overwrite=True)
assert w.workspace.download(f"{home}/pages/grown.bin").read() == bytes(300_000)
w.workspace.delete(f"{home}/pages/grown.bin")

# The trap of the platform: a notebook has no file of its name.
w.workspace.upload(f"{home}/note.py", b"# Databricks notebook source\nprint(1)", format=ImportFormat.AUTO)
w.workspace.upload(f"{home}/plain.py", b"print(1)", language=Language.PYTHON, format=ImportFormat.SOURCE)
found = {o.path: o.object_type for o in w.workspace.list(home)}
assert found == {
    f"{home}/app.py": ObjectType.FILE, f"{home}/note": ObjectType.NOTEBOOK, f"{home}/pages": ObjectType.DIRECTORY,
    f"{home}/plain": ObjectType.NOTEBOOK,
}, found
assert w.workspace.get_status(f"{home}/note").language == Language.PYTHON
assert len(list(w.workspace.list(home, recursive=True))) == 4

try:
    w.workspace.delete(home); raise SystemExit("a full folder was deleted")
except BadRequest as error:
    assert "not empty" in str(error)
w.workspace.delete(home, recursive=True)
for missing in (lambda: w.workspace.get_status(home), lambda: w.workspace.download(f"{home}/app.py"), lambda: w.workspace.delete(home)):
    try:
        missing(); raise SystemExit("found what was deleted")
    except NotFound as error:
        assert "doesn't exist" in str(error)
for path in ("/Users/developer@example.com/x", "/x"):
    try:
        w.workspace.mkdirs(path); raise SystemExit("wrote elsewhere")
    except PermissionDenied:
        pass
for path in ("relative", f"{home}/../../x"):
    try:
        w.workspace.mkdirs(path); raise SystemExit("a path that is none")
    except BadRequest:
        pass
print("done")
"##;

/// Requests as the official command line makes them: raw bytes, escaped paths, parents by hand.
const CLI: &str = r##"
import os, requests
from urllib.parse import quote
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotImplemented
from databricks.sdk.service.workspace import ImportFormat

w = WorkspaceClient()
host, headers = w.config.host, w.config.authenticate()
me = w.current_user.me().user_name
def put(path, body, overwrite="true"):
    return requests.post(f"{host}/api/2.0/workspace-files/import-file/{quote(path.lstrip('/'), safe='')}", params={"overwrite": overwrite}, data=body, headers=headers)

missing = put(f"/Users/{me}/new/app.py", b"1")
assert missing.status_code == 404, missing.text
assert requests.post(f"{host}/api/2.0/workspace/mkdirs", json={"path": f"/Users/{me}/new"}, headers=headers).status_code == 200
assert put(f"/Users/{me}/new/app.py", b"1").status_code == 200
again = put(f"/Users/{me}/new/app.py", b"2", overwrite="false")
assert again.status_code == 409 and "already exists." in again.text, again.text
assert put(f"/Users/{me}/new/a file #1.txt", b"x").status_code == 200
assert put(f"/Users/{me}/new/nb.py", b"# Databricks notebook source\n").status_code == 200
kind = requests.get(f"{host}/api/2.0/workspace/get-status", params={"path": f"/Users/{me}/new/nb"}, headers=headers).json()
assert kind["object_type"] == "NOTEBOOK", kind
second = put(f"/Users/{me}/new/nb.py", b"# Databricks notebook source\n", overwrite="false")
assert second.status_code == 400 and "already exists." in second.text, second.text
export = requests.get(f"{host}/api/2.0/workspace/export", params={"path": f"/Users/{me}/new/a file #1.txt", "direct_download": "true"}, headers=headers)
assert export.content == b"x", export.content
unsupported = requests.get(f"{host}/api/2.0/workspace/export", params={"path": f"/Users/{me}/new/nb", "format": "DBC"}, headers=headers)
assert unsupported.status_code == 501 and "format DBC: export each notebook, with format SOURCE, JUPYTER or HTML" in unsupported.text, unsupported.text
try:
    w.workspace.import_(f"/Users/{me}/new/archive", content="UEs=", format=ImportFormat.DBC); raise SystemExit("an archive")
except NotImplemented as error:
    assert "format DBC: import each notebook of the archive, with format SOURCE or JUPYTER" in str(error), error
print("done")
"##;

/// Notebooks as Jupyter has them, by the SDK, judged by nbformat.
const JUPYTER: &str = r##"
import base64, json
import nbformat
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, Language, ObjectType

w = WorkspaceClient()
home = f"/Users/{w.current_user.me().user_name}/nb"
w.workspace.mkdirs(home)
made = nbformat.v4.new_notebook(cells=[
    nbformat.v4.new_markdown_cell("# Bricks"),
    nbformat.v4.new_code_cell("print(1)", outputs=[nbformat.v4.new_output("stream", text="1\n")]),
    nbformat.v4.new_code_cell("%sql\nSELECT 1"),
], metadata={"language_info": {"name": "python"}})
text = nbformat.writes(made).encode()
source = "# Databricks notebook source\n# MAGIC %md\n# MAGIC # Bricks\n\n# COMMAND ----------\n\nprint(1)\n\n# COMMAND ----------\n\n# MAGIC %sql\n# MAGIC SELECT 1\n"

w.workspace.import_(f"{home}/one", content=base64.b64encode(text).decode(), format=ImportFormat.JUPYTER, language=Language.PYTHON)
w.workspace.upload(f"{home}/two.ipynb", text, format=ImportFormat.AUTO)
w.api_client.do("POST", f"/api/2.0/workspace-files/import-file/{home[1:]}/three.ipynb", query={"overwrite": "true"}, data=text, headers={"Content-Type": "application/octet-stream"})
found = {o.path.rsplit("/", 1)[1]: (o.object_type, o.language) for o in w.workspace.list(home)}
assert found == {name: (ObjectType.NOTEBOOK, Language.PYTHON) for name in ("one", "two", "three")}, found
for name in found:
    assert w.workspace.download(f"{home}/{name}", format=ExportFormat.SOURCE).read().decode() == source
    back = nbformat.reads(w.workspace.download(f"{home}/{name}", format=ExportFormat.JUPYTER).read(), as_version=4)
    nbformat.validate(back)
    assert [cell.source for cell in back.cells] == [cell.source for cell in made.cells], back
    assert back.cells[1].outputs[0].text == "1\n", back
bare = w.api_client.do("GET", "/api/2.0/workspace/export", query={"path": f"{home}/one", "format": "JUPYTER", "outputs": "NONE"})
assert bare["file_type"] == "ipynb" and json.loads(base64.b64decode(bare["content"]))["cells"][1]["outputs"] == []
assert w.workspace.get_status(f"{home}/one").language == Language.PYTHON
status = w.api_client.do("GET", "/api/2.0/workspace/get-status", query={"path": f"{home}/one", "return_export_info": "true"})
assert status["repos_export_format"] == "JUPYTER", status

# From source text, in another language.
w.workspace.upload(f"{home}/q.sql", b"SELECT 1\n\n-- COMMAND ----------\n\n-- MAGIC %md hello", format=ImportFormat.SOURCE, language=Language.SQL)
back = nbformat.reads(w.workspace.download(f"{home}/q", format=ExportFormat.JUPYTER).read(), as_version=4)
nbformat.validate(back)
assert [(cell.cell_type, cell.source) for cell in back.cells] == [("code", "SELECT 1"), ("markdown", "hello")], back
assert w.workspace.download(f"{home}/q").read().startswith(b"-- Databricks notebook source\nSELECT 1")
page = w.workspace.download(f"{home}/q", format=ExportFormat.HTML).read().decode()
assert page.startswith("<!DOCTYPE html>") and "SELECT 1" in page, page
# Written over as source, it is no Jupyter notebook any more.
w.workspace.upload(f"{home}/one.py", b"print(2)", format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True)
assert w.workspace.download(f"{home}/one").read() == b"# Databricks notebook source\nprint(2)"
for content in (b"x", b"{}", b'{"nbformat": 3, "worksheets": []}'):
    try:
        w.workspace.import_(f"{home}/bad", content=base64.b64encode(content).decode(), format=ImportFormat.JUPYTER); raise SystemExit("taken")
    except BadRequest as error:
        assert "notebook" in str(error).lower() or "nbformat" in str(error), error
# A file that only looks like one stays a file.
w.workspace.upload(f"{home}/odd.ipynb", b"x", format=ImportFormat.AUTO)
assert w.workspace.get_status(f"{home}/odd.ipynb").object_type == ObjectType.FILE
try:
    w.workspace.download(f"{home}/odd.ipynb", format=ExportFormat.JUPYTER); raise SystemExit("a file as a notebook")
except BadRequest:
    pass
print("done")
"##;

#[tokio::test]
async fn notebooks_go_and_come_as_jupyter_has_them() {
    let (running, clients) =
        (start().await, environment(&["databricks-sdk==0.156.0", "nbformat==5.10.4"]).await);
    assert_eq!(running.python(&clients, JUPYTER).await.trim(), "done");
}

#[tokio::test]
async fn the_sdk_uploads_lists_and_deletes() {
    let (running, clients) = (start().await, environment(TODAY).await);
    assert_eq!(running.python(&clients, SDK).await.trim(), "done");
}

#[tokio::test]
async fn files_come_as_the_cli_sends_them() {
    let (running, clients) = (start().await, environment(TODAY).await);
    assert_eq!(running.python(&clients, CLI).await.trim(), "done");
}
