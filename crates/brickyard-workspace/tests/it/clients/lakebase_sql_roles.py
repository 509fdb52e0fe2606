"""Roles that SQL makes: databricks_create_role for identities, CREATE ROLE … PASSWORD for native ones, and how long those last."""
import os

import psycopg
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.postgres import Project, ProjectSpec
from psycopg import sql

w = WorkspaceClient()
me = w.current_user.me().user_name
ADA, APP = "ada@example.com", os.environ["APP"]


def refused(kind, call, *words):
    try:
        call()
    except kind as error:
        assert all(word in str(error) for word in words), error
        return
    raise AssertionError(f"not refused: {kind}")


project = w.postgres.create_project(Project(spec=ProjectSpec(enable_pg_native_login=True)), "shop").wait()
branch = project.status.default_branch
primary = f"{branch}/endpoints/primary"
hosts = w.postgres.get_endpoint(primary).status.hosts


def connect(user=me, password=None, host=hosts.host, database="databricks_postgres"):
    password = password or w.postgres.generate_database_credential(endpoint=primary).token
    return psycopg.connect(host=host, user=user, dbname=database, sslmode="require", password=password, autocommit=True)


def roles():
    return {role.status.postgres_role: role.status for role in w.postgres.list_roles(branch)}


def identities():
    owner = connect()
    # As on the platform, it is there once it was made; each database has its own.
    refused(psycopg.errors.UndefinedFunction, lambda: owner.execute("SELECT databricks_create_role('x', 'USER')"))
    refused(psycopg.errors.FeatureNotSupported, lambda: owner.execute("CREATE EXTENSION databricks_auth"), "IF NOT EXISTS")
    for _ in range(2):
        owner.execute("CREATE EXTENSION IF NOT EXISTS databricks_auth")
    owner.execute("CREATE EXTENSION IF NOT EXISTS plpgsql")  # of others it is no matter
    create = "SELECT databricks_create_role(%s, %s)"
    ada = os.environ["ADA_TOKEN"]
    refused(psycopg.OperationalError, lambda: connect(ADA, ada), "does not exist")
    owner.execute(create, (ADA, "USER"))
    owner.execute(create, (APP, "service_principal"))
    known = owner.execute("SELECT role_name, identity_type FROM databricks_list_roles").fetchall()
    assert sorted(known) == sorted([(me, "user"), (ADA, "user"), (APP, "service_principal")]), known
    for name in (APP, "cloud_admin"):  # which stay what they are
        refused(psycopg.errors.InsufficientPrivilege,
                lambda: owner.execute("SELECT __db_system.bind_identity(%s, 'USER')", (name,)), "permission denied")
    # In a transaction of its own an app goes on after a role that is there.
    refused(psycopg.errors.DuplicateObject, lambda: owner.execute(create, (ADA, "USER")), "already exists")
    refused(psycopg.errors.InvalidParameterValue, lambda: owner.execute(create, ("eve@example.com", "USER")), "not found")
    refused(psycopg.errors.InvalidParameterValue, lambda: owner.execute(create, (ADA, "GROUP")), "not found")
    refused(psycopg.errors.InvalidParameterValue, lambda: owner.execute(create, (ADA, "PERSON")), "SERVICE_PRINCIPAL")
    # Somebody who comes into the workspace now is known at once, also in a session that was there before.
    eve = w.users.create(user_name="eve@example.com")
    owner.execute(create, ("eve@example.com", "USER"))
    w.users.delete(eve.id)

    with connect(ADA, ada) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (ADA,)
        # Who may not make roles makes none, by whatever way.
        for statement in (
            "SELECT databricks_create_role('users', 'GROUP')",
            "SELECT __db_system.bind_identity('ada@example.com', 'GROUP')",
        ):
            refused(psycopg.errors.InsufficientPrivilege, lambda: connection.execute(statement), "permission denied to create role")
    with connect(APP, os.environ["APP_TOKEN"]) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (APP,)
    # A group's members come in as the group, nobody else.
    owner.execute(create, ("admins", "group"))
    with connect("admins") as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("admins",)
    refused(psycopg.OperationalError, lambda: connect("admins", ada), "belongs to `ada@example.com`")
    told = roles()
    assert told["admins"].identity_type.value == "GROUP", told
    assert told[ADA].identity_type.value == "USER" and told[ADA].auth_method.value == "LAKEBASE_OAUTH_V1", told
    assert told[APP].identity_type.value == "SERVICE_PRINCIPAL" and not told[APP].attributes.createdb, told

    # Plain CREATE ROLE makes a role that stands for nobody.
    owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ADA)))
    assert ADA not in roles()
    owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ADA)))
    refused(psycopg.OperationalError, lambda: connect(ADA, ada), "password authentication failed", "databricks_create_role")
    owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ADA)))
    assert ADA not in roles()

    # Another database has to make the extension of its own, and its roles are the same.
    owner.execute("CREATE DATABASE other")
    with connect(database="other") as connection:
        refused(psycopg.errors.UndefinedTable, lambda: connection.execute("SELECT * FROM databricks_list_roles"))
        connection.execute('CREATE EXTENSION if  not exists "databricks_auth"')
        assert connection.execute("SELECT count(*) FROM databricks_list_roles WHERE role_name = %s", (APP,)).fetchone() == (1,)
        connection.execute(create, (ADA, "user"))
    with connect(ADA, ada):
        pass
    # Who may make nothing in a database makes no extension there.
    owner.execute("CREATE DATABASE third")
    with connect(APP, os.environ["APP_TOKEN"], database="third") as connection:
        refused(psycopg.errors.InsufficientPrivilege,
                lambda: connection.execute("CREATE EXTENSION IF NOT EXISTS databricks_auth"), "permission denied")
    owner.close()


def passwords():
    owner = connect()
    word = "dose-of-A-good-1"
    refused(psycopg.OperationalError, lambda: connect("till", word), "authentication failed")
    owner.execute(f"CREATE ROLE till LOGIN CREATEROLE PASSWORD '{word}' VALID UNTIL 'infinity'")
    for host in (hosts.host, hosts.read_write_pooled_host):
        with connect("till", word, host) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("till",)
            refused(psycopg.errors.UndefinedFunction, lambda: connection.execute("SELECT databricks_create_role('x', 'USER')"))
        refused(psycopg.OperationalError, lambda: connect("till", word + "x", host), "does not fit")
    owner.execute("CREATE EXTENSION IF NOT EXISTS databricks_auth")
    with connect("till", word) as connection:
        refused(psycopg.errors.InsufficientPrivilege,
                lambda: connection.execute("SELECT databricks_create_role(%s, 'USER')", (ADA,)), "native Postgres role")
    assert roles()["till"].auth_method.value == "PG_PASSWORD_SCRAM_SHA_256" and roles()["till"].attributes.createrole

    # The platform refuses a weak password when it is set; here it opens nothing.
    owner.execute("ALTER ROLE till PASSWORD 'Sesame-1'")
    for host in (hosts.host, hosts.read_write_pooled_host):
        refused(psycopg.OperationalError, lambda: connect("till", "Sesame-1", host), "52 bits", "none below 60", "ALTER ROLE")
    refused(psycopg.OperationalError, lambda: connect("till", "Sesame-2"), "does not fit")
    owner.execute(f"ALTER ROLE till PASSWORD '{word}'")

    # A password holds until its time, by PostgreSQL's clock; who is in stays.
    inside = connect("till", word, hosts.read_write_pooled_host)
    for until, good in (("now() - interval '1 second'", False), ("now() + interval '1 hour'", True),
                        ("now() + interval '2 seconds'", None), ("'infinity'", True), ("'-infinity'", False)):
        moment = owner.execute(f"SELECT ({until})::timestamptz::text").fetchone()[0]
        owner.execute(f"ALTER ROLE till VALID UNTIL '{moment}'")
        if good is None:  # until PostgreSQL says that it is over
            while owner.execute("SELECT now() <= rolvaliduntil FROM pg_roles WHERE rolname = 'till'").fetchone()[0]:
                pass
        for host in (hosts.host, hosts.read_write_pooled_host):
            if good:
                connect("till", word, host).close()
            else:
                refused(psycopg.OperationalError, lambda: connect("till", word, host), "does not fit, or is no longer valid")
    assert inside.execute("SELECT current_user").fetchone() == ("till",)
    inside.close()
    owner.execute("ALTER ROLE till VALID UNTIL 'infinity' NOLOGIN")
    refused(psycopg.OperationalError, lambda: connect("till", word), "not permitted to log in")
    owner.execute("DROP ROLE till")
    refused(psycopg.OperationalError, lambda: connect("till", word))
    assert "till" not in roles()
    refused(psycopg.OperationalError, lambda: connect("cloud_admin", word), "authentication failed")
    owner.close()
