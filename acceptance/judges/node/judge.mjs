// What @databricks/sql does: connect, types, parameters, large results by link and in answers, metadata, errors, cancel.
import assert from "node:assert/strict";
import sql from "@databricks/sql";

const { DATABRICKS_SERVER_HOSTNAME: host, DATABRICKS_HTTP_PATH: path, DATABRICKS_TOKEN: token } = process.env;
const proxy = new URL(process.env.HTTPS_PROXY);
const client = new sql.DBSQLClient();
await client.connect({
  host, path, token,
  proxy: { protocol: "http", host: proxy.hostname, port: Number(proxy.port) },
});
const session = await client.openSession();
const all = async (statement, options = {}) => {
  const operation = await session.executeStatement(statement, { runAsync: true, ...options });
  const rows = await operation.fetchAll();
  await operation.close();
  return rows;
};

const [row] = await all("SELECT 1 i, 2.5D d, 'x' s, true b, CAST(1.50 AS DECIMAL(10,2)) c, DATE'2024-01-02' da, NULL n, array(1, 2) a");
assert.deepEqual([row.i, row.d, row.s, row.b, Number(row.c), row.n], [1, 2.5, "x", true, 1.5, null]);
assert.deepEqual([...row.a], [1, 2]);
const named = await all("SELECT :a + 1 AS a, :b AS b", { namedParameters: { a: 41, b: "it's" } });
assert.deepEqual([Number(named[0].a), named[0].b], [42, "it's"]);
const ordinal = await all("SELECT ? AS a", { ordinalParameters: ["z"] });
assert.equal(ordinal[0].a, "z");

for (const useCloudFetch of [true, false]) {
  const rows = await all("SELECT id, CAST(id AS STRING) t FROM range(300000)", { useCloudFetch });
  assert.equal(rows.length, 300000);
  assert.equal(new Set(rows.map((row) => Number(row.id))).size, 300000);
}

const names = async (operation) => (await (await operation).fetchAll()).map((row) => Object.values(row));
assert.ok((await names(session.getCatalogs())).flat().includes("main"));
assert.ok((await names(session.getSchemas({ catalogName: "main" }))).flat().includes("default"));
assert.ok((await names(session.getTypeInfo())).flat().includes("BIGINT"));
await all("CREATE OR REPLACE TABLE node_things (id BIGINT, name STRING)");
await all("INSERT INTO node_things VALUES (1, 'a'), (2, 'b')");
assert.ok((await names(session.getTables({ catalogName: "main", schemaName: "default" }))).flat().includes("node_things"));
const columns = await names(session.getColumns({ catalogName: "main", schemaName: "default", tableName: "node_things" }));
assert.equal(columns.length, 2);
assert.equal((await all("SELECT * FROM node_things")).length, 2);
await all("DROP TABLE node_things");

await assert.rejects(all("SELECT * FROM nowhere"), /TABLE_OR_VIEW_NOT_FOUND/);
const slow = await session.executeStatement("SELECT sum(sin(id)) FROM range(1000000000000)", { runAsync: true });
await slow.cancel();
await assert.rejects(slow.fetchAll());
await session.close();
await client.close();
console.log("ok");
