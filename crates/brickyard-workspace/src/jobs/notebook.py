"""Runs a notebook's source cell by cell, as a job's task does."""

import contextlib
import json
import os
import re
import subprocess
import sys

BEGIN = re.compile(r"^(#|--|//) Databricks notebook source\s*$")
CELL = re.compile(r"^(?:#|--|//) COMMAND -+\s*$", re.MULTILINE)
MAGIC = re.compile(r"^(?:#|--|//) MAGIC ?", re.MULTILINE)


class NotebookExit(BaseException):
    """Raised by `dbutils.notebook.exit`."""


class Result:
    """What the notebook gives back: an exit value and task values, in a file whose name comes from the outside."""

    def __init__(self, path):
        self.path, self.kept = path, {"values": {}}

    def write(self):
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(self.kept, file)


class Lazy:
    """Makes a thing when it is first used."""

    def __init__(self, make):
        self._make, self._made = make, None

    def __getattr__(self, name):
        if self._made is None:
            self._made = self._make()
        return getattr(self._made, name)


def client():
    from databricks.sdk import WorkspaceClient

    return WorkspaceClient()


def spark():
    try:
        from databricks.connect import DatabricksSession
    except ImportError:
        raise NameError(
            "`spark` needs the package databricks-connect: add it to the task's environment, as with %pip install"
        ) from None
    return DatabricksSession.builder.serverless().getOrCreate()


class Widgets:
    def __init__(self, parameters):
        self._given, self._defaults = parameters, {}

    def text(self, name, defaultValue="", label=None):
        self._defaults[name] = str(defaultValue)

    def dropdown(self, name, defaultValue, choices=(), label=None):
        self._defaults[name] = str(defaultValue)

    combobox = multiselect = dropdown

    def get(self, name):
        for known in (self._given, self._defaults):
            if name in known:
                return known[name]
        raise ValueError(f"InputWidgetNotDefined: No input widget named {name} is defined")

    def getArgument(self, name, default=None):
        return self.getAll().get(name, default)

    def getAll(self):
        return {**self._defaults, **self._given}

    def remove(self, name):
        self._defaults.pop(name, None)

    def removeAll(self):
        self._defaults.clear()


class TaskValues:
    def __init__(self, result, others):
        self._result, self._others = result, others

    def set(self, key, value):
        self._result.kept["values"][key] = value
        self._result.write()

    def get(self, taskKey, key, default=None, debugValue=None):
        values = self._others.get(taskKey, {})
        if key in values:
            return values[key]
        if default is not None:
            return default
        raise ValueError(f"Task value {key} of task {taskKey} is not set")


class NotebookTools:
    def __init__(self, result):
        self._result = result

    def exit(self, value=""):
        self._result.kept["result"] = str(value)
        raise NotebookExit

    def run(self, path, timeout_seconds=0, arguments=None):
        raise NotImplementedError("dbutils.notebook.run is not implemented here: use %run or a task of its own")


class Tools:
    def __init__(self, result, given):
        self.widgets = Widgets(given["parameters"])
        self.notebook = NotebookTools(result)
        self.jobs = type("JobTools", (), {"taskValues": TaskValues(result, given["task_values"])})()
        self.secrets = Lazy(lambda: client().dbutils.secrets)
        self.fs = Lazy(lambda: client().dbutils.fs)


class Notebook:
    def __init__(self, given, result):
        self.given = given
        self.scope = {"__name__": "__main__", "dbutils": Tools(result, given), "spark": Lazy(spark)}
        self.scope["display"] = self.scope["displayHTML"] = lambda value, *more, **options: print(value)

    def cells(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        first, _, rest = text.partition("\n")
        language = self.given["language"]
        begin = BEGIN.match(first)
        if begin:
            text = rest
            language = {"#": "python", "--": "sql"}.get(begin.group(1), "scala")
        for number, cell in enumerate(CELL.split(text), 1):
            yield language, number, cell.strip("\n")

    def run(self, path):
        for language, number, cell in self.cells(path):
            lines = [line for line in cell.splitlines() if line.strip()]
            if lines and all(MAGIC.match(line) or line.startswith("# DBTITLE") for line in lines):
                body = MAGIC.sub("", "\n".join(line for line in lines if not line.startswith("# DBTITLE")))
                word, _, body = body.lstrip().partition("\n") if "\n" in body else (body.strip(), "", "")
                name, _, more = word.partition(" ")
                self.magic(name, (more + "\n" + body).strip(), path)
            elif language == "python":
                exec(compile(cell, f"{os.path.basename(path)} cell {number}", "exec"), self.scope)
            elif language == "sql":
                self.sql(cell)
            elif lines:
                raise NotImplementedError(f"cells in {language} are not implemented here")

    def magic(self, name, body, path):
        if name in ("%md", "%md-sandbox", "%pip", "%uv"):
            return  # packages were installed before
        if name == "%python":
            exec(compile(body, "cell", "exec"), self.scope)
        elif name == "%sql":
            self.sql(body)
        elif name == "%sh":
            subprocess.run(["/bin/sh", "-c", body], check=True)
        elif name == "%run":
            target = os.path.join(os.path.dirname(path), body.split()[0].strip("\"'"))
            self.run(target if os.path.exists(target) else target + ".py")
        else:
            raise NotImplementedError(f"{name} is not implemented here")

    def sql(self, text):
        from databricks.sdk.service.sql import Disposition, StatementState

        sdk = client()
        warehouse = self.given["warehouse_id"] or next(iter(sdk.warehouses.list())).id
        for statement in [part for part in split(text) if part.strip()]:
            answer = sdk.statement_execution.execute_statement(
                statement=statement, warehouse_id=warehouse, wait_timeout="50s", disposition=Disposition.INLINE
            )
            while answer.status.state in (StatementState.PENDING, StatementState.RUNNING):
                answer = sdk.statement_execution.get_statement(answer.statement_id)
            if answer.status.state != StatementState.SUCCEEDED:
                error = answer.status.error
                raise RuntimeError(error.message if error else str(answer.status.state))
            names = [column.name for column in (answer.manifest.schema.columns or [])]
            rows = (answer.result.data_array if answer.result else None) or []
            self.scope["_sqldf"] = [dict(zip(names, row)) for row in rows]
            for row in self.scope["_sqldf"]:
                print(row)


def split(text):
    """Statements between semicolons that stand in no string, name or comment."""
    pieces = re.findall(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|;|.", text, re.DOTALL)
    statement = ""
    for piece in pieces:
        if piece == ";":
            yield statement
            statement = ""
        elif not piece.startswith("--"):
            statement += piece
    yield statement


def main():
    given = json.loads(os.environ.pop("BRICKYARD_NOTEBOOK"))
    result = Result(os.environ.pop("BRICKYARD_RESULT"))
    path = sys.argv[1]
    sys.argv = [path]
    sys.path.insert(0, os.path.dirname(path))
    with contextlib.suppress(NotebookExit):
        Notebook(given, result).run(path)
    result.write()


main()
