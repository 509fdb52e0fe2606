use super::Sample;

/// Taxi trips of two months of 2016; distances are skewed to the short, fares follow distance and time.
pub(super) const TABLES: &[Sample] = &[Sample {
    schema: "nyctaxi",
    name: "trips",
    comment: "Taxi trips in New York City; generated, not real",
    columns: &[
        ("tpep_pickup_datetime", "TIMESTAMP"),
        ("tpep_dropoff_datetime", "TIMESTAMP"),
        ("trip_distance", "DOUBLE"),
        ("fare_amount", "DOUBLE"),
        ("pickup_zip", "INT"),
        ("dropoff_zip", "INT"),
    ],
    query: "
SELECT
  timestamp_seconds(picked_up) AS tpep_pickup_datetime,
  timestamp_seconds(picked_up + 120 + CAST(distance * seconds_a_mile AS BIGINT)) AS tpep_dropoff_datetime,
  distance AS trip_distance,
  floor(2 * (2.5 + 2.5 * distance + distance * seconds_a_mile / 240)) / 2 AS fare_amount,
  element_at(zips, pmod(hash(id, 4), 20) + 1) AS pickup_zip,
  element_at(zips, pmod(hash(id, 5), 26) + 1) AS dropoff_zip
FROM (
  SELECT
    id,
    1451606400 + pmod(hash(id, 1), 5183900) AS picked_up,
    round(0.4 + 19.6 * pow(pmod(hash(id, 2), 10000) / 10000.0, 4), 2) AS distance,
    240 + pmod(hash(id, 3), 240) AS seconds_a_mile,
    array(10001, 10002, 10003, 10009, 10010, 10011, 10012, 10013, 10014, 10016, 10017, 10018, 10019, 10021, 10022, 10023,
          10024, 10028, 10036, 10065, 10103, 10110, 10128, 11201, 11211, 11371) AS zips
  FROM range(21932)
)",
}];
