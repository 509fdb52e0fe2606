use super::Row;
use super::report::{Aim, Measured};
use super::rig::Rig;

pub(crate) const LATENCY: Row = Row {
    name: "statement-latency",
    about: "`SELECT 1` through the connector, against pyspark over Spark Connect on the same engine",
    by_name: false,
    measure: latency,
};

pub(crate) const THROUGHPUT: Row = Row {
    name: "statement-throughput",
    about: "5 million rows of 5 columns through the connector, against pyspark's `toArrow` on the same engine",
    by_name: false,
    measure: throughput,
};

const APP: &[(&str, &str)] = &[
    (
        "app.yaml",
        "command: [\"python\", \"app.py\"]\nenv:\n- name: DATABRICKS_WAREHOUSE_ID\n  valueFrom: sql-warehouse\n",
    ),
    ("requirements.txt", "databricks-sql-connector[pyarrow]\npyspark-client==4.1.1\npysail==0.7.2\n"),
];

const CLIENT: &str = include_str!("clients/statement.py");

fn latency(rig: &Rig) -> Result<Vec<Measured>, String> {
    let app = rig.app("statement", APP)?;
    let figures = rig.python(&app, CLIENT, &["latency"])?;
    let figure = |name: &str| figures[name].as_f64().ok_or_else(|| format!("no figure `{name}`: {figures}"));
    Ok(vec![Measured {
        what: "`SELECT 1` through databricks-sql-connector, p50".to_owned(),
        unit: "ms",
        ours: figure("ours")?,
        peer: Some(("pyspark", figure("theirs")?)),
        aim: Aim::RatioAtMost(1.0),
    }])
}

fn throughput(rig: &Rig) -> Result<Vec<Measured>, String> {
    let app = rig.app("statement", APP)?;
    let figures = rig.python(&app, CLIENT, &["throughput"])?;
    let figure = |name: &str| figures[name].as_f64().ok_or_else(|| format!("no figure `{name}`: {figures}"));
    Ok(vec![Measured {
        what: "5M rows × 5 columns through databricks-sql-connector".to_owned(),
        unit: "MB/s",
        ours: figure("ours")?,
        peer: Some(("pyspark", figure("theirs")?)),
        aim: Aim::RatioAtLeast(0.9),
    }])
}
