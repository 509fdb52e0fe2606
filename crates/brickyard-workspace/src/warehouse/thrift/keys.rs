//! The catalog requests for primary and foreign keys.

use arrow_schema::DataType::{Int32, Utf8};

use super::catalog::{fits, run};
use super::messages::{GetCrossReferenceReq, GetPrimaryKeysReq, OperationResp};
use super::numbers::operation;
use super::service::Context;
use crate::warehouse::grid::{Cell, Grid};

pub(super) async fn primary_keys(context: &Context, request: GetPrimaryKeysReq) -> OperationResp {
    let (catalog, schema, table) = (request.catalog_name, request.schema_name, request.table_name);
    run(context, operation::UNKNOWN, request.session_handle, request.get_direct_results, |listing| {
        let mut grid = Grid::new(vec![
            ("TABLE_CAT", Utf8),
            ("TABLE_SCHEM", Utf8),
            ("TABLE_NAME", Utf8),
            ("COLUMN_NAME", Utf8),
            ("KEY_SEQ", Int32),
            ("PK_NAME", Utf8),
        ]);
        for row in listing.tables(catalog.as_deref(), schema.as_deref(), table.as_deref())? {
            if let Some(key) = &row.primary_key {
                for (sequence, column) in (1_i32..).zip(&key.columns) {
                    grid.row([
                        row.catalog.clone().into(),
                        row.schema.clone().into(),
                        row.name.clone().into(),
                        column.clone().into(),
                        sequence.into(),
                        key.name.clone().into(),
                    ]);
                }
            }
        }
        Ok(grid)
    })
    .await
}

pub(super) async fn cross_reference(context: &Context, request: GetCrossReferenceReq) -> OperationResp {
    run(context, operation::UNKNOWN, request.session_handle, request.get_direct_results, |listing| {
        let mut grid = Grid::new(vec![
            ("PKTABLE_CAT", Utf8),
            ("PKTABLE_SCHEM", Utf8),
            ("PKTABLE_NAME", Utf8),
            ("PKCOLUMN_NAME", Utf8),
            ("FKTABLE_CAT", Utf8),
            ("FKTABLE_SCHEM", Utf8),
            ("FKTABLE_NAME", Utf8),
            ("FKCOLUMN_NAME", Utf8),
            ("KEY_SEQ", Int32),
            ("UPDATE_RULE", Int32),
            ("DELETE_RULE", Int32),
            ("FK_NAME", Utf8),
            ("PK_NAME", Utf8),
            ("DEFERRABILITY", Int32),
        ]);
        let foreign = listing.tables(
            request.foreign_catalog_name.as_deref(),
            request.foreign_schema_name.as_deref(),
            request.foreign_table_name.as_deref(),
        )?;
        for row in foreign {
            for key in &row.foreign_keys {
                let [parent_catalog, parent_schema, parent_table] = &key.parent;
                if !(fits(request.parent_catalog_name.as_ref(), parent_catalog)
                    && fits(request.parent_schema_name.as_ref(), parent_schema)
                    && fits(request.parent_table_name.as_ref(), parent_table))
                {
                    continue;
                }
                for (sequence, (column, parent)) in (1_i32..).zip(key.columns.iter().zip(&key.parent_columns))
                {
                    grid.row([
                        parent_catalog.clone().into(),
                        parent_schema.clone().into(),
                        parent_table.clone().into(),
                        parent.clone().into(),
                        row.catalog.clone().into(),
                        row.schema.clone().into(),
                        row.name.clone().into(),
                        column.clone().into(),
                        sequence.into(),
                        3.into(), // importedKeyNoAction
                        3.into(),
                        key.name.clone().into(),
                        Cell::Null,
                        7.into(), // importedKeyNotDeferrable
                    ]);
                }
            }
        }
        Ok(grid)
    })
    .await
}
