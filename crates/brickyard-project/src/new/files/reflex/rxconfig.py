"""One port for pages and events: the platform forwards no other."""

import os

import reflex as rx

port = int(os.environ.get("DATABRICKS_APP_PORT", "8000"))

config = rx.Config(
    app_name="app",
    frontend_port=port,
    backend_port=port,
    backend_host="0.0.0.0",
    # Events pass the same door as the page, or they would come without the user. On the platform Reflex finds it by
    # itself; `brickyard run` tells its address.
    api_url=os.environ.get("DATABRICKS_APP_URL", f"http://localhost:{port}"),
    telemetry_enabled=False,
    show_built_with_reflex=False,
    plugins=[
        rx.plugins.RadixThemesPlugin(theme=rx.theme(appearance="inherit", accent_color="blue", radius="large"))
    ],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
