use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::json;
use url::{Host, Url};

use super::Server;
use super::call::Call;
use super::running;
use crate::failure::Failure;
use crate::ops::screenshot::{self, View};
use crate::settings::Settings;

/// Largest side of a picture, in pixels.
const LARGEST: u64 = 4096;

/// Whether there is a browser to take pictures with.
pub(super) fn is_possible(settings: &Settings) -> bool {
    screenshot::find(settings).is_some()
}

/// `screenshot`.
pub(super) async fn take(server: &Server, call: &Call) -> Result<CallToolResult, Failure> {
    let base = if let Some(url) = call.text("url") {
        url.to_owned()
    } else {
        let folder = running::folder(server, call)?;
        running::running(server, &folder).await?.app.map(|app| app.url).unwrap_or_default()
    };
    let no_address = |error: url::ParseError| Failure::user(format!("`{base}` is no address")).because(error);
    let mut url = Url::parse(&base).map_err(no_address)?;
    if let Some(page) = call.text("page") {
        url = url.join(page).map_err(no_address)?;
    }
    if !is_ours(&url) {
        return Err(Failure::user(format!("`{url}` is not on this machine"))
            .hint("start the app with run_app, and name its folder"));
    }
    let side = |name: &str, default: u64| call.number(name, default).clamp(1, LARGEST);
    let view = View { url: url.as_str(), width: side("width", 1280), height: side("height", 800) };
    let shot = screenshot::take(&server.settings, &view).await?;
    let about = json!({ "title": shot.title, "url": shot.url, "width": view.width, "height": view.height });
    let mut result = CallToolResult::structured(about);
    result.content.push(ContentBlock::image(shot.png, "image/png"));
    Ok(result)
}

/// A page of this machine: an agent is led nowhere else.
fn is_ours(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    here && matches!(url.scheme(), "http" | "https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_machine_are_looked_at() {
        let ours = |text: &str| is_ours(&Url::parse(text).unwrap());
        for good in [
            "http://localhost:8001/",
            "http://shop.localhost:9001/a",
            "http://127.0.0.1:1/",
            "http://[::1]:1/",
        ] {
            assert!(ours(good), "{good}");
        }
        for bad in
            ["http://example.com/", "http://localhost.example.com/", "file:///etc/passwd", "http://10.0.0.1/"]
        {
            assert!(!ours(bad), "{bad}");
        }
    }
}
