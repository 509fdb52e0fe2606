use crate::catalog::column::Column;
use crate::catalog::data_type::DataType;
use crate::catalog::fault::CatalogError;

/// Name of the schema.
pub(in crate::catalog) const NAME: &str = "information_schema";

/// A table of the information schema.
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// Column names by type, in order, with blanks between: `s:` string, `i:` int, `l:` bigint, `t:` timestamp.
    columns: &'static str,
}

impl Shape {
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        SHAPES.iter().find(|shape| shape.name == name)
    }

    pub(super) fn columns(&self) -> Result<Vec<Column>, CatalogError> {
        let column = |text: &str| {
            let (kind, name) = text.split_at(2);
            let sql = match kind {
                "i:" => "int",
                "l:" => "bigint",
                "t:" => "timestamp",
                _ => "string",
            };
            Ok(Column::new(name, DataType::parse(sql)?))
        };
        self.columns.split_whitespace().map(column).collect()
    }
}

const fn shape(name: &'static str, columns: &'static str) -> Shape {
    Shape { name, columns }
}

/// In the order of their names, as the catalog lists them.
/// <https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-information-schema>
pub(super) const SHAPES: &[Shape] = &[
    shape(
        "catalog_privileges",
        "s:grantor s:grantee s:catalog_name s:privilege_type s:is_grantable s:inherited_from",
    ),
    shape("catalog_tags", "s:catalog_name s:tag_name s:tag_value"),
    shape(
        "catalogs",
        "s:catalog_name s:catalog_owner s:comment t:created s:created_by t:last_altered \
         s:last_altered_by",
    ),
    shape(
        "check_constraints",
        "s:constraint_catalog s:constraint_schema s:constraint_name s:check_clause s:sql_path",
    ),
    shape(
        "column_masks",
        "s:table_catalog s:table_schema s:table_name s:column_name s:mask_name s:using_columns",
    ),
    shape("column_tags", "s:catalog_name s:schema_name s:table_name s:column_name s:tag_name s:tag_value"),
    shape(
        "columns",
        "s:table_catalog s:table_schema s:table_name s:column_name i:ordinal_position \
         s:column_default s:is_nullable s:full_data_type s:data_type l:character_maximum_length \
         l:character_octet_length i:numeric_precision i:numeric_precision_radix i:numeric_scale \
         i:datetime_precision s:interval_type l:interval_precision l:maximum_cardinality \
         s:is_identity s:identity_generation s:identity_start s:identity_increment \
         s:identity_maximum s:identity_minimum s:identity_cycle s:is_generated \
         s:generation_expression s:is_system_time_period_start s:is_system_time_period_end \
         s:system_time_period_timestamp_generation s:is_updatable i:partition_index s:comment",
    ),
    shape(
        "constraint_column_usage",
        "s:table_catalog s:table_schema s:table_name s:column_name s:constraint_catalog \
         s:constraint_schema s:constraint_name",
    ),
    shape(
        "constraint_table_usage",
        "s:table_catalog s:table_schema s:table_name s:constraint_catalog s:constraint_schema \
         s:constraint_name",
    ),
    shape("information_schema_catalog_name", "s:catalog_name"),
    shape(
        "key_column_usage",
        "s:constraint_catalog s:constraint_schema s:constraint_name s:table_catalog s:table_schema \
         s:table_name s:column_name i:ordinal_position i:position_in_unique_constraint",
    ),
    shape(
        "parameters",
        "s:specific_catalog s:specific_schema s:specific_name i:ordinal_position s:parameter_mode \
         s:is_result s:as_locator s:parameter_name s:data_type s:full_data_type \
         i:character_maximum_length s:character_octet_length i:numeric_precision \
         i:numeric_precision_radix i:numeric_scale i:datetime_precision s:interval_type \
         i:interval_precision i:maximum_cardinality s:parameter_default s:comment",
    ),
    shape(
        "referential_constraints",
        "s:constraint_catalog s:constraint_schema s:constraint_name s:unique_constraint_catalog \
         s:unique_constraint_schema s:unique_constraint_name s:match_option s:update_rule \
         s:delete_rule",
    ),
    shape(
        "routine_columns",
        "s:specific_catalog s:specific_schema s:specific_name s:column_name i:ordinal_position \
         s:data_type s:full_data_type i:character_maximum_length s:character_octet_length \
         i:numeric_precision i:numeric_precision_radix i:numeric_scale i:datetime_precision \
         s:interval_type i:interval_precision i:maximum_cardinality s:comment",
    ),
    shape(
        "routine_privileges",
        "s:grantor s:grantee s:specific_catalog s:specific_schema s:specific_name s:routine_catalog \
         s:routine_schema s:routine_name s:privilege_type s:is_grantable s:inherited_from",
    ),
    shape(
        "routines",
        "s:specific_catalog s:specific_schema s:specific_name s:routine_catalog s:routine_schema \
         s:routine_name s:routine_owner s:routine_type s:data_type s:full_data_type s:routine_body \
         s:routine_definition s:external_language s:parameter_style s:is_deterministic \
         s:sql_data_access s:is_null_call s:security_type s:comment t:created s:created_by \
         t:last_altered s:last_altered_by",
    ),
    shape("row_filters", "s:table_catalog s:table_schema s:table_name s:filter_name s:target_columns"),
    shape(
        "schema_privileges",
        "s:grantor s:grantee s:catalog_name s:schema_name s:privilege_type s:is_grantable \
         s:inherited_from",
    ),
    shape("schema_tags", "s:catalog_name s:schema_name s:tag_name s:tag_value"),
    shape(
        "schemata",
        "s:catalog_name s:schema_name s:schema_owner s:comment t:created s:created_by \
         t:last_altered s:last_altered_by",
    ),
    shape(
        "table_constraints",
        "s:constraint_catalog s:constraint_schema s:constraint_name s:table_catalog s:table_schema \
         s:table_name s:constraint_type s:is_deferrable s:initially_deferred s:enforced s:comment",
    ),
    shape(
        "table_privileges",
        "s:grantor s:grantee s:table_catalog s:table_schema s:table_name s:privilege_type \
         s:is_grantable s:inherited_from",
    ),
    shape("table_tags", "s:catalog_name s:schema_name s:table_name s:tag_name s:tag_value"),
    shape(
        "tables",
        "s:table_catalog s:table_schema s:table_name s:table_type s:is_insertable_into \
         s:commit_action s:table_owner s:comment t:created s:created_by t:last_altered \
         s:last_altered_by s:data_source_format s:storage_path s:storage_sub_directory",
    ),
    shape(
        "views",
        "s:table_catalog s:table_schema s:table_name s:view_definition s:check_option \
         s:is_updatable s:is_insertable_into s:sql_path s:is_materialized",
    ),
    shape(
        "volume_privileges",
        "s:grantor s:grantee s:volume_catalog s:volume_schema s:volume_name s:privilege_type \
         s:is_grantable s:inherited_from",
    ),
    shape("volume_tags", "s:catalog_name s:schema_name s:volume_name s:tag_name s:tag_value"),
    shape(
        "volumes",
        "s:volume_catalog s:volume_schema s:volume_name s:volume_type s:volume_owner s:comment \
         s:storage_location t:created s:created_by t:last_altered s:last_altered_by",
    ),
];
