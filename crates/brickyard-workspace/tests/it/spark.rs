use crate::harness::{ADA, CLIENT_ID, DEVELOPER, PREINSTALLED, TODAY, environment, start};

/// The newest client for the interpreter that the tests have.
const CONNECT: &[&str] = &["databricks-connect==16.1.7", "databricks-sdk==0.162.0", "pyarrow==17.0.0"];

/// Sessions on the cluster and serverless read tables and work on their rows as the caller; what could go around grants is
/// refused by name.
#[tokio::test(flavor = "multi_thread")]
async fn databricks_connect_reads_as_the_caller() {
    let running = start().await;
    let token = |name| running.handle.create_personal_access_token(name).unwrap();
    running.handle.grant_object(CLIENT_ID, "clusters", "0101-000000-brickyrd", "CAN_ATTACH_TO").unwrap();
    let mut variables = running.app_environment();
    variables.push(("DEVELOPER_TOKEN".to_owned(), token(DEVELOPER)));
    variables.push(("ADA_TOKEN".to_owned(), token(ADA)));
    let script = r#"
import os
from databricks.connect import DatabricksSession
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from pyspark.sql import functions as F
url = "https://" + os.environ["DATABRICKS_HOST"].removeprefix("https://")
def refused(call):
    try:
        print("allowed", call())
    except Exception as error:
        print(type(error).__name__, str(error).split("\n")[0][:110])
config = lambda token: Config(host=url, token=token, auth_type="pat")
w = WorkspaceClient(config=config(os.environ["DEVELOPER_TOKEN"]))
cluster = [c for c in w.clusters.list()][0]
assert cluster.state.value == "RUNNING" and w.clusters.get(cluster.cluster_id).spark_version == cluster.spark_version
spark = DatabricksSession.builder.sdkConfig(Config(host=url, token=os.environ["DEVELOPER_TOKEN"], auth_type="pat", cluster_id=cluster.cluster_id)).create()
spark.sql("CREATE TABLE main.default.fruit AS SELECT * FROM VALUES (1, 'apple'), (2, 'pear'), (3, 'plum') AS t(id, name)")
spark.sql("CREATE TABLE main.default.hidden AS SELECT 1 AS x")
assert [r.name for r in spark.table("main.default.fruit").orderBy("id").collect()] == ["apple", "pear", "plum"]
frame = spark.read.table("main.default.fruit").filter(F.col("id") > 1).withColumn("twice", F.col("id") * 2)
print(frame.select("name", "twice").orderBy(F.desc("id")).toPandas().values.tolist())
print(spark.sql("SELECT count(*) AS n FROM main.default.fruit").first().n, spark.range(5).count())
print(frame.groupBy().agg(F.sum("twice").alias("s")).collect()[0].s, frame.columns, frame.schema["twice"].dataType.simpleString())
spark.table("main.default.fruit").join(spark.range(3), "id").show()
print(sorted(r.tableName for r in spark.sql("SHOW TABLES IN main.default").collect()))
print(spark.createDataFrame([(7, "x")], "a INT, b STRING").collect(), spark.sql("SELECT current_user() AS u").first().u)
refused(lambda: spark.read.parquet("/etc").collect())
refused(lambda: spark.sql("SELECT * FROM parquet.`/etc/passwd`").collect())
refused(lambda: spark.range(1).select(F.expr("(SELECT max(x) FROM main.default.hidden)")).collect())
refused(lambda: spark.range(1).write.saveAsTable("main.default.written"))
refused(lambda: spark.table("main.default.absent").collect())

serverless = DatabricksSession.builder.sdkConfig(Config(serverless_compute_id="auto")).create()
print(serverless.sql("SELECT current_user() AS u").first().u == os.environ["DATABRICKS_CLIENT_ID"])
refused(lambda: serverless.table("main.default.fruit").collect())
for kind, name, privilege in [("catalog", "main", "USE_CATALOG"), ("schema", "main.default", "USE_SCHEMA"), ("table", "main.default.fruit", "SELECT")]:
    w.api_client.do("PATCH", f"/api/2.1/unity-catalog/permissions/{kind}/{name}",
        body={"changes": [{"principal": os.environ["DATABRICKS_CLIENT_ID"], "add": [privilege]}]})
print(serverless.table("main.default.fruit").count())
refused(lambda: serverless.table("main.default.hidden").collect())
refused(lambda: serverless.sql("SELECT * FROM main.default.hidden").collect())
refused(lambda: WorkspaceClient(config=config(os.environ["ADA_TOKEN"])).clusters.get(cluster.cluster_id))
spark.stop()
print("ok")
"#;
    let printed = running.python_with(&environment(CONNECT).await, &variables, script).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[0], "[['plum', 6], ['pear', 4]]", "{printed}");
    assert_eq!(lines[1], "3 5", "{printed}");
    assert_eq!(lines[2], "10 ['id', 'name', 'twice'] int", "{printed}");
    assert!(!printed.contains("allowed"), "{printed}");
    assert!(printed.contains("spark.read of files"), "{printed}");
    assert!(printed.contains("\n['fruit', 'hidden']\n"), "{printed}");
    assert!(printed.contains("DataFrame.write"), "{printed}");
    assert!(printed.contains(DEVELOPER), "{printed}");
}

/// Old SDKs ask version 2.0 of the API, today's version 2.1: both find one cluster that runs.
#[tokio::test(flavor = "multi_thread")]
async fn sdks_of_three_generations_see_the_cluster() {
    let running = start().await;
    let variables = running.people_environment();
    let script = r#"
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError
w = WorkspaceClient()
[cluster] = w.clusters.list()
try:
    raise SystemExit(w.clusters.start(cluster.cluster_id))
except DatabricksError as error:
    assert "is in unexpected state Running" in str(error), error
got = w.clusters.get(cluster.cluster_id)
print(got.state.value, got.spark_version in [v.key for v in w.clusters.spark_versions().versions])
print(w.clusters.select_spark_version(scala="2.13") == got.spark_version)
"#;
    for requirements in [TODAY, PREINSTALLED, &["databricks-sdk==0.20.0"]] {
        let printed = running.python_with(&environment(requirements).await, &variables, script).await;
        assert_eq!(printed, "RUNNING True\nTrue\n", "{requirements:?}");
    }
}
