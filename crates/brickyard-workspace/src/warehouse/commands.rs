//! Statements that the workspace answers itself; one file a noun.

mod catalogs;
mod describe;
mod explain;
mod functions;
mod grants;
mod maintain;
mod schemas;
mod settings;
mod show;
mod tables;
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
        Command::Explain { .. } => explain::explain(),
        Command::CreateCatalog(create) => catalogs::create(scene, create),
        Command::CreateSchema(create) => schemas::create(scene, create),
        Command::CreateTable(create) => tables::create(scene, sql, create).await,
        Command::CreateView(create) => views::create(scene, create).await,
        Command::CreateFunction(create) => functions::create(scene, create),
        Command::CreateVolume(create) => volumes::create(scene, create),
        Command::Drop { kind, if_exists, temporary, name, cascade } => {
            let parts = name.values();
            let dropped = match kind {
                Securable::Catalog => catalogs::drop(scene, &parts, *cascade),
                Securable::Schema => schemas::drop(scene, &parts, *cascade),
                Securable::Table
                | Securable::MaterializedView
                | Securable::StreamingTable
                | Securable::View => tables::drop(scene, &parts, *kind == Securable::View),
                Securable::Function => functions::drop(scene, &parts, *temporary),
                Securable::Volume => volumes::drop(scene, &parts),
                Securable::Variable => settings::drop_variable(scene, &parts),
                other => Err(Fault::unsupported(format_args!("DROP {}", other.words()))),
            };
            match dropped {
                Err(fault) if *if_exists && absent(&fault) => Ok(Outcome::nothing()),
                dropped => dropped.map(|()| Outcome::nothing()),
            }
        }
        Command::Alter(alter) => tables::alter(scene, alter),
        Command::CommentOn { kind, name, comment } => tables::comment(scene, *kind, name, comment.clone()),
        Command::Show(show) => show::show(scene, show),
        Command::Describe(question) => describe::describe(scene, sql, question).await,
        Command::Grant(grant) => grants::change(scene, grant),
        Command::Maintain(care) => maintain::maintain(scene, care).await,
        Command::Put { file, path, overwrite } => volumes::put(scene, file, path, *overwrite),
        Command::Get { path, file } => volumes::get(scene, path, file),
        Command::Remove { path } => volumes::remove(scene, path),
        Command::List { path, limit } => volumes::list(scene, path, *limit),
        Command::Undrop { kind, .. } => Err(Fault::unsupported(format_args!("UNDROP {}", kind.words()))),
        Command::ExecuteImmediate(_) => Err(Fault::unsupported("EXECUTE IMMEDIATE")),
        Command::Script { .. } => Err(Fault::unsupported("SQL scripts (BEGIN … END)")),
        Command::Transaction(word) => Err(Fault::unsupported(format_args!("transactions ({word})"))),
        Command::CopyInto(_) => Err(Fault::unsupported("COPY INTO")),
        Command::InsertDirectory(_) => Err(Fault::unsupported("INSERT OVERWRITE DIRECTORY")),
        Command::Unsupported { construct } => Err(Fault::unsupported(construct)),
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
            | "ROUTINE_NOT_FOUND"
            | "VARIABLE_NOT_FOUND"
    )
}
