import reflex as rx

config = rx.Config(app_name="app", telemetry_enabled=False, show_built_with_reflex=False)
