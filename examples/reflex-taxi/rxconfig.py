"""One port for pages and events: the platform forwards no other."""

import os

import reflex as rx

port = int(os.environ.get("DATABRICKS_APP_PORT", "8000"))

config = rx.Config(
    app_name="reflex_taxi",
    frontend_port=port,
    backend_port=port,
    backend_host="0.0.0.0",
    # Events must pass the front door too, or they come without the user's token. On the platform pages are HTTPS and
    # Reflex finds the way by itself; elsewhere it has to be told the address.
    api_url=os.environ.get("DATABRICKS_APP_URL", f"http://localhost:{port}"),
    show_built_with_reflex=False,
    plugins=[rx.plugins.RadixThemesPlugin(theme=rx.theme(accent_color="amber", radius="large"))],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
