use super::{ADA, DEVELOPER, Kind, Place, Privilege};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_information_schema_shows_what_its_reader_may_see() {
    let place = Place::new().await;
    place.make_table("orders");
    place.make_table("secret");
    let (developer, ada) = (place.identity(DEVELOPER), place.identity(ADA));
    let names = |identity, catalog: &str, table: &str, column: &str| {
        let rows = place.catalog().information_rows(identity, catalog, table).unwrap();
        let mut names: Vec<String> = rows
            .iter()
            .filter(|row| row["table_schema"] == "sales" || row["table_schema"].is_null())
            .map(|row| row[column].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names.join(",")
    };
    assert_eq!(names(&developer, "main", "tables", "table_name"), "orders,secret");
    assert_eq!(names(&ada, "main", "tables", "table_name"), "");
    for (kind, name, privilege) in [
        (Kind::Schema, "main.sales", Privilege::USE_SCHEMA),
        (Kind::Table, "main.sales.orders", Privilege::SELECT),
    ] {
        place.grant(kind, name, ADA, privilege);
    }
    assert_eq!(names(&ada, "main", "tables", "table_name"), "orders");
    assert_eq!(names(&ada, "system", "columns", "column_name"), "id,name");
    assert!(names(&ada, "system", "catalogs", "catalog_name").contains("samples"));
    assert_eq!(names(&ada, "main", "table_privileges", "grantee"), ADA);
    for empty in ["volumes", "routines", "parameters", "table_constraints", "key_column_usage", "table_tags"]
    {
        assert_eq!(names(&ada, "main", empty, "table_name"), "", "{empty}");
    }
    assert!(place.catalog().information_rows(&ada, "main", "nothing").is_err());
}
