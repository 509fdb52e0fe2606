"""databricks-sdk against /api/2.0/database: the life of an instance, from its making to its end."""
import os

import psycopg
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound, ResourceAlreadyExists
from databricks.sdk.service.database import (
    DatabaseCatalog,
    DatabaseInstance,
    DatabaseInstanceRef,
    DatabaseInstanceRole,
    DatabaseInstanceRoleAttributes,
    DatabaseInstanceRoleIdentityType,
    DatabaseInstanceRoleMembershipRole,
    RequestedClaims,
    RequestedClaimsPermissionSet,
    SyncedDatabaseTable,
)

w = WorkspaceClient()
me = w.current_user.me().user_name


def refused(kind, call, *words):
    try:
        call()
    except kind as error:
        assert all(word in str(error) for word in words), error
        return
    raise AssertionError(f"not refused: {kind}")


def connect(instance, database="databricks_postgres", user=me, **options):
    password = options.pop("password", None) or w.database.generate_database_credential(
        request_id="1", instance_names=[instance.name]).token
    return psycopg.connect(host=instance.read_write_dns, port=os.environ.get("LAKEBASE_PORT", 5432), user=user,
                           dbname=database, sslmode="require", password=password, **options)


shop = w.database.create_database_instance_and_wait(DatabaseInstance(name="shop", capacity="CU_1"))
assert shop.state.value == "AVAILABLE" and shop.creator == me and shop.read_write_dns, shop
assert shop.effective_capacity == "CU_1" and shop.effective_retention_window_in_days == 7, shop
assert [instance.name for instance in w.database.list_database_instances()] == ["shop"]
assert w.database.find_database_instance_by_uid(uid=shop.uid).name == "shop"
refused(NotFound, lambda: w.database.get_database_instance("absent"), "not found")
refused(ResourceAlreadyExists, lambda: w.database.create_database_instance(DatabaseInstance(name="shop")))
refused(InvalidParameterValue, lambda: w.database.create_database_instance(DatabaseInstance(name="_x")))
refused(InvalidParameterValue, lambda: w.database.create_database_instance(DatabaseInstance(name="x", capacity="CU_3")))

with connect(shop) as connection:
    connection.execute("CREATE TABLE item AS SELECT generate_series(1, 100) AS id")
    rows = connection.execute("SELECT rolcreatedb, pg_has_role(current_user, 'databricks_superuser', 'member') "
                              "FROM pg_roles WHERE rolname = current_user").fetchone()
    assert rows == (True, True), rows
assert w.database.get_database_instance("shop").pg_version.startswith("PG_VERSION_")

claims = [RequestedClaims(permission_set=RequestedClaimsPermissionSet.READ_ONLY)]
reader = w.database.generate_database_credential(instance_names=["shop"], claims=claims).token
with connect(shop, password=reader) as connection:
    refused(psycopg.errors.ReadOnlySqlTransaction, lambda: connection.execute("DELETE FROM item"))

# Roles
ada = w.database.create_database_instance_role("shop", DatabaseInstanceRole(
    name="ada@example.com", identity_type=DatabaseInstanceRoleIdentityType.USER,
    membership_role=DatabaseInstanceRoleMembershipRole.DATABRICKS_SUPERUSER,
    attributes=DatabaseInstanceRoleAttributes(createdb=True)))
assert ada.attributes.createdb and not ada.attributes.createrole
names = sorted(role.name for role in w.database.list_database_instance_roles("shop"))
assert names == sorted(["ada@example.com", me]), names
refused(ResourceAlreadyExists, lambda: w.database.create_database_instance_role("shop", DatabaseInstanceRole(name=me)))
refused(NotFound, lambda: w.database.create_database_instance_role("shop", DatabaseInstanceRole(name="nobody@x.y")))
assert w.database.get_database_instance_role("shop", "ada@example.com").membership_role == ada.membership_role
refused(NotFound, lambda: w.database.get_database_instance_role("shop", "absent"), "not found")
w.database.delete_database_instance_role("shop", "ada@example.com")
w.database.delete_database_instance_role("shop", "ada@example.com", allow_missing=True)

# A native role with a password of its own
with connect(shop, autocommit=True) as connection:
    refused(psycopg.OperationalError, lambda: connect(shop, user="till", password="sesame"), "authentication failed")
w.database.update_database_instance("shop", DatabaseInstance(name="shop", enable_pg_native_login=True), "*")
till = DatabaseInstanceRole(name="till", identity_type=DatabaseInstanceRoleIdentityType.PG_ONLY)
w.database.create_database_instance_role("shop", till)
with connect(shop, autocommit=True) as connection:
    refused(psycopg.errors.InsufficientPrivilege, lambda: connection.execute("ALTER ROLE cloud_admin PASSWORD 'x'"))
refused(psycopg.OperationalError, lambda: connect(shop, user="till", password="sesame"), "does not fit")

# A copy, a stop, a start
copy = w.database.create_database_instance_and_wait(
    DatabaseInstance(name="copy", parent_instance_ref=DatabaseInstanceRef(name="shop")))
assert copy.parent_instance_ref.name == "shop"
with connect(copy) as connection:
    assert connection.execute("SELECT count(*) FROM item").fetchone() == (100,)
    connection.execute("DELETE FROM item")
with connect(shop) as connection:
    assert connection.execute("SELECT count(*) FROM item").fetchone() == (100,)
refused(InvalidParameterValue, lambda: w.database.delete_database_instance("shop", purge=True), "child")
stopped = w.database.update_database_instance("shop", DatabaseInstance(name="shop", stopped=True), "stopped")
assert stopped.state.value == "STOPPED" and stopped.effective_stopped
refused(psycopg.OperationalError, lambda: connect(shop), "stopped")
w.database.update_database_instance("shop", DatabaseInstance(name="shop", stopped=False), "stopped")
with connect(shop) as connection:
    assert connection.execute("SELECT count(*) FROM item").fetchone() == (100,)

# Catalogs make databases
w.database.create_database_catalog(DatabaseCatalog(
    name="till", database_instance_name="shop", database_name="receipts", create_database_if_not_exists=True))
assert w.database.get_database_catalog("till").database_name == "receipts"
assert [catalog.name for catalog in w.database.list_database_catalogs("shop")] == ["till"]
with connect(shop, "receipts") as connection:
    connection.execute("CREATE TABLE public.receipt (id int)")
refused(NotFound, lambda: w.database.create_database_catalog(DatabaseCatalog(
    name="x", database_instance_name="shop", database_name="absent")), "not found")
w.database.delete_database_catalog("till")
refused(NotFound, lambda: w.database.get_synced_database_table("a.b.c"), "not found")
refused(InvalidParameterValue, lambda: w.database.create_synced_database_table(SyncedDatabaseTable(name="a.b.c")), "stands for no")

# The end
refused(BadRequest, lambda: w.database.delete_database_instance("copy"), "purge")
w.database.delete_database_instance("copy", purge=True)
w.database.delete_database_instance("shop", purge=True)
assert list(w.database.list_database_instances()) == []
refused(NotFound, lambda: w.database.generate_database_credential(instance_names=["shop"]), "not found")
print("ok")
