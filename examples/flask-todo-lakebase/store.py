"""The app's tables, and connections to them that outlive every token.

The platform sets PGHOST, PGPORT, PGDATABASE, PGUSER, PGSSLMODE and PGAPPNAME, but no password: the password is an OAuth
token of the app's own identity, and it lives one hour. So the token is asked for each time a connection is opened. The SDK
keeps it and renews it, which makes asking cheap.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

import psycopg
from databricks.sdk import WorkspaceClient
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool

# The app's role may create schemas, but nothing in `public`, which belongs to the database's owner.
SCHEMA = "todo"


@cache
def workspace():
    return WorkspaceClient()


class TokenConnection(psycopg.Connection):
    """A connection whose password is a fresh token."""

    @classmethod
    def connect(cls, conninfo="", **kwargs):
        kwargs["password"] = workspace().config.oauth_token().access_token
        return super().connect(conninfo, **kwargs)


@cache
def pool():
    return ConnectionPool(
        connection_class=TokenConnection,
        kwargs={"options": f"-c search_path={SCHEMA}"},
        min_size=1,
        max_size=8,
        max_idle=300,
        check=ConnectionPool.check_connection,  # the instance may have restarted since
        open=True,
    )


@dataclass
class Todo:
    id: int
    title: str
    done: bool
    added_by: str
    added_at: datetime
    done_by: str | None


def prepare():
    """Makes the tables; several workers may start at once, so one waits for the other."""
    with pool().connection() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('todo-schema'))")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        connection.execute(
            """
            CREATE TABLE IF NOT EXISTS todo (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                title text NOT NULL CHECK (title <> ''),
                done boolean NOT NULL DEFAULT false,
                added_by text NOT NULL,
                added_at timestamptz NOT NULL DEFAULT now(),
                done_by text
            )
            """
        )


def todos():
    with pool().connection() as connection, connection.cursor(row_factory=class_row(Todo)) as cursor:
        return cursor.execute("SELECT * FROM todo ORDER BY done, added_at DESC").fetchall()


def add(title, person):
    with pool().connection() as connection:
        connection.execute("INSERT INTO todo (title, added_by) VALUES (%s, %s)", (title, person))


def toggle(todo_id, person):
    statement = "UPDATE todo SET done = NOT done, done_by = CASE WHEN done THEN NULL ELSE %s END WHERE id = %s"
    with pool().connection() as connection:
        return connection.execute(statement, (person, todo_id)).rowcount == 1


def delete(todo_id):
    with pool().connection() as connection:
        return connection.execute("DELETE FROM todo WHERE id = %s", (todo_id,)).rowcount == 1


def version():
    with pool().connection() as connection:
        return connection.execute("SHOW server_version").fetchone()[0]
