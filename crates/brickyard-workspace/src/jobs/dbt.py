"""Runs the commands of a dbt task on a copy of its project, as the platform does: the first that fails ends the task."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

import yaml

given = json.loads(os.environ.pop("BRICKYARD_DBT"))
host = os.environ["DATABRICKS_HOST"].removeprefix("https://")
token = os.environ["DATABRICKS_TOKEN"]
# What profiles of a project's own are written with.
os.environ.update(DBT_HOST=host, DBT_ACCESS_TOKEN=token, DBT_ORG_ID=given["workspace_id"])
os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
room = pathlib.Path(given["room"])
project = room / "project"
shutil.copytree(sys.argv[1], project)
os.environ["DBT_PROFILES_DIR"] = str(project / (given["profiles_directory"] or "."))
if given["warehouse_id"]:
    settings = yaml.safe_load((project / "dbt_project.yml").read_text())
    output = {
        "type": "databricks",
        "host": host,
        "http_path": "/sql/1.0/warehouses/" + given["warehouse_id"],
        "token": "{{ env_var('DBT_ACCESS_TOKEN') }}",
        "schema": given["schema"] or "default",
        "threads": 8,
    }
    if given["catalog"]:
        output["catalog"] = given["catalog"]
    profiles = room / "profiles"
    profiles.mkdir()
    profile = {"target": "databricks", "outputs": {"databricks": output}}
    (profiles / "profiles.yml").write_text(yaml.safe_dump({settings.get("profile", "databricks"): profile}))
    os.environ["DBT_PROFILES_DIR"] = str(profiles)
dbt = str(pathlib.Path(sys.executable).parent / "dbt")
for command in given["commands"]:
    print("$", command, flush=True)
    code = subprocess.run([dbt, *shlex.split(command)[1:]], cwd=project).returncode
    if code:
        sys.exit(f"`{command}` ended with exit code {code}")
