//! The catalog requests of JDBC and ODBC: each is an operation whose rows have the columns that their standards name.

use std::sync::Arc;

use arrow_schema::DataType::{Boolean, Int8, Int16, Int32, Utf8};

use super::answer::{failure, invalid_handle};
use super::messages::{
    GetCatalogsReq, GetColumnsReq, GetDirectResults, GetFunctionsReq, GetSchemasReq, GetTableTypesReq,
    GetTablesReq, GetTypeInfoReq, OperationResp, SessionHandle,
};
use super::numbers::operation;
use super::service::Context;
use super::statement::begun;
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::{Cell, Grid};
use crate::warehouse::listing::{self, Listing};
use crate::warehouse::operation::{Format, Operation};
use crate::warehouse::pattern::like;
use crate::warehouse::result::sql_type::SqlType;
use crate::warehouse::transaction::not_supported;

pub(super) async fn type_info(context: &Context, request: GetTypeInfoReq) -> OperationResp {
    run(context, operation::GET_TYPE_INFO, request.session_handle, request.get_direct_results, |_| {
        Ok(type_grid())
    })
    .await
}

pub(super) async fn catalogs(context: &Context, request: GetCatalogsReq) -> OperationResp {
    run(context, operation::GET_CATALOGS, request.session_handle, request.get_direct_results, |listing| {
        let mut grid = Grid::texts(&["TABLE_CAT"]);
        for catalog in listing.catalogs()? {
            grid.row([catalog.into()]);
        }
        Ok(grid)
    })
    .await
}

pub(super) async fn schemas(context: &Context, request: GetSchemasReq) -> OperationResp {
    let (catalog, schema) = (request.catalog_name, request.schema_name);
    run(context, operation::GET_SCHEMAS, request.session_handle, request.get_direct_results, |listing| {
        let mut grid = Grid::texts(&["TABLE_SCHEM", "TABLE_CATALOG"]);
        for row in listing.schemas()? {
            if fits(catalog.as_ref(), &row.catalog) && fits(schema.as_ref(), &row.name) {
                grid.row([row.name.into(), row.catalog.into()]);
            }
        }
        Ok(grid)
    })
    .await
}

pub(super) async fn tables(context: &Context, request: GetTablesReq) -> OperationResp {
    let (catalog, schema, table) = (request.catalog_name, request.schema_name, request.table_name);
    let kinds = request.table_types.filter(|kinds| !kinds.is_empty());
    run(context, operation::GET_TABLES, request.session_handle, request.get_direct_results, |listing| {
        let mut grid = Grid::texts(&[
            "TABLE_CAT",
            "TABLE_SCHEM",
            "TABLE_NAME",
            "TABLE_TYPE",
            "REMARKS",
            "TYPE_CAT",
            "TYPE_SCHEM",
            "TYPE_NAME",
            "SELF_REFERENCING_COL_NAME",
            "REF_GENERATION",
        ]);
        for row in listing.tables(catalog.as_deref(), schema.as_deref(), table.as_deref())? {
            let kind = row.kind;
            if kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|wanted| wanted.eq_ignore_ascii_case(kind)))
            {
                grid.row([
                    row.catalog.into(),
                    row.schema.into(),
                    row.name.into(),
                    kind.into(),
                    row.comment.unwrap_or_default().into(),
                ]);
            }
        }
        Ok(grid)
    })
    .await
}

pub(super) async fn table_types(context: &Context, request: GetTableTypesReq) -> OperationResp {
    run(context, operation::GET_TABLE_TYPES, request.session_handle, request.get_direct_results, |_| {
        let mut grid = Grid::texts(&["TABLE_TYPE"]);
        for kind in ["SYSTEM TABLE", "TABLE", "VIEW"] {
            grid.row([kind.into()]);
        }
        Ok(grid)
    })
    .await
}

pub(super) async fn columns(context: &Context, request: GetColumnsReq) -> OperationResp {
    let (catalog, schema) = (request.catalog_name, request.schema_name);
    let (table, column) = (request.table_name, request.column_name);
    run(context, operation::GET_COLUMNS, request.session_handle, request.get_direct_results, |listing| {
        let mut grid = Grid::new(vec![
            ("TABLE_CAT", Utf8),
            ("TABLE_SCHEM", Utf8),
            ("TABLE_NAME", Utf8),
            ("COLUMN_NAME", Utf8),
            ("DATA_TYPE", Int32),
            ("TYPE_NAME", Utf8),
            ("COLUMN_SIZE", Int32),
            ("BUFFER_LENGTH", Int8),
            ("DECIMAL_DIGITS", Int32),
            ("NUM_PREC_RADIX", Int32),
            ("NULLABLE", Int32),
            ("REMARKS", Utf8),
            ("COLUMN_DEF", Utf8),
            ("SQL_DATA_TYPE", Int32),
            ("SQL_DATETIME_SUB", Int32),
            ("CHAR_OCTET_LENGTH", Int32),
            ("ORDINAL_POSITION", Int32),
            ("IS_NULLABLE", Utf8),
            ("SCOPE_CATALOG", Utf8),
            ("SCOPE_SCHEMA", Utf8),
            ("SCOPE_TABLE", Utf8),
            ("SOURCE_DATA_TYPE", Int16),
            ("IS_AUTO_INCREMENT", Utf8),
        ]);
        for row in listing.tables(catalog.as_deref(), schema.as_deref(), table.as_deref())? {
            for (position, of) in (0_i32..).zip(&listing.columns(&row)?) {
                if !fits(column.as_ref(), &of.name) {
                    continue;
                }
                let sql_type = SqlType::parse(&of.type_text);
                let (size, digits, radix) = sql_type.measures();
                grid.row([
                    row.catalog.clone().into(),
                    row.schema.clone().into(),
                    row.name.clone().into(),
                    of.name.clone().into(),
                    sql_type.jdbc_code().into(),
                    sql_type.to_string().into(),
                    size.into(),
                    Cell::Null,
                    digits.into(),
                    radix.into(),
                    i32::from(of.nullable).into(),
                    of.comment.clone().unwrap_or_default().into(),
                    Cell::Null,
                    Cell::Null,
                    Cell::Null,
                    Cell::Null,
                    position.into(),
                    if of.nullable { "YES" } else { "NO" }.into(),
                    Cell::Null,
                    Cell::Null,
                    Cell::Null,
                    Cell::Null,
                    "NO".into(),
                ]);
            }
        }
        Ok(grid)
    })
    .await
}

pub(super) async fn functions(context: &Context, request: GetFunctionsReq) -> OperationResp {
    let (catalog, schema, name) = (request.catalog_name, request.schema_name, request.function_name);
    run(context, operation::GET_FUNCTIONS, request.session_handle, request.get_direct_results, |listing| {
        let mut grid = Grid::new(vec![
            ("FUNCTION_CAT", Utf8),
            ("FUNCTION_SCHEM", Utf8),
            ("FUNCTION_NAME", Utf8),
            ("REMARKS", Utf8),
            ("FUNCTION_TYPE", Int32),
            ("SPECIFIC_NAME", Utf8),
        ]);
        for row in listing.functions()? {
            if fits(catalog.as_ref(), &row.catalog)
                && fits(schema.as_ref(), &row.schema)
                && fits(name.as_ref(), &row.name)
            {
                let full_name = format!("{}.{}.{}", row.catalog, row.schema, row.name);
                grid.row([
                    row.catalog.into(),
                    row.schema.into(),
                    row.name.into(),
                    row.comment.unwrap_or_default().into(),
                    (if row.is_table { 2 } else { 1 }).into(),
                    full_name.into(),
                ]);
            }
        }
        Ok(grid)
    })
    .await
}

/// Runs a catalog request; it is settled before the answer goes out.
pub(super) async fn run(
    context: &Context,
    kind: i32,
    handle: Option<SessionHandle>,
    direct: Option<GetDirectResults>,
    fill: impl FnOnce(&Listing<'_>) -> Result<Grid, Fault>,
) -> OperationResp {
    let Some(session) = context.session(handle) else {
        return OperationResp { status: Some(invalid_handle("SessionHandle")), ..OperationResp::default() };
    };
    let operation = Operation::new(kind, context.workspace.clock().now(), Format::COLUMNS);
    let operation = Arc::new(operation);
    if let Err(fault) = session.add(Arc::clone(&operation)) {
        return OperationResp { status: Some(failure(&fault)), ..OperationResp::default() };
    }
    let listing = listing::of(&context.workspace, &session.caller);
    // What a transaction sees of the catalog cannot be told apart here; it goes on all the same.
    let outcome = match session.transactions().open() {
        Some(_) => {
            let text =
                "Requests of the catalog's metadata are not supported in a multi-statement transaction.";
            Err(not_supported("COMMAND", text))
        }
        None => fill(&listing).and_then(|grid| grid.outcome()),
    };
    let result = match outcome {
        // The rows are few and ready: all of them find room.
        Ok(outcome) => operation.pump(outcome, None, || ()).await.map(drop),
        Err(fault) => Err(fault),
    };
    if let Err(fault) = result {
        operation.fail(fault);
    }
    begun(context, &session, &operation, direct, false).await
}

pub(super) fn fits(pattern: Option<&String>, text: &str) -> bool {
    pattern.is_none_or(|pattern| like(pattern, text))
}

/// Types that a table can have, with the columns of `java.sql.DatabaseMetaData.getTypeInfo`.
fn type_grid() -> Grid {
    let mut grid = Grid::new(vec![
        ("TYPE_NAME", Utf8),
        ("DATA_TYPE", Int32),
        ("PRECISION", Int32),
        ("LITERAL_PREFIX", Utf8),
        ("LITERAL_SUFFIX", Utf8),
        ("CREATE_PARAMS", Utf8),
        ("NULLABLE", Int16),
        ("CASE_SENSITIVE", Boolean),
        ("SEARCHABLE", Int16),
        ("UNSIGNED_ATTRIBUTE", Boolean),
        ("FIXED_PREC_SCALE", Boolean),
        ("AUTO_INCREMENT", Boolean),
        ("LOCAL_TYPE_NAME", Utf8),
        ("MINIMUM_SCALE", Int16),
        ("MAXIMUM_SCALE", Int16),
        ("SQL_DATA_TYPE", Int32),
        ("SQL_DATETIME_SUB", Int32),
        ("NUM_PREC_RADIX", Int32),
    ]);
    let types = [
        ("BOOLEAN", 16, None, false),
        ("TINYINT", -6, Some(3), true),
        ("SMALLINT", 5, Some(5), true),
        ("INT", 4, Some(10), true),
        ("BIGINT", -5, Some(19), true),
        ("FLOAT", 6, Some(7), true),
        ("DOUBLE", 8, Some(15), true),
        ("DECIMAL", 3, Some(38), true),
        ("STRING", 12, None, false),
        ("BINARY", -2, None, false),
        ("DATE", 91, None, false),
        ("TIMESTAMP", 93, None, false),
        ("ARRAY", 2003, None, false),
        ("MAP", 2000, None, false),
        ("STRUCT", 2002, None, false),
    ];
    for (name, code, precision, number) in types {
        let quote =
            if matches!(name, "STRING" | "DATE" | "TIMESTAMP") { Cell::from("'") } else { Cell::Null };
        let parameters = if name == "DECIMAL" { Cell::from("precision,scale") } else { Cell::Null };
        grid.row([
            name.into(),
            code.into(),
            precision.into(),
            quote.clone(),
            quote,
            parameters,
            1.into(),
            (name == "STRING").into(),
            (if matches!(name, "ARRAY" | "MAP" | "STRUCT") { 0 } else { 3 }).into(),
            (!number).into(),
            false.into(),
            false.into(),
            Cell::Null,
            0.into(),
            (if name == "DECIMAL" { 38 } else { 0 }).into(),
            Cell::Null,
            Cell::Null,
            (if number { Some(10) } else { None }).into(),
        ]);
    }
    grid
}
