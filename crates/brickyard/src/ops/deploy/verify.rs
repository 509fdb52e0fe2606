use std::time::Duration;

use brickyard_api::{App, http_client};

use crate::failure::Failure;

/// How long the app's address may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// The workspace says that the app runs.
pub(super) fn running(app: &App) -> Result<(), Failure> {
    let status = app.app_status.clone().unwrap_or_default();
    if status.state == "RUNNING" {
        return Ok(());
    }
    Err(Failure::app(format!("The app is {} after its deployment: {}", status.state, status.message))
        .hint(format!("read `brickyard logs {}`", app.name)))
}

/// The address answers: the app, or the sign-in page before it.
pub(super) async fn answers(url: &str) -> Result<(), Failure> {
    let client =
        http_client(false).map_err(|error| Failure::machine("Cannot make an HTTP client").because(error))?;
    // A name below `localhost` leads to this machine, which not every resolver knows.
    let port = url.rsplit(':').next().unwrap_or_default();
    let host = url.trim_start_matches("http://").to_owned();
    let request = client.get(format!("http://127.0.0.1:{port}/")).header("host", host).timeout(ANSWER);
    let answer = request
        .send()
        .await
        .map_err(|error| Failure::app(format!("{url} does not answer")).because(error))?;
    if answer.status().is_server_error() {
        return Err(Failure::app(format!("{url} answers {}", answer.status())));
    }
    Ok(())
}
