use super::{ADA, DEVELOPER, Kind, Place, Privilege, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_information_schema_shows_what_its_reader_may_see() {
    let place = Place::new().await;
    place.make_table("orders");
    place.make_table("secret");
    let (developer, _lease) = place.session(DEVELOPER).await;
    let (ada, _other) = place.session(ADA).await;
    let tables =
        "SELECT array_join(array_sort(collect_list(table_name)), ',') FROM main.information_schema.tables
                  WHERE table_schema = 'sales'";
    assert_eq!(run(&developer, tables).await.unwrap(), "orders,secret");
    assert_eq!(run(&ada, tables).await.unwrap(), "");
    for (kind, name, privilege) in [
        (Kind::Schema, "main.sales", Privilege::USE_SCHEMA),
        (Kind::Table, "main.sales.orders", Privilege::SELECT),
    ] {
        place.grant(kind, name, ADA, privilege);
    }
    assert_eq!(run(&ada, tables).await.unwrap(), "orders");

    let columns = "SELECT column_name, ordinal_position, full_data_type, is_nullable
                   FROM main.Information_Schema.COLUMNS WHERE table_name = 'orders' ORDER BY ordinal_position";
    assert_eq!(run(&ada, columns).await.unwrap(), "id 0 bigint YES\nname 1 string YES");
    let joined = "SELECT t.table_owner, count(*) FROM __system.information_schema.tables t
                  JOIN __system.information_schema.columns c USING (table_catalog, table_schema, table_name)
                  WHERE t.table_name IN ('trips', 'orders') AND t.table_catalog <> 'system'
                  AND t.created <= current_timestamp() GROUP BY t.table_owner ORDER BY 1";
    let owners = run(&ada, joined).await.unwrap();
    assert_eq!(owners, format!("System user 15\n{DEVELOPER} 2"));
    let catalogs = "SELECT count(*) FROM __system.information_schema.catalogs WHERE catalog_name = 'samples'";
    assert_eq!(run(&ada, catalogs).await.unwrap(), "1");
    let privileges =
        "SELECT grantee, privilege_type, inherited_from FROM main.information_schema.table_privileges
                      WHERE table_name = 'orders'";
    assert_eq!(run(&ada, privileges).await.unwrap(), format!("{ADA} SELECT NONE"));
    for empty in ["volumes", "routines", "parameters", "table_constraints", "key_column_usage", "table_tags"]
    {
        let count = format!("SELECT count(*) FROM main.information_schema.{empty}");
        assert_eq!(run(&ada, &count).await.unwrap(), "0", "{empty}");
    }
    let error = run(&ada, "SELECT * FROM main.information_schema.nothing").await.unwrap_err();
    assert_eq!(error.class, "TABLE_OR_VIEW_NOT_FOUND");
}
