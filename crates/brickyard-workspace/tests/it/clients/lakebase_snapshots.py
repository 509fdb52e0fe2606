"""databricks-sdk against /api/2.0/postgres: snapshots and branches made of them, pooled hosts, what is not there."""
import psycopg
from databricks.sdk import WorkspaceClient
from databricks.sdk.common.types.fieldmask import FieldMask
from databricks.sdk.errors import AlreadyExists, InvalidParameterValue, NotFound, NotImplemented
from databricks.sdk.service import database, postgres
from databricks.sdk.service.postgres import (
    Branch, BranchSpec, Endpoint, EndpointSpec, EndpointType, Project, ProjectSpec, Role, RoleAuthMethod, RoleRoleSpec,
    Snapshot, SnapshotSpec,
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


def connect(endpoint, user=me, password=None, pooled=False):
    password = password or w.postgres.generate_database_credential(endpoint=endpoint).token
    hosts = w.postgres.get_endpoint(endpoint).status.hosts
    host = (hosts.read_write_pooled_host or hosts.read_only_pooled_host) if pooled else hosts.host
    return psycopg.connect(host=host, user=user, dbname="databricks_postgres", sslmode="require", password=password)


project = w.postgres.create_project(Project(spec=ProjectSpec(enable_pg_native_login=True)), "shop").wait()
main = project.status.default_branch
primary = f"{main}/endpoints/primary"


def history():
    """Earlier states, which are kept where somebody asks for them."""
    def stamp(connection):
        seen = Timestamp()
        seen.FromDatetime(connection.execute("SELECT clock_timestamp()").fetchone()[0])
        return seen

    def keep(seconds):
        spec = ProjectSpec(history_retention_duration=Duration(seconds=seconds))
        w.postgres.update_project("projects/shop", Project(spec=spec), FieldMask(["spec.history_retention_duration"])).wait()

    def begin(name, **spec):
        branch = w.postgres.create_branch("projects/shop", Branch(spec=BranchSpec(no_expiry=True, **spec)), name).wait()
        return w.postgres.create_endpoint(branch.name, Endpoint(spec=EndpointSpec(
            endpoint_type=EndpointType.ENDPOINT_TYPE_READ_WRITE)), "primary").wait()

    with connect(primary) as connection:
        connection.execute("CREATE TABLE item AS SELECT generate_series(1, 100) AS id")
        connection.commit()
        early = stamp(connection)
        connection.execute("INSERT INTO item VALUES (101)")
    refused(NotImplemented, lambda: begin("none", source_branch_time=early), "history_retention_duration")
    keep(86_400)
    with connect(primary) as connection:
        connection.autocommit = True
        before, lsn = stamp(connection), connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()[0]
        connection.execute("CREATE ROLE late LOGIN")
        connection.execute("DROP TABLE item")
    snapshot = w.postgres.create_snapshot("projects/shop", Snapshot(
        spec=SnapshotSpec(source_branch=main, source_branch_time=before, no_expiry=True)), "before").wait()
    for name, spec in (("time", {"source_branch_time": before}), ("lsn", {"source_branch_lsn": lsn}),
                       ("snapshot", {"source_snapshot": snapshot.name})):
        endpoint = begin(name, **spec)
        with connect(endpoint.name) as connection:
            assert connection.execute("SELECT count(*) FROM item").fetchone() == (101,), name
            connection.execute("DELETE FROM item WHERE id > 50")
        roles = [role.status.postgres_role for role in w.postgres.list_roles(f"projects/shop/branches/{name}")]
        assert me in roles and "late" not in roles, (name, roles)
    with connect(primary) as connection:
        assert connection.execute("SELECT to_regclass('item')").fetchone() == (None,)
    assert "late" in [role.status.postgres_role for role in w.postgres.list_roles(main)]
    refused(InvalidParameterValue, lambda: begin("none", source_branch_time=early), "before what is kept")
    long_ago = Timestamp(seconds=early.seconds - 90_000)
    refused(InvalidParameterValue, lambda: begin("none", source_branch_time=long_ago), "older than", "86400")
    refused(InvalidParameterValue, lambda: begin("none", source_branch_time=before, source_branch_lsn=lsn), "Only one")
    refused(InvalidParameterValue, lambda: begin("none", source_branch_lsn="FFFF/0"), "future")
    refused(InvalidParameterValue, lambda: begin("none", source_branch_lsn="here"), "0/3000148")
    keep(0)
    refused(NotImplemented, lambda: begin("none", source_branch_time=before), "history_retention_duration")


def instance_history():
    """The same of provisioned instances, for which children go by a point of their parent."""
    Instance, Ref = database.DatabaseInstance, database.DatabaseInstanceRef

    def connect(instance):
        token = w.database.generate_database_credential(instance_names=[instance.name]).token
        return psycopg.connect(host=instance.read_write_dns, user=me, dbname="databricks_postgres", sslmode="require",
                               password=token, autocommit=True)

    def child(name, **point):
        return w.database.create_database_instance_and_wait(Instance(
            name=name, capacity="CU_1", parent_instance_ref=Ref(name="parent", **point)))

    parent = w.database.create_database_instance_and_wait(Instance(name="parent", capacity="CU_1", retention_window_in_days=7))
    with connect(parent) as connection:
        connection.execute("CREATE TABLE item AS SELECT 7 AS id")
        time = connection.execute("SELECT to_json(clock_timestamp())").fetchone()[0]
        lsn = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()[0]
        connection.execute("DROP TABLE item")
    for name, point in (("by-time", {"branch_time": time}), ("by-lsn", {"lsn": lsn})):
        with connect(child(name, **point)) as connection:
            assert connection.execute("SELECT id FROM item").fetchone() == (7,), name
    with connect(child("as-it-is")) as connection:
        assert connection.execute("SELECT to_regclass('item')").fetchone() == (None,)
    refused(InvalidParameterValue, lambda: child("never", branch_time="2020-01-01T00:00:00Z"), "before what is kept")
    refused(InvalidParameterValue, lambda: child("never", branch_time="2120-01-01T00:00:00Z"), "no point of the past")
    for name in ("by-time", "by-lsn", "as-it-is", "parent"):
        w.database.delete_database_instance(name, purge=True, force=True)


def snapshots():
    with connect(primary) as connection:
        connection.execute("CREATE TABLE item AS SELECT generate_series(1, 100) AS id")
    spec = SnapshotSpec(source_branch=main, no_expiry=True)
    made = w.postgres.create_snapshot("projects/shop", Snapshot(spec=spec), "before").wait()
    assert made.name == "projects/shop/snapshots/before" and made.snapshot_id == "before" and made.uid, made
    assert made.status.source_branch == main and made.status.no_expiry and made.status.full_size_bytes > 1_000_000
    assert w.postgres.get_snapshot(made.name) == made
    refused(AlreadyExists, lambda: w.postgres.create_snapshot("projects/shop", Snapshot(spec=spec), "before"))
    refused(NotFound, lambda: w.postgres.create_snapshot("projects/shop", Snapshot(
        spec=SnapshotSpec(source_branch="projects/shop/branches/absent")), "other"), "branch")
    refused(NotImplemented, lambda: w.postgres.create_snapshot("projects/shop", Snapshot(
        spec=SnapshotSpec(source_branch=main, source_branch_lsn="0/1")), "other"), "history_retention_duration", "hint:")

    # What is lost later is there in a branch made of it, as often as one likes.
    with connect(primary) as connection:
        connection.execute("DROP TABLE item")
    for name in ("rescue", "again"):
        branch = w.postgres.create_branch("projects/shop", Branch(spec=BranchSpec(
            source_snapshot=made.name, no_expiry=True)), name).wait()
        assert branch.status.source_snapshot == made.name and branch.status.source_branch is None, branch.status
        endpoint = w.postgres.create_endpoint(branch.name, Endpoint(spec=EndpointSpec(
            endpoint_type=EndpointType.ENDPOINT_TYPE_READ_WRITE)), "primary").wait()
        with connect(endpoint.name) as connection:
            assert connection.execute("SELECT count(*) FROM item").fetchone() == (100,)
            connection.execute("DELETE FROM item")
    refused(InvalidParameterValue, lambda: w.postgres.create_branch("projects/shop", Branch(spec=BranchSpec(
        source_snapshot=made.name, source_branch=main)), "both"), "source_branch must be empty")
    refused(NotFound, lambda: w.postgres.create_branch("projects/shop", Branch(spec=BranchSpec(
        source_snapshot="projects/shop/snapshots/absent")), "none"), "snapshot")

    # It outlives its branch, and its own time only as far as that goes.
    w.postgres.delete_branch("projects/shop/branches/again").wait()
    short = SnapshotSpec(source_branch="projects/shop/branches/rescue", ttl=Duration(seconds=8))
    w.postgres.create_snapshot("projects/shop", Snapshot(spec=short), "short").wait()
    w.postgres.delete_branch("projects/shop/branches/rescue").wait()
    while [found.snapshot_id for found in w.postgres.list_snapshots("projects/shop")] != ["before"]:
        pass
    w.postgres.delete_snapshot(made.name).wait()
    refused(NotFound, lambda: w.postgres.get_snapshot(made.name), "snapshot")
    assert w.postgres.get_snapshot_schedule(f"{main}/snapshot-schedule").schedule == []


def pooled():
    # As on the platform, only roles with a password of their own come in through a pooled host.
    hosts = w.postgres.get_endpoint(primary).status.hosts
    assert hosts.read_write_pooled_host not in (None, hosts.host), hosts
    refused(psycopg.OperationalError, lambda: connect(primary, pooled=True), "native Postgres passwords only", "HINT")
    till = w.postgres.create_role(main, Role(spec=RoleRoleSpec(
        postgres_role="till", auth_method=RoleAuthMethod.PG_PASSWORD_SCRAM_SHA_256)), role_id="till").wait()
    password = w.postgres.reveal_role_password(till.name).password
    refused(psycopg.OperationalError, lambda: connect(primary, "till", password + "x", pooled=True), "does not fit")
    processes = set()
    for _ in range(20):
        with connect(primary, "till", password, pooled=True) as connection:
            processes.add(connection.execute("SELECT pg_backend_pid()").fetchone()[0])
            connection.execute("SET search_path = nowhere")
            assert connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
    assert len(processes) < 20, "no process served twice"
    # A new password ends what the old one opened.
    other = w.postgres.reveal_role_password(till.name).password
    assert other != password
    refused(psycopg.OperationalError, lambda: connect(primary, "till", password, pooled=True), "does not fit")
    refused(psycopg.OperationalError, lambda: connect(primary, "till", password), "does not fit")
    with connect(primary, "till", other, pooled=True) as connection:
        assert connection.execute("SHOW search_path").fetchone() == ('"$user", public',)
    w.postgres.update_endpoint(primary, Endpoint(spec=EndpointSpec(
        endpoint_type=EndpointType.ENDPOINT_TYPE_READ_WRITE, disabled=True)), FieldMask(["spec.disabled"])).wait()
    refused(psycopg.OperationalError, lambda: connect(primary, "till", other, pooled=True), "stopped")
    w.postgres.update_endpoint(primary, Endpoint(spec=EndpointSpec(
        endpoint_type=EndpointType.ENDPOINT_TYPE_READ_WRITE, disabled=False)), FieldMask(["spec.disabled"])).wait()


def absent():
    branch, data = main, f"{main}/databases/databricks_postgres"
    spec = database.DatabaseCatalog(name="c", database_instance_name="i", database_name="d")
    schedule = postgres.SnapshotSchedule(schedule=[])
    for call in (
        lambda: w.database.update_database_catalog("c", spec, "database_name"),
        lambda: w.postgres.undelete_branch(branch),
        lambda: w.postgres.undelete_project("projects/shop"),
        lambda: w.postgres.update_snapshot_schedule(f"{branch}/snapshot-schedule", schedule, FieldMask(["schedule"])),
        lambda: w.postgres.create_cdf_config(data, postgres.CdfConfig(catalog="c", postgres_schema="s", schema="s")),
        lambda: w.postgres.get_cdf_config(f"{data}/cdf-configs/c"),
        lambda: w.postgres.delete_cdf_config(f"{data}/cdf-configs/c"),
        lambda: list(w.postgres.list_cdf_configs(data)),
        lambda: list(w.postgres.list_cdf_statuses(data)),
        lambda: w.postgres.get_cdf_status(f"{data}/cdf-statuses/c"),
        lambda: w.postgres.create_data_api(data, postgres.DataApi()),
        lambda: w.postgres.get_data_api(f"{data}/data-api"),
        lambda: w.postgres.update_data_api(f"{data}/data-api", postgres.DataApi(), FieldMask(["spec"])),
        lambda: w.postgres.delete_data_api(f"{data}/data-api"),
    ):
        refused(NotImplemented, call, "does not implement", "hint:")
