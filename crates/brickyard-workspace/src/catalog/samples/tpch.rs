use super::Sample;

/// The tables of the TPC-H schema, small, with keys that join and values in the ranges of the specification; not the
/// output of its generator.
pub(super) const TABLES: &[Sample] = &[
    Sample {
        schema: "tpch",
        name: "region",
        comment: "The five regions of TPC-H",
        columns: &[("r_regionkey", "BIGINT"), ("r_name", "STRING"), ("r_comment", "STRING")],
        query: "
SELECT id AS r_regionkey,
  element_at(array('AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'), CAST(id AS INT) + 1) AS r_name,
  concat('generated region ', id) AS r_comment
FROM range(5)",
    },
    Sample {
        schema: "tpch",
        name: "nation",
        comment: "The 25 nations of TPC-H",
        columns: &[
            ("n_nationkey", "BIGINT"),
            ("n_name", "STRING"),
            ("n_regionkey", "BIGINT"),
            ("n_comment", "STRING"),
        ],
        query: "
SELECT id AS n_nationkey,
  element_at(array('ALGERIA', 'ARGENTINA', 'BRAZIL', 'CANADA', 'EGYPT', 'ETHIOPIA', 'FRANCE', 'GERMANY', 'INDIA', 'INDONESIA', 'IRAN',
        'IRAQ', 'JAPAN', 'JORDAN', 'KENYA', 'MOROCCO', 'MOZAMBIQUE', 'PERU', 'CHINA', 'ROMANIA', 'SAUDI ARABIA', 'VIETNAM',
        'RUSSIA', 'UNITED KINGDOM', 'UNITED STATES'), CAST(id AS INT) + 1) AS n_name,
  element_at(array(0, 1, 1, 1, 4, 0, 3, 3, 2, 2, 4, 4, 2, 4, 0, 0, 0, 1, 2, 3, 4, 2, 3, 3, 1), CAST(id AS INT) + 1) AS n_regionkey,
  concat('generated nation ', id) AS n_comment
FROM range(25)",
    },
    Sample {
        schema: "tpch",
        name: "supplier",
        comment: "Suppliers of TPC-H; generated",
        columns: &[
            ("s_suppkey", "BIGINT"),
            ("s_name", "STRING"),
            ("s_address", "STRING"),
            ("s_nationkey", "BIGINT"),
            ("s_phone", "STRING"),
            ("s_acctbal", "DECIMAL(18,2)"),
            ("s_comment", "STRING"),
        ],
        query: "
SELECT id AS s_suppkey, concat('Supplier#', lpad(CAST(id AS STRING), 9, '0')) AS s_name,
  concat(pmod(hash(id, 1), 900) + 1, ' Market Street') AS s_address,
  pmod(hash(id, 2), 25) AS s_nationkey,
  concat(pmod(hash(id, 2), 25) + 10, '-', pmod(hash(id, 3), 900) + 100, '-', pmod(hash(id, 4), 9000) + 1000) AS s_phone,
  (pmod(hash(id, 5), 1099998) - 99999) / 100.0 AS s_acctbal,
  'generated supplier' AS s_comment
FROM range(1, 101)",
    },
    Sample {
        schema: "tpch",
        name: "customer",
        comment: "Customers of TPC-H; generated",
        columns: &[
            ("c_custkey", "BIGINT"),
            ("c_name", "STRING"),
            ("c_address", "STRING"),
            ("c_nationkey", "BIGINT"),
            ("c_phone", "STRING"),
            ("c_acctbal", "DECIMAL(18,2)"),
            ("c_mktsegment", "STRING"),
            ("c_comment", "STRING"),
        ],
        query: "
SELECT id AS c_custkey, concat('Customer#', lpad(CAST(id AS STRING), 9, '0')) AS c_name,
  concat(pmod(hash(id, 11), 900) + 1, ' High Street') AS c_address,
  pmod(hash(id, 12), 25) AS c_nationkey,
  concat(pmod(hash(id, 12), 25) + 10, '-', pmod(hash(id, 13), 900) + 100, '-', pmod(hash(id, 14), 9000) + 1000) AS c_phone,
  (pmod(hash(id, 15), 1099998) - 99999) / 100.0 AS c_acctbal,
  element_at(array('AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD'), pmod(hash(id, 16), 5) + 1) AS c_mktsegment,
  'generated customer' AS c_comment
FROM range(1, 1501)",
    },
    Sample {
        schema: "tpch",
        name: "part",
        comment: "Parts of TPC-H; generated",
        columns: &[
            ("p_partkey", "BIGINT"),
            ("p_name", "STRING"),
            ("p_mfgr", "STRING"),
            ("p_brand", "STRING"),
            ("p_type", "STRING"),
            ("p_size", "INT"),
            ("p_container", "STRING"),
            ("p_retailprice", "DECIMAL(18,2)"),
            ("p_comment", "STRING"),
        ],
        query: "
SELECT id AS p_partkey,
  concat_ws(' ', element_at(array('almond', 'azure', 'blush', 'coral', 'forest', 'green', 'ivory', 'lime'), pmod(hash(id, 21), 8) + 1),
    element_at(array('smoke', 'navy', 'plum', 'rose', 'sky', 'tan', 'violet', 'wheat'), pmod(hash(id, 22), 8) + 1)) AS p_name,
  concat('Manufacturer#', pmod(hash(id, 23), 5) + 1) AS p_mfgr,
  concat('Brand#', pmod(hash(id, 23), 5) + 1, pmod(hash(id, 24), 5) + 1) AS p_brand,
  concat_ws(' ', element_at(array('STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO'), pmod(hash(id, 25), 6) + 1),
    element_at(array('ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED'), pmod(hash(id, 26), 5) + 1),
    element_at(array('TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER'), pmod(hash(id, 27), 5) + 1)) AS p_type,
  pmod(hash(id, 28), 50) + 1 AS p_size,
  concat_ws(' ', element_at(array('SM', 'LG', 'MED', 'JUMBO', 'WRAP'), pmod(hash(id, 29), 5) + 1),
    element_at(array('CASE', 'BOX', 'BAG', 'JAR', 'PKG', 'PACK', 'CAN', 'DRUM'), pmod(hash(id, 30), 8) + 1)) AS p_container,
  (90000 + pmod(id, 200) * 100 + pmod(id, 1000)) / 100.0 AS p_retailprice,
  'generated part' AS p_comment
FROM range(1, 2001)",
    },
    Sample {
        schema: "tpch",
        name: "partsupp",
        comment: "Which supplier has which part; generated",
        columns: &[
            ("ps_partkey", "BIGINT"),
            ("ps_suppkey", "BIGINT"),
            ("ps_availqty", "INT"),
            ("ps_supplycost", "DECIMAL(18,2)"),
            ("ps_comment", "STRING"),
        ],
        query: "
SELECT id DIV 4 + 1 AS ps_partkey, pmod(id DIV 4 + pmod(id, 4) * 25, 100) + 1 AS ps_suppkey,
  pmod(hash(id, 31), 9999) + 1 AS ps_availqty, (pmod(hash(id, 32), 99901) + 100) / 100.0 AS ps_supplycost,
  'generated offer' AS ps_comment
FROM range(8000)",
    },
    Sample {
        schema: "tpch",
        name: "orders",
        comment: "Orders of TPC-H; generated",
        columns: &[
            ("o_orderkey", "BIGINT"),
            ("o_custkey", "BIGINT"),
            ("o_orderstatus", "STRING"),
            ("o_totalprice", "DECIMAL(18,2)"),
            ("o_orderdate", "DATE"),
            ("o_orderpriority", "STRING"),
            ("o_clerk", "STRING"),
            ("o_shippriority", "INT"),
            ("o_comment", "STRING"),
        ],
        query: "
SELECT id AS o_orderkey, pmod(hash(id, 41), 1500) + 1 AS o_custkey,
  element_at(array('O', 'F', 'P'), pmod(hash(id, 42), 3) + 1) AS o_orderstatus,
  (pmod(hash(id, 43), 40000000) + 90000) / 100.0 AS o_totalprice,
  date_add(DATE'1992-01-01', pmod(hash(id, 44), 2406)) AS o_orderdate,
  element_at(array('1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'), pmod(hash(id, 45), 5) + 1) AS o_orderpriority,
  concat('Clerk#', lpad(CAST(pmod(hash(id, 46), 100) AS STRING), 9, '0')) AS o_clerk,
  0 AS o_shippriority, 'generated order' AS o_comment
FROM range(1, 15001)",
    },
    Sample {
        schema: "tpch",
        name: "lineitem",
        comment: "Lines of the orders of TPC-H; generated",
        columns: &[
            ("l_orderkey", "BIGINT"),
            ("l_partkey", "BIGINT"),
            ("l_suppkey", "BIGINT"),
            ("l_linenumber", "INT"),
            ("l_quantity", "DECIMAL(18,2)"),
            ("l_extendedprice", "DECIMAL(18,2)"),
            ("l_discount", "DECIMAL(18,2)"),
            ("l_tax", "DECIMAL(18,2)"),
            ("l_returnflag", "STRING"),
            ("l_linestatus", "STRING"),
            ("l_shipdate", "DATE"),
            ("l_commitdate", "DATE"),
            ("l_receiptdate", "DATE"),
            ("l_shipinstruct", "STRING"),
            ("l_shipmode", "STRING"),
            ("l_comment", "STRING"),
        ],
        query: "
SELECT id DIV 4 + 1 AS l_orderkey, part AS l_partkey,
  pmod(part - 1 + pmod(hash(id, 52), 4) * 25, 100) + 1 AS l_suppkey, pmod(id, 4) + 1 AS l_linenumber,
  quantity AS l_quantity, quantity * (90000 + pmod(part, 200) * 100 + pmod(part, 1000)) / 100.0 AS l_extendedprice,
  pmod(hash(id, 53), 11) / 100.0 AS l_discount, pmod(hash(id, 54), 9) / 100.0 AS l_tax,
  CASE WHEN received <= DATE'1995-06-17' THEN element_at(array('R', 'A'), pmod(hash(id, 55), 2) + 1) ELSE 'N' END AS l_returnflag,
  CASE WHEN shipped > DATE'1995-06-17' THEN 'O' ELSE 'F' END AS l_linestatus,
  shipped AS l_shipdate, date_add(ordered, 30 + pmod(hash(id, 56), 61)) AS l_commitdate, received AS l_receiptdate,
  element_at(array('DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'), pmod(hash(id, 57), 4) + 1) AS l_shipinstruct,
  element_at(array('REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'), pmod(hash(id, 58), 7) + 1) AS l_shipmode,
  'generated line' AS l_comment
FROM (
  SELECT id, part, quantity, ordered, shipped, date_add(shipped, 1 + pmod(hash(id, 60), 30)) AS received
  FROM (
    SELECT id, pmod(hash(id, 51), 2000) + 1 AS part, pmod(hash(id, 61), 50) + 1 AS quantity,
      date_add(DATE'1992-01-01', pmod(hash(id DIV 4 + 1, 44), 2406)) AS ordered,
      date_add(date_add(DATE'1992-01-01', pmod(hash(id DIV 4 + 1, 44), 2406)), 1 + pmod(hash(id, 59), 121)) AS shipped
    FROM range(60000)
  )
)",
    },
];
