"""databricks-sdk against /api/2.0/postgres: projects, branches, endpoints, databases, roles."""
from datetime import timedelta

import psycopg
from databricks.sdk import WorkspaceClient
from databricks.sdk.common.types.fieldmask import FieldMask
from databricks.sdk.errors import AlreadyExists, BadRequest, InvalidParameterValue, NotFound, NotImplemented
from databricks.sdk.service.postgres import (
    Branch,
    BranchSpec,
    Database,
    DatabaseDatabaseSpec,
    Endpoint,
    EndpointSpec,
    EndpointType,
    Project,
    ProjectSpec,
    Role,
    RoleAttributes,
    RoleAuthMethod,
    RoleIdentityType,
    RoleMembershipRole,
    RoleRoleSpec,
)
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

w = WorkspaceClient()
me = w.current_user.me().user_name


def refused(kind, call, *words):
    try:
        call()
    except kind as error:
        assert all(word in str(error) for word in words), error
        return
    raise AssertionError(f"not refused: {kind}")


def connect(endpoint, database="databricks_postgres", user=me, password=None):
    password = password or w.postgres.generate_database_credential(endpoint=endpoint).token
    host = w.postgres.get_endpoint(endpoint).status.hosts.host
    return psycopg.connect(host=host, user=user, dbname=database, sslmode="require", password=password)


project = w.postgres.create_project(Project(spec=ProjectSpec(display_name="Shop")), "shop").wait()
assert project.name == "projects/shop" and project.status.display_name == "Shop" and project.status.owner == me
main = project.status.default_branch
assert main == "projects/shop/branches/production"
assert [found.name for found in w.postgres.list_projects()] == ["projects/shop"]
assert w.postgres.get_project("projects/shop").uid == project.uid
refused(NotFound, lambda: w.postgres.get_project("projects/absent"), "not found")
refused(AlreadyExists, lambda: w.postgres.create_project(Project(), "shop"), "already exists")
refused(InvalidParameterValue, lambda: w.postgres.create_project(Project(), "Shop"))
changed = w.postgres.update_project("projects/shop", Project(spec=ProjectSpec(display_name="Till")),
                                    FieldMask(["spec.display_name"])).wait()
assert changed.status.display_name == "Till"

primary = f"{main}/endpoints/primary"
endpoints = list(w.postgres.list_endpoints(main))
assert [endpoint.name for endpoint in endpoints] == [primary]
assert endpoints[0].status.endpoint_type is EndpointType.ENDPOINT_TYPE_READ_WRITE
assert endpoints[0].status.current_state.value == "IDLE", endpoints[0].status
with connect(primary) as connection:
    connection.execute("CREATE TABLE item AS SELECT generate_series(1, 100) AS id")
assert w.postgres.get_endpoint(primary).status.current_state.value == "ACTIVE"

# A branch is a copy, and goes its own way
operation = w.postgres.create_branch("projects/shop", Branch(spec=BranchSpec(no_expiry=True)), "try")
branch = operation.wait()
assert operation.done() and branch.status.source_branch == main and not branch.status.default
assert w.postgres.get_branch(branch.name).uid == branch.uid
for protected in (True, False):
    changed = w.postgres.update_branch(branch.name, Branch(spec=BranchSpec(is_protected=protected)),
                                       FieldMask(["spec.is_protected"])).wait()
    assert changed.status.is_protected is protected, changed.status
refused(NotFound, lambda: w.postgres.get_endpoint(f"{branch.name}/endpoints/primary"), "not found")
spec = EndpointSpec(endpoint_type=EndpointType.ENDPOINT_TYPE_READ_WRITE, autoscaling_limit_max_cu=2.0,
                    suspend_timeout_duration=Duration(seconds=300))
own = w.postgres.create_endpoint(branch.name, Endpoint(spec=spec), "primary").wait()
assert own.status.autoscaling_limit_max_cu == 2.0 and own.status.suspend_timeout_duration.seconds == 300
refused(BadRequest, lambda: w.postgres.create_endpoint(branch.name, Endpoint(spec=spec), "second"), "only one")
with connect(own.name) as connection:
    assert connection.execute("SELECT count(*) FROM item").fetchone() == (100,)
    connection.execute("DROP TABLE item")
with connect(primary) as connection:
    assert connection.execute("SELECT count(*) FROM item").fetchone() == (100,)
refused(NotImplemented, lambda: w.postgres.create_branch("projects/shop", Branch(
    spec=BranchSpec(source_branch_lsn="0/1")), "past"), "history_retention_duration")
# By time, as long as nothing was committed since; nobody asked for a history, and the future is not known.
def at(time, name):
    return w.postgres.create_branch("projects/shop", Branch(spec=BranchSpec(source_branch_time=time)), name).wait()


def stamp(sql):
    with connect(primary) as connection:
        seen = Timestamp()
        seen.FromDatetime(connection.execute(f"SELECT {sql}").fetchone()[0])
        return seen


before = stamp("clock_timestamp()")
with connect(primary) as connection:
    connection.execute("CREATE TABLE later AS SELECT 1 AS id")
refused(NotImplemented, lambda: at(before, "past"), "last commit", "history_retention_duration")
refused(InvalidParameterValue, lambda: at(stamp("clock_timestamp() + interval '1 hour'"), "past"), "future")
for _ in range(10):  # the server's own housekeeping commits too
    after = stamp("clock_timestamp()")
    try:
        present = at(after, "present")
        break
    except NotImplemented as error:
        assert "last commit" in str(error), error
assert present.status.source_branch_time == after, present.status
endpoint = w.postgres.create_endpoint(present.name, Endpoint(spec=spec), "primary").wait()
with connect(endpoint.name) as connection:
    assert connection.execute("SELECT id FROM later").fetchall() == [(1,)]
w.postgres.delete_branch(present.name).wait()
names = sorted(found.name for found in w.postgres.list_branches("projects/shop"))
assert names == ["projects/shop/branches/production", "projects/shop/branches/try"], names

# A credential opens its own branch only
foreign = w.postgres.generate_database_credential(endpoint=own.name).token
refused(psycopg.OperationalError, lambda: connect(primary, password=foreign), "another database instance")
refused(NotFound, lambda: w.postgres.generate_database_credential(endpoint=f"{main}/endpoints/absent"), "not found")
refused(InvalidParameterValue, lambda: w.postgres.generate_database_credential(endpoint=primary, ttl=Duration(seconds=10)))

# A replica only reads
replica = w.postgres.create_endpoint(main, Endpoint(spec=EndpointSpec(
    endpoint_type=EndpointType.ENDPOINT_TYPE_READ_ONLY)), "replica").wait()
with connect(replica.name) as connection:
    assert connection.execute("SELECT count(*) FROM item").fetchone() == (100,)
    refused(psycopg.errors.ReadOnlySqlTransaction, lambda: connection.execute("DELETE FROM item"))
w.postgres.delete_endpoint(replica.name).wait()
assert [found.name for found in w.postgres.list_endpoints(main)] == [primary]

# Disabled endpoints refuse, others go on
w.postgres.update_endpoint(own.name, Endpoint(spec=EndpointSpec(
    endpoint_type=EndpointType.ENDPOINT_TYPE_READ_WRITE, disabled=True)), FieldMask(["spec.disabled"])).wait()
refused(psycopg.OperationalError, lambda: connect(own.name), "stopped")

# Roles and databases
ada = w.postgres.create_role(main, Role(spec=RoleRoleSpec(
    postgres_role="ada@example.com", identity_type=RoleIdentityType.USER,
    attributes=RoleAttributes(createdb=True), membership_roles=[RoleMembershipRole.DATABRICKS_SUPERUSER])),
    role_id="ada").wait()
assert ada.name == f"{main}/roles/ada" and ada.status.auth_method is RoleAuthMethod.LAKEBASE_OAUTH_V1
assert ada.status.attributes.createdb and ada.status.membership_roles == [RoleMembershipRole.DATABRICKS_SUPERUSER]
assert w.postgres.get_role(ada.name).status.postgres_role == "ada@example.com"
assert ada.name in [found.name for found in w.postgres.list_roles(main)]
plain = w.postgres.update_role(ada.name, Role(spec=RoleRoleSpec(membership_roles=[])),
                               FieldMask(["spec.membership_roles"])).wait()
assert plain.status.attributes.createdb
orders = w.postgres.create_database(main, Database(spec=DatabaseDatabaseSpec(
    role=ada.name, postgres_database="orders")), database_id="orders").wait()
assert orders.status.role == ada.name and orders.status.postgres_database == "orders"
assert w.postgres.get_database(orders.name).status == orders.status
for name in ("bills", "orders"):
    changed = w.postgres.update_database(orders.name, Database(spec=DatabaseDatabaseSpec(role=ada.name, postgres_database=name)),
                                         FieldMask(["spec.postgres_database"])).wait()
    assert changed.status.postgres_database == name and changed.status.role == ada.name, changed.status
assert sorted(found.status.postgres_database for found in w.postgres.list_databases(main)) == [
    "databricks_postgres", "orders"]
refused(BadRequest, lambda: w.postgres.delete_role(ada.name))  # it owns a database
w.postgres.delete_database(orders.name).wait()
refused(NotFound, lambda: w.postgres.get_database(orders.name), "not found")
w.postgres.delete_role(ada.name).wait()

# A native role
w.postgres.update_project("projects/shop", Project(spec=ProjectSpec(enable_pg_native_login=True)),
                          FieldMask(["spec.enable_pg_native_login"])).wait()
till = w.postgres.create_role(main, Role(spec=RoleRoleSpec(
    postgres_role="till", auth_method=RoleAuthMethod.PG_PASSWORD_SCRAM_SHA_256)), role_id="till").wait()
password = w.postgres.reveal_role_password(till.name).password
with connect(primary, user="till", password=password) as connection:
    assert connection.execute("SELECT current_user").fetchone() == ("till",)
refused(psycopg.OperationalError, lambda: connect(primary, user="till", password="wrong"), "does not fit")

# The end
refused(BadRequest, lambda: w.postgres.delete_branch(main), "default branch")
w.postgres.delete_branch(branch.name).wait()
refused(NotFound, lambda: w.postgres.get_branch(branch.name), "not found")
w.postgres.delete_project("projects/shop", purge=True).wait()
assert list(w.postgres.list_projects()) == []
print("ok")
