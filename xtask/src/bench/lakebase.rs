use std::collections::BTreeMap;

use super::Row;
use super::report::{Aim, Measured};
use super::rig::Rig;
use crate::command::output;

pub(crate) const ROW: Row = Row {
    name: "lakebase",
    about: "Postgres through our front, against the bare server and PgBouncer",
    by_name: false,
    measure,
};

/// Runs the program of `brickyard-postgres` that measures the three ways to one server, and reads its table.
fn measure(_rig: &Rig) -> Result<Vec<Measured>, String> {
    Rig::need("pgbench", "postgresql-client, postgresql")?;
    Rig::need("pgbouncer", "pgbouncer")?;
    let arguments = ["run", "--release", "--quiet", "-p", "brickyard-postgres", "--example", "front_bench"];
    let text = output("cargo", &arguments)?;
    let table = read(&text);
    let value = |title: &str, way: &str| {
        let found =
            table.iter().find(|(known, _)| known.starts_with(title)).and_then(|(_, ways)| ways.get(way));
        found.copied().ok_or_else(|| format!("the program told nothing of `{title}` by {way}"))
    };
    // Each way has TLS on the client's side: `direct` is the server's own.
    let against = |what: &str, title: &str, unit, (ours, peer): (&str, &str), aim| {
        let shown = match peer {
            "direct" => "direct, TLS",
            "pgbouncer" => "pgbouncer, TLS",
            _ => "copying alone, no TLS",
        };
        Ok::<_, String>(Measured {
            what: what.to_owned(),
            unit,
            ours: value(title, ours)?,
            peer: Some((shown, value(title, peer)?)),
            aim: Aim::RatioAtLeast(aim),
        })
    };
    let (bare, bouncer) = (("brickyard", "direct"), ("brickyard", "pgbouncer"));
    let mut measured = vec![
        against("`pgbench -S`, 8 clients", "pgbench -S, 8", "tps", bare, 0.9)?,
        against("`pgbench -S`, 8 clients (PgBouncer)", "pgbench -S, 8", "tps", bouncer, 1.5)?,
        // What any process between does at least: the bound of the two rows above on this machine.
        against(
            "`pgbench -S`, 8 clients (a process that copies)",
            "pgbench -S, 8",
            "tps",
            ("brickyard", "copier"),
            0.9,
        )?,
        against("connect per transaction", "connect per", "tps", bare, 1.0)?,
        // Each is a pooler here: a client's backend has served others, after `DISCARD ALL`.
        against(
            "connect per transaction, pooled address",
            "connect per",
            "tps",
            ("pooled", "pgbouncer"),
            0.8,
        )?,
        against("COPY of 1 GB to the client", "COPY of 1 GB", "MB/s", bare, 0.9)?,
    ];
    for (what, title, aim) in [
        ("a server's first answer, the first on the machine", "start, the first", 1.5),
        ("a server's first answer, after a stop", "start, warm", 0.3),
    ] {
        let (what, ours) = (what.to_owned(), value(title, "brickyard")?);
        measured.push(Measured { what, unit: "s", ours, peer: None, aim: Aim::AtMost(aim) });
    }
    let time = |way: &str| value("pgbench -S prepared", way).map(|tps| 1e6 / tps);
    measured.push(Measured {
        what: "time added to a query, 1 client".to_owned(),
        unit: "µs",
        ours: time("brickyard")? - time("direct")?,
        peer: None,
        aim: Aim::AtMost(30.0),
    });
    let idle = text
        .lines()
        .find_map(|line| line.split_once(" idle sessions: ")?.1.split(' ').next()?.parse::<f64>().ok());
    measured.push(Measured {
        what: "1,000 idle Postgres sessions".to_owned(),
        unit: "MB",
        ours: idle.ok_or("the program told nothing of idle sessions")? / 1024.0,
        peer: None,
        aim: Aim::AtMost(20.0),
    });
    Ok(measured)
}

/// Titles at the margin, and below each the value of every way.
fn read(text: &str) -> Vec<(String, BTreeMap<String, f64>)> {
    let mut table: Vec<(String, BTreeMap<String, f64>)> = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match (line.starts_with("  "), table.last_mut(), words.next(), words.next().map(str::parse)) {
            (true, Some((_, ways)), Some(way), Some(Ok(value))) => drop(ways.insert(way.to_owned(), value)),
            _ => table.push((line.to_owned(), BTreeMap::new())),
        }
    }
    table
}
