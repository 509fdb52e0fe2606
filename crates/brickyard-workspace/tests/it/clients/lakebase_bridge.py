"""databricks-ai-bridge: both kinds of Lakebase, roles and grants as the notes of its agents' memory ask for them."""
import asyncio
import os

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.database import DatabaseInstance
from databricks.sdk.service.postgres import Project, ProjectSpec
from databricks_ai_bridge.lakebase import (
    AsyncLakebasePool, LakebaseClient, LakebasePool, SchemaPrivilege, SequencePrivilege, TablePrivilege,
)

APP = os.environ["APP"]
owner = WorkspaceClient()
agent = WorkspaceClient(host=owner.config.host, token=os.environ["APP_TOKEN"], auth_type="pat")
owner.postgres.create_project(Project(spec=ProjectSpec()), "shop").wait()
owner.database.create_database_instance_and_wait(DatabaseInstance(name="store", capacity="CU_1"))

for place in ({"project": "shop", "branch": "production"}, {"instance_name": "store"}):
    with LakebaseClient(**place, workspace_client=owner) as client:
        client.execute("CREATE TABLE public.memory (id serial PRIMARY KEY, word text)")
        client.create_role(APP, "SERVICE_PRINCIPAL")
        assert client.create_role(APP, "SERVICE_PRINCIPAL") is None
        try:
            client.create_role("00000000-0000-0000-0000-000000000000", "SERVICE_PRINCIPAL")
        except ValueError as error:
            assert "not found in the Databricks workspace" in str(error), error
        else:
            raise AssertionError("an identity that is not there got a role")
        client.grant_schema(APP, [SchemaPrivilege.USAGE], ["public"])
        client.grant_table(APP, [TablePrivilege.SELECT, TablePrivilege.INSERT], ["public.memory"])
        client.grant_all_sequences_in_schema(APP, [SequencePrivilege.USAGE], ["public"])
    with LakebasePool(**place, workspace_client=agent).pool.connection() as connection:
        connection.execute("INSERT INTO memory (word) VALUES ('one')")
    with LakebaseClient(**place, workspace_client=agent) as client:
        try:
            client.create_role("ada@example.com", "USER")
        except PermissionError as error:
            assert "Insufficient privileges" in str(error), error
        else:
            raise AssertionError("an agent made a role")

    async def read():
        async with AsyncLakebasePool(**place, workspace_client=agent) as pool:
            async with pool.connection() as connection:
                rows = await (await connection.execute("SELECT word, current_user FROM memory")).fetchall()
                assert [tuple(row.values()) if isinstance(row, dict) else row for row in rows] == [("one", APP)], rows

    asyncio.run(read())
print("ok")
