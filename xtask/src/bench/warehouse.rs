use std::path::PathBuf;
use std::process::Command;

use super::Row;
use super::report::{Aim, Measured};
use super::rig::Rig;

pub(crate) const CONCURRENCY: Row = Row {
    name: "warehouse-concurrency",
    about: "`SELECT 1` of 50 clients, against pyspark on the same engine; of 8 over REST, against minilake",
    by_name: false,
    measure: concurrency,
};

pub(crate) const FETCH: Row = Row {
    name: "warehouse-fetch",
    about: "10 million rows through the connector, against pyspark's `toArrow`; our memory meanwhile",
    by_name: false,
    measure: fetch,
};

pub(crate) const TPCH: Row = Row {
    name: "warehouse-tpch",
    about: "TPC-H at scale 1, 22 queries through the connector, against the same engine asked by pyspark and against Apache Spark",
    by_name: true,
    measure: tpch,
};

pub(crate) const METADATA: Row = Row {
    name: "warehouse-metadata",
    about: "listing 1,000 tables: GetTables, GetColumns, REST",
    by_name: true,
    measure: metadata,
};

const APP: &[(&str, &str)] = &[
    (
        "app.yaml",
        "command: [\"python\", \"app.py\"]\nenv:\n- name: DATABRICKS_WAREHOUSE_ID\n  valueFrom: sql-warehouse\n",
    ),
    (
        "requirements.txt",
        "databricks-sql-connector[pyarrow]\ndatabricks-sdk==0.156.0\npyspark-client==4.1.1\npysail==0.7.2\ntpchgen-cli==4.0.0\n",
    ),
    (
        "brickyard.toml",
        "[[grants]]\nto = \"app\"\nprivileges = [\"ALL PRIVILEGES\"]\non = \"CATALOG main\"\n",
    ),
];

const CLIENT: &str = include_str!("clients/warehouse.py");

/// The figures of one part of the client, by name.
fn figures(rig: &Rig, arguments: &[&str]) -> Result<impl Fn(&str) -> Result<f64, String> + use<>, String> {
    let app = rig.app("warehouse", APP)?;
    let figures = rig.python(&app, CLIENT, arguments)?;
    Ok(move |name: &str| figures[name].as_f64().ok_or_else(|| format!("no figure `{name}`: {figures}")))
}

/// The programs of an environment that holds one package of the index.
fn peer(rig: &Rig, name: &str, requirement: &str) -> Result<PathBuf, String> {
    let place = rig.cache().join(name);
    // Written last: an environment that was made in part is made again.
    let whole = place.join("whole");
    if !whole.is_file() {
        Rig::output(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
        let python = place.join("bin/python");
        Rig::output(Command::new(python).args(["-m", "pip", "install", "--quiet", requirement]))?;
        std::fs::write(&whole, requirement)
            .map_err(|error| format!("cannot write `{}`: {error}", whole.display()))?;
    }
    Ok(place.join("bin"))
}

fn concurrency(rig: &Rig) -> Result<Vec<Measured>, String> {
    let minilake = peer(rig, "minilake", "minilake==1.9.0")?.join("minilake").to_string_lossy().into_owned();
    let figure = figures(rig, &["concurrency", &minilake])?;
    Ok(vec![
        Measured {
            what: "`SELECT 1` of 50 clients through databricks-sql-connector".to_owned(),
            unit: "/s",
            ours: figure("ours")?,
            peer: Some(("pyspark", figure("theirs")?)),
            aim: Aim::RatioAtLeast(1.0),
        },
        Measured {
            what: "`SELECT 1` of 8 clients over the Statement Execution API".to_owned(),
            unit: "/s",
            ours: figure("statements")?,
            // It answers from DuckDB, without users and grants.
            peer: Some(("minilake", figure("minilake")?)),
            aim: Aim::None,
        },
    ])
}

fn fetch(rig: &Rig) -> Result<Vec<Measured>, String> {
    let figure = figures(rig, &["fetch"])?;
    Ok(vec![
        Measured {
            what: "10M rows × 3 columns through databricks-sql-connector".to_owned(),
            unit: "MB/s",
            ours: figure("ours")?,
            peer: Some(("pyspark", figure("theirs")?)),
            aim: Aim::RatioAtLeast(0.9),
        },
        Measured {
            what: "most memory of brickyard while it sends them".to_owned(),
            unit: "MB",
            ours: figure("memory")?,
            peer: None,
            aim: Aim::AtMost(200.0),
        },
    ])
}

fn tpch(rig: &Rig) -> Result<Vec<Measured>, String> {
    Rig::need("java", "default-jre-headless")?;
    let python = peer(rig, "apache-spark", "pyspark[sql]==4.1.1")?.join("python");
    let spark = serde_json::json!([python, "-c", include_str!("clients/apache_spark.py")]).to_string();
    let figure = figures(rig, &["tpch", &spark])?;
    let row = |what: &str, peer, theirs, aim| {
        let what = format!("TPC-H at scale 1, 22 queries through databricks-sql-connector{what}");
        Ok::<_, String>(Measured {
            what,
            unit: "s",
            ours: figure("ours")?,
            peer: Some((peer, figure(theirs)?)),
            aim,
        })
    };
    Ok(vec![
        row("", "pyspark on the same engine", "theirs", Aim::RatioAtMost(1.03))?,
        row(" (Apache Spark)", "Apache Spark over Parquet", "spark", Aim::RatioAtMost(1.0))?,
    ])
}

fn metadata(rig: &Rig) -> Result<Vec<Measured>, String> {
    let figure = figures(rig, &["metadata"])?;
    let row = |what: &str, name: &str| {
        Ok::<_, String>(Measured {
            what: what.to_owned(),
            unit: "ms",
            ours: figure(name)?,
            peer: None,
            aim: Aim::AtMost(1000.0),
        })
    };
    Ok(vec![
        row("1,000 tables by `GetTables`", "tables")?,
        row("3,000 columns by `GetColumns`", "columns")?,
        row("1,000 tables over REST, all pages", "rest")?,
    ])
}
