use super::{ADA, Place, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn samples_are_made_at_first_sight_and_are_the_same_everywhere() {
    let (first, second) = (Place::new().await, Place::new().await);
    let sum = "SELECT count(*), sum(hash(tpep_pickup_datetime, trip_distance, fare_amount, pickup_zip)),
        CAST(min(tpep_pickup_datetime) AS STRING) FROM samples.nyctaxi.trips";
    let (one, _lease) = first.session(ADA).await;
    let (two, _other) = second.session(ADA).await;
    let rows = run(&one, sum).await.unwrap();
    assert!(rows.starts_with("21932 ") && rows.ends_with("2016-01-01 00:00:39"), "{rows}");
    assert_eq!(run(&two, sum).await.unwrap(), rows);
    let shape =
        "SELECT count(*) FROM samples.nyctaxi.trips WHERE tpep_dropoff_datetime <= tpep_pickup_datetime
                 OR trip_distance <= 0 OR fare_amount < 2.5 OR pickup_zip IS NULL OR dropoff_zip IS NULL";
    assert_eq!(run(&one, shape).await.unwrap(), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_joins() {
    let place = Place::new().await;
    let (session, _lease) = place.session(ADA).await;
    let orders = "SELECT count(*), count(DISTINCT c_custkey), sum(l_quantity) > 0
        FROM samples.tpch.lineitem JOIN samples.tpch.orders ON l_orderkey = o_orderkey
        JOIN samples.tpch.customer ON o_custkey = c_custkey JOIN samples.tpch.nation ON c_nationkey = n_nationkey
        JOIN samples.tpch.region ON n_regionkey = r_regionkey JOIN samples.tpch.part ON l_partkey = p_partkey
        JOIN samples.tpch.partsupp ON l_partkey = ps_partkey AND l_suppkey = ps_suppkey
        JOIN samples.tpch.supplier ON l_suppkey = s_suppkey";
    assert_eq!(run(&session, orders).await.unwrap(), "60000 1500 true");
    let sales = "SELECT count(*) FROM samples.bakehouse.sales_transactions t
        JOIN samples.bakehouse.sales_customers c ON t.customerID = c.customerID
        JOIN samples.bakehouse.sales_franchises f ON t.franchiseID = f.franchiseID
        JOIN samples.bakehouse.sales_suppliers s ON f.supplierID = s.supplierID";
    assert_eq!(run(&session, sales).await.unwrap(), "3333");
    let reviews = "SELECT (SELECT count(*) FROM samples.bakehouse.media_customer_reviews),
        (SELECT count(*) FROM samples.bakehouse.media_gold_reviews_chunked)";
    assert_eq!(run(&session, reviews).await.unwrap(), "204 196");
}
