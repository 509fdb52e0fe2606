"""The app's table, and connections to it that outlive every credential.

With Lakebase autoscaling the password is a credential for one endpoint, made by `generate_database_credential`; the
endpoint's resource path comes from the app's resource (`valueFrom: postgres`). A credential lives one hour, so a new one is
made for each new connection. The endpoint sleeps when nobody uses it: connections of a pool may be dead, and are checked
before they are given out.
"""

import os
from dataclasses import dataclass
from datetime import datetime

import psycopg
import streamlit as st
from databricks.sdk import WorkspaceClient
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool

# The app's role may create schemas, but nothing in `public`, which belongs to the database's owner.
SCHEMA = "todo"


@st.cache_resource
def workspace():
    return WorkspaceClient()


class CredentialConnection(psycopg.Connection):
    """A connection whose password is a fresh credential for the app's endpoint."""

    @classmethod
    def connect(cls, conninfo="", **kwargs):
        credential = workspace().postgres.generate_database_credential(endpoint=os.environ["PGENDPOINT"])
        return super().connect(conninfo, **{**kwargs, "password": credential.token})


@st.cache_resource
def pool():
    return ConnectionPool(
        connection_class=CredentialConnection,
        kwargs={"options": f"-c search_path={SCHEMA}"},
        min_size=0,  # so that an idle app lets its endpoint sleep
        max_size=8,
        max_idle=60,
        check=ConnectionPool.check_connection,
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


@st.cache_resource
def prepare():
    """Makes the table, once a process."""
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
        connection.execute(statement, (person, todo_id))


def delete(todo_id):
    with pool().connection() as connection:
        connection.execute("DELETE FROM todo WHERE id = %s", (todo_id,))
