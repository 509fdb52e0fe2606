"""Every driver an app may use, with a fresh token for each connection, as the app's own role."""
import asyncio
import os
import pathlib
import subprocess
import sys
import textwrap

from databricks.sdk import WorkspaceClient

w = WorkspaceClient()
HOST, PORT, USER, DB = (os.environ[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE"))


def token():
    return w.config.oauth_token().access_token


def with_psycopg2():
    import psycopg2

    connection = psycopg2.connect(password=token())
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA app")
        cursor.execute("CREATE TABLE app.todo (id serial PRIMARY KEY, title text NOT NULL)")
        cursor.execute("INSERT INTO app.todo (title) VALUES (%s) RETURNING id", ("it's \\ done",))
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT current_user, application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        assert cursor.fetchone() == (USER, os.environ["PGAPPNAME"])
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE public.mine (x int)")
        raise AssertionError("public is not the app's")
    except psycopg2.errors.InsufficientPrivilege as error:
        assert "permission denied for schema public" in str(error), error
    connection.close()


def with_psycopg3_and_pool():
    import psycopg
    from psycopg_pool import ConnectionPool

    class RotatingConnection(psycopg.Connection):
        @classmethod
        def connect(cls, conninfo="", **kwargs):
            return super().connect(conninfo, **{**kwargs, "password": token()})

    with ConnectionPool("", connection_class=RotatingConnection, min_size=2, max_size=4, timeout=60) as pool:
        with pool.connection() as connection:
            assert connection.execute("SELECT title FROM app.todo").fetchall() == [("it's \\ done",)]
            with connection.cursor().copy("COPY app.todo (title) FROM STDIN") as copy:
                for number in range(20_000):
                    copy.write_row((f"copied {number}",))
        with pool.connection() as connection:
            assert connection.execute("SELECT count(*) FROM app.todo").fetchone() == (20_001,)
    verified = psycopg.connect(password=token(), sslmode="verify-full", sslrootcert=os.environ["REQUESTS_CA_BUNDLE"])
    assert verified.pgconn.ssl_in_use
    verified.close()


def with_asyncpg():
    import asyncpg

    async def password():
        return token()

    async def main():
        async with asyncpg.create_pool(password=password, ssl="require", min_size=1, max_size=3) as pool:
            rows = await asyncio.gather(*(pool.fetchval("SELECT $1::int + 1", n) for n in range(20)))
            assert rows == list(range(1, 21))

    asyncio.run(main())


def engine(**options):
    import sqlalchemy

    made = sqlalchemy.create_engine(f"postgresql+psycopg://{USER}@{HOST}:{PORT}/{DB}?sslmode=require", **options)

    @sqlalchemy.event.listens_for(made, "do_connect")
    def fresh(dialect, record, arguments, parameters):
        parameters["password"] = token()

    return made


def with_sqlalchemy_sync_and_async():
    import sqlalchemy
    from sqlalchemy.ext.asyncio import create_async_engine

    with engine(pool_pre_ping=True).begin() as connection:
        assert connection.execute(sqlalchemy.text("SELECT 41 + 1")).scalar() == 42

    async def main():
        made = create_async_engine(
            f"postgresql+asyncpg://{USER}@{HOST}:{PORT}/{DB}", connect_args={"ssl": "require", "password": token}
        )
        async with made.begin() as connection:
            assert (await connection.execute(sqlalchemy.text("SELECT current_user"))).scalar() == USER
        await made.dispose()

    asyncio.run(main())


def with_sqlmodel():
    from sqlmodel import Field, MetaData, Session, SQLModel, select

    class Order(SQLModel, table=True):
        metadata = MetaData(schema="app")
        id: int | None = Field(default=None, primary_key=True)
        item: str

    made = engine()
    Order.metadata.create_all(made)
    with Session(made) as session:
        session.add(Order(item="brick"))
        session.commit()
        assert [order.item for order in session.exec(select(Order))] == ["brick"]


def with_alembic():
    import alembic.command
    import alembic.config

    home = pathlib.Path("migrations")
    (home / "versions").mkdir(parents=True)
    (home / "script.py.mako").write_text("")
    (home / "env.py").write_text(
        textwrap.dedent(
            """
            from alembic import context
            with context.config.attributes["engine"].begin() as connection:
                context.configure(connection=connection, version_table_schema="app")
                with context.begin_transaction():
                    context.run_migrations()
            """
        )
    )
    (home / "versions" / "one.py").write_text(
        textwrap.dedent(
            """
            import sqlalchemy
            from alembic import op
            revision, down_revision = "one", None
            def upgrade():
                op.add_column("todo", sqlalchemy.Column("done", sqlalchemy.Boolean, server_default="f"), schema="app")
            """
        )
    )
    config = alembic.config.Config()
    config.set_main_option("script_location", str(home))
    made = engine()
    config.attributes["engine"] = made
    alembic.command.upgrade(config, "head")
    with made.begin() as connection:
        assert connection.exec_driver_sql("SELECT done FROM app.todo LIMIT 1").scalar() is False


def with_django():
    script = """
import django
from django.conf import settings
from django.db.backends.postgresql import base
from databricks.sdk import WorkspaceClient
import os

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"],
        "USER": os.environ["PGUSER"], "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"],
        "PASSWORD": WorkspaceClient().config.oauth_token().access_token,
        "OPTIONS": {"sslmode": "require", "options": "-c search_path=app"}}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
)
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
User.objects.create_user("ada", "ada@example.com", "secret")
assert User.objects.filter(username="ada").count() == 1
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def with_langgraph():
    import psycopg
    from langgraph.checkpoint.postgres import PostgresSaver
    from psycopg.rows import dict_row

    options = {"autocommit": True, "row_factory": dict_row, "options": "-c search_path=app", "prepare_threshold": 0}
    with psycopg.connect(password=token(), **options) as connection:
        saver = PostgresSaver(connection)
        saver.setup()
        config = {"configurable": {"thread_id": "1", "checkpoint_ns": ""}}
        checkpoint = {"v": 4, "id": "1", "ts": "2026-01-01T00:00:00+00:00", "channel_values": {"messages": "hi"},
                      "channel_versions": {"messages": 1}, "versions_seen": {}}
        saver.put(config, checkpoint, {"source": "input", "step": -1, "parents": {}}, {"messages": 1})
        assert saver.get(config)["channel_values"] == {"messages": "hi"}


for driver in [with_psycopg2, with_psycopg3_and_pool, with_asyncpg, with_sqlalchemy_sync_and_async, with_sqlmodel,
               with_alembic, with_django, with_langgraph]:
    driver()
    print(driver.__name__, "ok")
