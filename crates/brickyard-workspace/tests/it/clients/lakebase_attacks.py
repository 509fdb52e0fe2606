"""Logins that must fail: each with its SQLSTATE's words and a hint that helps."""
import os

import certifi
import psycopg
from databricks.sdk import WorkspaceClient

own = WorkspaceClient().config.oauth_token().access_token
env = os.environ


def refused(*words, **options):
    try:
        psycopg.connect(**options).close()
    except psycopg.OperationalError as error:
        assert all(word in str(error) for word in words), f"{words}: {error}"
        return
    raise AssertionError(f"let in: {words}")


with psycopg.connect(password=own) as connection:
    connection.execute("CREATE SCHEMA app")
    connection.execute("CREATE TABLE app.secret (x int)")

refused("insecure", "sslmode=require", password=own, sslmode="disable")
refused("password authentication failed", "There is no PGPASSWORD", password="sesame")
refused("belongs to `ada@example.com`", "PGUSER", password=env["ADA_TOKEN"])
refused('role "ada@example.com" does not exist', "resource", user="ada@example.com", password=env["ADA_TOKEN"])
refused("scopes (sql)", user="ada@example.com", password=env["ADA_SCOPED"])
refused("another database instance", password=env["OTHER_CREDENTIAL"])
refused("not an OAuth token", user="developer@example.com", password=env["PERSONAL_TOKEN"])
other = {"host": env["OTHER_HOST"], "port": env["OTHER_PORT"]}
refused("does not exist", "deploy it again", password=own, **other)  # an app without the resource
refused("does not exist", password=env["OTHER_CREDENTIAL"], **other)

head, body, signature = own.split(".")
for changed in [f"{head}.{body}.{signature[::-1]}", f"{head}.{body[:-8]}{body[-4:]}.{signature}", f"{head}.{body}.",
                f"eyJhbGciOiJub25lIn0.{body}.", own[:-20], own + "A" * 30_000]:
    refused("authentication failed", password=changed)
refused(password=own + "A" * 200_000)

for name in ["x'; DROP TABLE app.secret; --", 'x" SUPERUSER; --', "cloud_admin", "postgres", "databricks_superuser",
             env["PGUSER"].upper(), env["PGUSER"] + " ", "\u0430da@example.com"]:
    refused("authentication failed", user=name, password=own)
refused("database", dbname="absent", password=own)
refused("certificate verify failed", password=own, sslmode="verify-full", sslrootcert=certifi.where())

with psycopg.connect(password=own) as connection:
    assert connection.execute("SELECT count(*) FROM app.secret").fetchone() == (0,)
    for statement in ["SET ROLE cloud_admin", "SET SESSION AUTHORIZATION cloud_admin", "CREATE ROLE x",
                      "COPY app.secret FROM PROGRAM 'id'", "SELECT pg_read_file('/etc/passwd')",
                      "ALTER SYSTEM SET fsync = off", "CREATE DATABASE x", "LOAD '/tmp/x.so'"]:
        try:
            connection.execute(statement)
        except psycopg.Error as error:
            assert error.sqlstate in ("42501", "25001", "58P01"), (statement, error.sqlstate, error)
        else:
            raise AssertionError(f"allowed: {statement}")
        connection.rollback()
print("ok")
