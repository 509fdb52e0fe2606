//! Statements that the workspace answers itself; one file a noun.

mod alter;
mod catalogs;
mod connections;
mod copy;
mod describe;
mod explain;
mod functions;
mod grants;
mod immediate;
mod kept;
mod maintain;
mod optimize;
mod procedures;
mod schemas;
mod script;
mod settings;
mod show;
mod tables;
mod transaction;
mod views;
mod volumes;

use brickyard_sql::{Command, Securable};

use super::fault::Fault;
use super::outcome::Outcome;
use super::scene::Scene;

/// Carries a command out; `sql` is the text its spans are of.
pub(crate) async fn run(scene: &Scene<'_>, sql: &str, command: &Command) -> Result<Outcome, Fault> {
    match command {
        Command::UseCatalog(name) => settings::use_catalog(scene, &name.values()),
        Command::UseSchema(name) => settings::use_schema(scene, &name.values()),
        Command::Setting(setting) => settings::setting(scene, sql, setting).await,
        Command::Explain { statement, span, .. } => explain::explain(scene, span.of(sql), statement).await,
        Command::CreateCatalog(create) => catalogs::create(scene, create),
        Command::CreateSchema(create) => schemas::create(scene, create),
        Command::CreateTable(create) => tables::create(scene, sql, create).await,
        Command::CreateView(create) => views::create(scene, create).await,
        Command::CreateFunction(create) => functions::create(scene, create).await,
        Command::CreateProcedure(create) => procedures::create(scene, create),
        Command::Call(call) => procedures::call(scene, sql, call).await,
        Command::CreateVolume(create) => volumes::create(scene, create),
        Command::CreateConnection(create) => connections::create(scene, create),
        Command::Drop { kind, if_exists, temporary, name, cascade } => {
            let parts = name.values();
            let dropped = match kind {
                Securable::Catalog => catalogs::drop(scene, &parts, *cascade),
                Securable::Schema => schemas::drop(scene, &parts, *cascade),
                Securable::Table
                | Securable::MaterializedView
                | Securable::StreamingTable
                | Securable::View => tables::drop(scene, &parts, *kind),
                Securable::Function => functions::drop(scene, &parts, *temporary),
                Securable::Procedure => procedures::drop(scene, &parts),
                Securable::Volume => volumes::drop(scene, &parts),
                Securable::Connection => connections::drop(scene, &parts),
                Securable::Variable => settings::drop_variable(scene, &parts),
                other => Err(Fault::unsupported(format_args!("DROP {}", other.words()), ELSEWHERE)),
            };
            match dropped {
                Err(fault) if *if_exists && absent(&fault) => Ok(Outcome::nothing()),
                dropped => dropped.map(|()| Outcome::nothing()),
            }
        }
        Command::Alter(alter) => alter::alter(scene, alter).await,
        Command::CommentOn { kind, name, comment } => alter::comment(scene, *kind, name, comment.clone()),
        Command::Show(show) => show::show(scene, show),
        Command::Describe(question) => describe::describe(scene, sql, question).await,
        Command::Grant(grant) => grants::change(scene, grant),
        Command::Maintain(care) => maintain::maintain(scene, sql, care).await,
        Command::Put { file, path, overwrite } => volumes::put(scene, file, path, *overwrite),
        Command::Get { path, file } => volumes::get(scene, path, file),
        Command::Remove { path } => volumes::remove(scene, path),
        Command::List { path, limit } => volumes::list(scene, path, *limit),
        Command::Undrop { kind: Securable::Table, name } => {
            scene.catalog().undrop_table(&scene.identity, &scene.full(name)?)?;
            Ok(Outcome::nothing())
        }
        Command::Undrop { kind, .. } => {
            let hint = "Only tables come back: UNDROP TABLE name";
            Err(Fault::unsupported(format_args!("UNDROP {}", kind.words()), hint))
        }
        Command::ExecuteImmediate(execute) => immediate::execute(scene, sql, execute).await,
        Command::Script { .. } => script::run(scene, sql).await,
        Command::Transaction(word) => transaction::run(scene, word).await,
        Command::CopyInto(copy) => copy::copy(scene, sql, copy).await,
        Command::InsertDirectory(insert) => copy::insert_directory(scene, sql, insert).await,
        Command::Unsupported { construct } => Err(Fault::unsupported(construct, hint_for(construct))),
    }
}

/// Whether a fault says that something is not there.
fn absent(fault: &Fault) -> bool {
    matches!(
        fault.class.as_str(),
        "TABLE_OR_VIEW_NOT_FOUND"
            | "SCHEMA_NOT_FOUND"
            | "NO_SUCH_CATALOG_EXCEPTION"
            | "VOLUME_NOT_FOUND"
            | "CONNECTION_NOT_FOUND"
            | "ROUTINE_NOT_FOUND"
            | "VARIABLE_NOT_FOUND"
    )
}

/// Advice for what belongs to an account in a cloud and not to a workspace on this machine.
const ELSEWHERE: &str = "Keep the statement for a workspace in a cloud; here no part of an app needs it";

/// Advice for a construct that the parser knows and nothing carries out.
fn hint_for(construct: &str) -> &'static str {
    let is = |words: &[&str]| words.iter().any(|word| construct.contains(word));
    if is(&["procedures that"]) {
        "Write the procedure in SQL, or a job's task in Python"
    } else if is(&["procedure"]) {
        "Leave it out: the procedure runs with the rights of who calls it"
    } else if is(&["POLICY"]) {
        "Use ALTER TABLE … SET ROW FILTER or ALTER COLUMN … SET MASK of each table"
    } else if is(&["flows of streaming", "without a query"]) {
        "Write its query: CREATE STREAMING TABLE name AS SELECT … FROM STREAM source"
    } else if is(&["expectations"]) {
        "Write the condition into the query's WHERE"
    } else if is(&["row filter", "metric views"]) {
        "Write the condition or the measure into the query of a view"
    } else if is(&["Java", "JAR"]) {
        "Write the function in SQL or Python"
    } else if is(&["LOAD DATA"]) {
        "Use COPY INTO or read_files"
    } else if is(&["PRIVATE"]) {
        "Use a temporary view"
    } else if is(&["LOCATION", "CREDENTIAL"]) {
        "Put the files on a volume: /Volumes/<catalog>/<schema>/<volume>/…"
    } else {
        ELSEWHERE
    }
}
