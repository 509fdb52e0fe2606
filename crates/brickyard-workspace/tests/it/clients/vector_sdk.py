from databricks.sdk.service.vectorsearch import (
    CustomTag, DirectAccessVectorIndexSpec, EmbeddingVectorColumn, EndpointType, VectorIndexType)
endpoint = w.vector_search_endpoints.create_endpoint_and_wait("shop", EndpointType.STANDARD)
assert endpoint.name == "shop" and [e.name for e in w.vector_search_endpoints.list_endpoints()] == ["shop"]
made = w.vector_search_indexes.create_index(
    "main.default.things", "shop", "id", VectorIndexType.DIRECT_ACCESS,
    direct_access_index_spec=DirectAccessVectorIndexSpec(
        embedding_vector_columns=[EmbeddingVectorColumn(name="v", embedding_dimension=2)],
        schema_json='{"id": "string", "n": "int", "v": "array<float>"}'))
assert made.status.ready and made.index_type == VectorIndexType.DIRECT_ACCESS, made
wrote = w.vector_search_indexes.upsert_data_vector_index(
    made.name, '[{"id": "a", "n": 1, "v": [1, 0]}, {"id": "b", "n": 2, "v": [0, 1]}, {"id": "c", "n": 3, "v": [1, 1]}]')
assert wrote.status.value == "SUCCESS" and wrote.result.success_row_count == 3
found = w.vector_search_indexes.query_index(made.name, columns=["id", "n"], query_vector=[1.0, 0.0], num_results=2)
assert [c.name for c in found.manifest.columns] == ["id", "n", "score"]
assert [row[0] for row in found.result.data_array] == ["a", "c"], found
found = w.vector_search_indexes.query_index(
    made.name, columns=["id"], query_vector=[1.0, 0.0], filters_json='{"n >=": 2}', sort_columns=["n DESC"])
assert [row[0] for row in found.result.data_array] == ["c", "b"], found
scanned = w.vector_search_indexes.scan_index(made.name, num_results=10)
assert [row.fields[0].value.string_value for row in scanned.data] == ["a", "b", "c"], scanned
import json
from databricks.sdk.errors import BadRequest
w.vector_search_indexes.upsert_data_vector_index(made.name, json.dumps([{"id": f"n{at}", "n": at, "v": [0.0, 1.0]} for at in range(100, 1300)]))
asked = dict(columns=["id"], query_vector=[0.0, 1.0], num_results=1100, filters_json='{"n >=": 100}')
first = w.vector_search_indexes.query_index(made.name, **asked)
assert len(first.result.data_array) == first.result.row_count == 1000 and first.next_page_token, first.result.row_count
rest = w.vector_search_indexes.query_next_page(made.name, endpoint_name="shop", page_token=first.next_page_token)
assert len(rest.result.data_array) == 100 and not rest.next_page_token, rest.result.row_count
assert len({row[0] for row in first.result.data_array + rest.result.data_array}) == 1100
for token in [None, "no token"]:
    try:
        w.vector_search_indexes.query_next_page(made.name, page_token=token)
        raise AssertionError(token)
    except BadRequest as error:
        assert "page_token is not one of this index" in str(error), error
w.vector_search_indexes.delete_data_vector_index(made.name, [f"n{at}" for at in range(100, 1300)])
gone = w.vector_search_indexes.delete_data_vector_index(made.name, ["a", "b"])
assert gone.result.success_row_count == 2, gone
assert [i.name for i in w.vector_search_indexes.list_indexes("shop")] == [made.name]
permissions = w.vector_search_endpoints.get_permissions(endpoint.id)
assert permissions.access_control_list, permissions
w.vector_search_endpoints.update_permissions(endpoint.id, access_control_list=[])
counted = w.vector_search_indexes.query_index(made.name, columns=["id"], query_vector=[1.0, 0.0], facets=["n"])
assert counted.facet_result.facet_array == [["n", 3.0, 1]] and counted.facet_result.facet_row_count == 1, counted

stopped = w.vector_search_endpoints.stop_endpoint("shop")
assert stopped.endpoint_status.state.value == "STOPPED", stopped
assert not w.vector_search_indexes.get_index(made.name).status.ready
try:
    w.vector_search_indexes.query_index(made.name, columns=["id"], query_vector=[1.0, 0.0])
    raise AssertionError("a stopped endpoint answered")
except BadRequest as error:
    assert "is stopped" in str(error), error
started = w.vector_search_endpoints.start_endpoint("shop")
assert started.endpoint_status.state.value == "ONLINE", started
assert w.vector_search_indexes.query_index(made.name, columns=["id"], query_vector=[1.0, 0.0]).result.row_count == 1
asked = w.vector_search_endpoints.patch_endpoint("shop", target_qps=40).scaling_info
assert (asked.requested_target_qps, asked.state.value) == (40, "SCALING_CHANGE_APPLIED"), asked
tags = [CustomTag(key="team", value="yard"), CustomTag(key="alone")]
assert w.vector_search_endpoints.update_endpoint_custom_tags("shop", tags).custom_tags == tags
policy = w.vector_search_endpoints.update_endpoint_budget_policy("shop", "p-1")
assert policy.effective_budget_policy_id == "p-1", policy
kept = w.vector_search_endpoints.get_endpoint("shop")
assert (kept.custom_tags, kept.budget_policy_id, kept.scaling_info) == (tags, "p-1", asked), kept
w.vector_search_indexes.delete_index(made.name)
w.vector_search_endpoints.delete_endpoint("shop")
assert list(w.vector_search_endpoints.list_endpoints()) == []
print("ok")
