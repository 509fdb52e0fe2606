made = dev.create_endpoint("shop", "STANDARD")
assert made["endpoint_status"]["state"] == "ONLINE", made
dev.wait_for_endpoint("shop")
assert [e["name"] for e in dev.list_endpoints()["endpoints"]] == ["shop"]
index = dev.create_direct_access_index(
    endpoint_name="shop", index_name="main.default.things", primary_key="id", embedding_dimension=3,
    embedding_vector_column="v",
    schema={"id": "int", "color": "string", "price": "double", "title": "string", "v": "array<float>"})
index.wait_until_ready()
rows = [
    {"id": 1, "color": "red", "price": 1.5, "title": "red apple", "v": [1.0, 0.0, 0.0]},
    {"id": 2, "color": "red", "price": 9.0, "title": "red brick wall", "v": [0.9, 0.1, 0.0]},
    {"id": 3, "color": "blue", "price": 3.0, "title": "blue apple pie", "v": [0.0, 1.0, 0.0]},
    {"id": 4, "color": None, "price": 4.0, "title": "something", "v": [0.0, 0.0, 1.0]},
]
written = index.upsert(rows)
assert written["status"] == "SUCCESS" and written["result"]["success_row_count"] == 4, written

found = index.similarity_search(columns=["id", "color"], query_vector=[1.0, 0.0, 0.0], num_results=2)
assert [c["name"] for c in found["manifest"]["columns"]] == ["id", "color", "score"], found
assert found["result"]["row_count"] == 2 and ids(found) == [1, 2], found
first, second = found["result"]["data_array"]
assert first[2] == 1.0 and abs(second[2] - 1 / 1.02) < 1e-6, found

search = lambda **more: ids(index.similarity_search(columns=["id"], query_vector=[1.0, 0.0, 0.0], num_results=10, **more))
assert search() == [1, 2, 3, 4]
assert search(filters={"color": "blue"}) == [3]
assert search(filters={"color": ["blue", "red"], "price <": 5}) == [1, 3]
assert search(filters={"color NOT": "red"}) == [3]
assert search(filters={"id OR color": [4, "blue"]}) == [3, 4]
assert search(filters={"title LIKE": "apple"}) == [1, 3]
assert search(filters="color = 'red' AND price > 2") == [2]
assert search(filters="title LIKE '%apple%' OR color IS NULL") == [1, 3, 4]
assert search(score_threshold=0.9) == [1, 2]
words = index.similarity_search(columns=["id"], query_text="apple pie", query_type="FULL_TEXT", num_results=5)
assert ids(words) == [3, 1], words
both = index.similarity_search(
    columns=["id", "v"], query_text="wall", query_vector=[0.0, 1.0, 0.0], query_type="HYBRID", num_results=2)
assert sorted(ids(both)) == [2, 3] and both["result"]["data_array"][0][-1] <= 1.0, both
assert len(both["result"]["data_array"][0][1]) == 3, both

only = dict(columns=["id"], query_text="apple", query_type="FULL_TEXT")
assert ids(index.similarity_search(**only, query_columns=["color"])) == []
assert ids(index.similarity_search(**only, filters={"color": "blue"}, sort_columns=["price ASC"])) == [3]
both = dict(columns=["id"], query_text="apple", query_vector=[1.0, 0.0, 0.0], query_type="hybrid", num_results=10)
assert ids(index.similarity_search(**both))[0] == 1 and ids(index.similarity_search(**both, filters={"color": "blue"})) == [3]
facets = index.similarity_search(columns=["id"], query_vector=[1.0, 0.0, 0.0], num_results=1, facets=["color", "price BUCKETS [[0,2],[2,10]]"])
assert ids(facets) == [1] and [c["name"] for c in facets["manifest"]["facet_columns"]] == ["facet_column_name", "value_or_range", "count"], facets
assert facets["facet_result"]["facet_array"] == [
    ["color", "red", 2], ["color", "blue", 1], ["price", "[0,2]", 1], ["price", "[2,10]", 3]], facets
facets = lambda *names, **more: index.similarity_search(columns=["id"], facets=list(names), **more)["facet_result"]["facet_array"]
assert facets("color TOP 1", query_vector=[1.0, 0.0, 0.0], filters={"price <": 5}) in ([["color", "blue", 1]], [["color", "red", 1]])
assert facets("color", "id", query_text="apple", query_type="FULL_TEXT") == [["color", "blue", 1], ["color", "red", 1], ["id", 1.0, 1], ["id", 3.0, 1]]
def told(**more):
    try:
        return index.similarity_search(**{"columns": ["id"], "query_vector": [1.0, 0.0, 0.0], **more})
    except Exception as error:
        return str(error)
from databricks.vector_search.reranker import DatabricksReranker
for what, more in [
    ("does not implement rerankers of vector search", {"reranker": DatabricksReranker(["title"])}),
    ("does not implement rerankers of vector search", {"columns_to_rerank": ["title"]}),
    ("Column 'color' has more than one facet", {"facets": ["color", "color TOP 2"]}),
    ("no column 'nope'", {"facets": ["nope"]}),
    ("is none of '<column>'", {"facets": ["price BUCKETS 3"]}),
    ("query_type NEAREST is not known", {"query_type": "NEAREST"}),
    ("A FULL_TEXT search needs query_text", {"query_type": "FULL_TEXT"}),
    ("A HYBRID search needs query_text", {"query_type": "HYBRID"}),
    ("num_results must lie between 1 and 200", {"query_type": "HYBRID", "query_text": "a", "num_results": 201}),
    ("no column 'nope'", {"query_type": "FULL_TEXT", "query_text": "a", "query_columns": ["nope"]}),
]:
    assert what in str(told(**more)), (what, told(**more))

refused(lambda: index.similarity_search(columns=["id"], query_vector=[1.0]))
refused(lambda: index.similarity_search(columns=["nope"], query_vector=[1.0, 0.0, 0.0]))
refused(lambda: index.similarity_search(columns=["id"], query_vector=[1.0, 0.0, 0.0], filters={"nope": 1}))
refused(lambda: index.similarity_search(columns=["id"], query_text="no model"))
refused(lambda: index.upsert([{"id": 5, "v": [1.0]}]))
refused(lambda: index.upsert([{"id": 5, "v": [1.0, 0.0, 0.0], "extra": 1}]))
assert index.describe()["status"]["indexed_row_count"] == 4

# More than a page comes whole, for the client asks for what follows.
index.upsert([{"id": at, "color": "grey", "price": 1.0, "title": "many", "v": [0.5, 0.5, at / 1e6]} for at in range(1000, 3300)])
many = index.similarity_search(columns=["id"], query_vector=[0.5, 0.5, 0.0], num_results=2500, filters={"color": "grey"}, facets=["color"])
assert sorted(ids(many)) == list(range(1000, 3300)) and "next_page_token" not in many, many["result"]["row_count"]
index.delete([str(at) for at in range(1000, 3300)])

changed = index.upsert([{"id": 1, "color": "green", "price": 1.0, "title": "lime", "v": [0.0, 0.0, 2.0]}])
assert search(filters={"color": "green"}) == [1]
gone = index.delete(["2", "99"])
assert gone["status"] == "SUCCESS" and sorted(search()) == [1, 3, 4], (gone, search())
page = index.scan(num_results=2)
keys = [{f["key"]: f["value"] for f in row["fields"]}["id"]["number_value"] for row in page["data"]]
assert keys == [1, 3] and page["last_primary_key"] == "3", page
rest = index.scan(num_results=2, last_primary_key=page["last_primary_key"])
assert len(rest["data"]) == 1, rest

# The service principal has no grant on the index yet.
refused(lambda: app.get_index(index_name="main.default.things"))
grants = {"changes": [{"principal": os.environ["DATABRICKS_CLIENT_ID"], "add": ["SELECT"]}]}
w.api_client.do("PATCH", "/api/2.1/unity-catalog/permissions/table/main.default.things", body=grants)
for kind, name, privilege in [("catalog", "main", "USE_CATALOG"), ("schema", "main.default", "USE_SCHEMA")]:
    change = {"changes": [{"principal": os.environ["DATABRICKS_CLIENT_ID"], "add": [privilege]}]}
    w.api_client.do("PATCH", f"/api/2.1/unity-catalog/permissions/{kind}/{name}", body=change)
seen = app.get_index(index_name="main.default.things")
assert ids(seen.similarity_search(columns=["id"], query_vector=[0.0, 1.0, 0.0], num_results=1)) == [3]
refused(lambda: seen.upsert([{"id": 7, "v": [1.0, 0.0, 0.0]}]))
refused(lambda: app.delete_index(index_name="main.default.things"))
refused(lambda: client(os.environ["ADA_TOKEN"]).get_index(index_name="main.default.things"))

# An index is a table of the catalog, and dropping it in SQL drops it.
shown = w.api_client.do("GET", "/api/2.1/unity-catalog/tables/main.default.things")
assert shown["data_source_format"] == "VECTOR_INDEX_FORMAT", shown
refused(lambda: dev.delete_endpoint("shop"))
dev.delete_index(endpoint_name="shop", index_name="main.default.things")
refused(lambda: dev.get_index(index_name="main.default.things"))
assert dev.list_indexes("shop") == {"vector_indexes": []}, dev.list_indexes("shop")
dev.delete_endpoint("shop")
print("ok")
