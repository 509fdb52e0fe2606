def sql(text):
    done = w.statement_execution.execute_statement(text, os.environ["DATABRICKS_WAREHOUSE_ID"], wait_timeout="50s")
    assert done.status.state.value == "SUCCEEDED", done
sql("CREATE TABLE main.default.notes (id BIGINT, body STRING, secret STRING)")
sql("INSERT INTO main.default.notes VALUES (1, 'red red', 'x'), (2, 'blue', 'x'), (3, 'red and blue', 'x')")
dev.create_endpoint("shop")
def make(name, pipeline):
    return dev.create_delta_sync_index(
        endpoint_name="shop", index_name=name, source_table_name="main.default.notes", pipeline_type=pipeline,
        primary_key="id", embedding_source_column="body", embedding_model_endpoint_name="embed",
        columns_to_sync=["id", "body"])
index = make("main.default.notes_index", "TRIGGERED")
deadline = time.monotonic() + 60
while not index.describe()["status"]["ready"]:
    assert time.monotonic() < deadline, index.describe()
    time.sleep(0.2)
assert index.describe()["status"]["indexed_row_count"] == 3, index.describe()
search = lambda index, text: ids(index.similarity_search(columns=["id", "body"], query_text=text, num_results=1))
assert search(index, "red red") == [1] and search(index, "blue") == [2]
refused(lambda: index.similarity_search(columns=["secret"], query_text="red"))
refused(lambda: index.upsert([{"id": 9, "body": "x"}]))
sql("INSERT INTO main.default.notes VALUES (4, 'blue blue blue', 'x')")
sql("DELETE FROM main.default.notes WHERE id = 1")
assert search(index, "red red") == [1], "nothing changes before a sync"
index.sync()
while index.describe()["status"]["indexed_row_count"] != 3 or search(index, "blue blue blue") != [4]:
    assert time.monotonic() < deadline, index.describe()
    time.sleep(0.2)
assert search(index, "red red") == [3]

following = make("main.default.notes_following", "CONTINUOUS")
sql("INSERT INTO main.default.notes VALUES (5, 'red red red', 'x')")
assert search(following, "red red red") == [5]
sql("DROP TABLE main.default.notes_index")
refused(lambda: index.describe())
refused(lambda: dev.create_delta_sync_index(
    endpoint_name="shop", index_name="main.default.other", source_table_name="main.default.absent",
    pipeline_type="TRIGGERED", primary_key="id", embedding_source_column="body", embedding_model_endpoint_name="embed"))
print("ok")
