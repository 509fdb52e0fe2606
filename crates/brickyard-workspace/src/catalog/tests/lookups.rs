use super::{ADA, DEVELOPER, Kind, Place, Privilege, run};
use crate::catalog::record::Policy;
use crate::catalog::{CatalogError, TableChange};

const COUNT: &str = "SELECT count(*) FROM main.sales.orders";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_sees_what_its_user_may_read() {
    let place = Place::new().await;
    place.make_table("orders");
    let (developer, _lease) = place.session(DEVELOPER).await;
    let (ada, _lease) = place.session(ADA).await;
    run(&developer, "INSERT INTO MAIN.Sales.`orders` VALUES (1, 'x'), (2, 'y')").await.unwrap();
    assert_eq!(run(&developer, COUNT).await.unwrap(), "2");

    for (kind, name, privilege) in [
        (Kind::Catalog, "main", Privilege::USE_CATALOG),
        (Kind::Schema, "main.sales", Privilege::USE_SCHEMA),
        (Kind::Table, "main.sales.orders", Privilege::SELECT),
    ] {
        let error = run(&ada, COUNT).await.unwrap_err();
        assert_eq!(
            (error.class.as_str(), error.sql_state.as_str()),
            ("PERMISSION_DENIED", "42501"),
            "{error}"
        );
        place.grant(kind, name, "STAFF", privilege); // ada is in a group of it
    }
    assert_eq!(run(&ada, COUNT).await.unwrap(), "2");
    let error = run(&ada, "SELECT * FROM main.sales.nothing").await.unwrap_err();
    assert_eq!(error.class, "TABLE_OR_VIEW_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_slot_can_be_borrowed() {
    let place = Place::new().await;
    place.make_table("orders");
    let (developer, developers_lease) = place.session(DEVELOPER).await;
    let (ada, _lease) = place.session(ADA).await;
    run(&developer, COUNT).await.unwrap();
    let slot = format!("__slot_{:02}", developers_lease.number());
    for name in ["main.sales.orders", "sales.orders", "`no catalog`.sales.orders", "orders"] {
        assert!(run(&ada, &format!("SELECT * FROM {slot}.{name}")).await.is_err(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delegated_table_is_readable_while_the_statement_runs() {
    let place = Place::new().await;
    place.make_table("orders");
    let (ada, lease) = place.session(ADA).await;
    let delegation = lease.delegate(["main.sales.Orders".to_owned()]);
    assert_eq!(run(&ada, COUNT).await.unwrap(), "0");
    drop(delegation);
    assert!(run(&ada, COUNT).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_behind_a_filter_is_read_only_through_it() {
    let place = Place::new().await;
    place.make_table("orders");
    let identity = place.identity(DEVELOPER);
    let policy = Policy { function: "main.sales.mine".to_owned(), columns: vec!["name".to_owned()] };
    place
        .catalog()
        .alter_table(&identity, "main.sales.orders", TableChange::RowFilter(Some(policy)))
        .unwrap();
    let (developer, lease) = place.session(DEVELOPER).await;
    assert_eq!(run(&developer, COUNT).await.unwrap_err().class, "PERMISSION_DENIED");
    let _delegation = lease.delegate(["main.sales.orders".to_owned()]);
    assert_eq!(run(&developer, COUNT).await.unwrap(), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grants_go_with_their_table() {
    let place = Place::new().await;
    place.make_table("orders");
    let developer = place.identity(DEVELOPER);
    let ada = place.identity(ADA);
    place.grant(Kind::Catalog, "main", ADA, Privilege::USE_CATALOG);
    place.grant(Kind::Schema, "main.sales", ADA, Privilege::USE_SCHEMA);
    place.grant(Kind::Table, "main.sales.orders", ADA, Privilege::ALL);
    let check = |name: &str| place.catalog().check(&ada, Kind::Table, name, Privilege::MODIFY);
    check("main.sales.orders").unwrap();
    let rename = crate::catalog::Change { name: Some("Bills".to_owned()), ..Default::default() };
    place.catalog().alter_table(&developer, "main.sales.orders", TableChange::Common(rename)).unwrap();
    check("main.sales.bills").unwrap();
    assert!(matches!(check("main.sales.orders"), Err(CatalogError::NotFound { .. })));
    let refused = place.catalog().drop_table(&ada, "main.sales.bills");
    assert!(matches!(refused, Err(CatalogError::NotOwner { .. })), "ALL PRIVILEGES is not MANAGE");
    place.catalog().drop_table(&developer, "main.sales.bills").unwrap();
    place.make_table("bills");
    assert!(matches!(check("main.sales.bills"), Err(CatalogError::Denied { .. })));
}
