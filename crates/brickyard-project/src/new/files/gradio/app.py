"""{{title}}."""
%%if mock

import os
%%end

import gradio as gr
from fastapi.routing import APIRoute

from backend import Backend, BackendError, user_of
%%if mock
from backend_mock import MockBackend
%%end

%%if mock
backend = MockBackend() if os.environ.get("USE_MOCK_BACKEND") == "true" else Backend()
%%else
backend = Backend()
%%end

CSS = """
.kpis { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); }
.kpi { background: var(--block-background-fill); border: 1px solid var(--border-color-primary); }
.kpi { border-radius: 14px; padding: 14px 16px; }
.kpi small { color: var(--body-text-color-subdued); display: block; }
.kpi strong { font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.chart { align-items: flex-end; display: flex; gap: 3px; height: 300px; margin-top: 12px; }
.chart div { background: var(--color-accent); border-radius: 4px 4px 0 0; flex: 1; min-height: 2px; }
.scale { border-top: 1px solid var(--border-color-primary); display: flex; padding-top: 4px; }
.scale span { color: var(--body-text-color-subdued); flex: 1; font-size: 0.75rem; }
.note { border: 1px solid var(--border-color-primary); border-radius: 10px; margin-bottom: 8px; padding: 10px 14px; }
.note small { color: var(--body-text-color-subdued); }
"""


def token_of(request: gr.Request) -> str | None:
    """The token to act with: None is the app itself."""
%%if app
    return None
%%end
%%if user
    token = request.headers.get("x-forwarded-access-token")
    if token is None:
        raise gr.Error("This app acts as you, and user authorization is switched off in this workspace")
    return token
%%end
%%if both
    return request.headers.get("x-forwarded-access-token")
%%end


def name_of(request: gr.Request) -> str:
    """The user's name, as the platform tells it."""
    headers = request.headers
    return user_of(headers.get("x-forwarded-email"), headers.get("x-forwarded-preferred-username")).name


def welcome(request: gr.Request) -> str:
    """The line under the title."""
    return f"Signed in as **{name_of(request)}**"
%%if warehouse


def load_trips(request: gr.Request) -> tuple:
    """Numbers, chart and rows of the first page."""
    token = token_of(request)
    try:
        summary = backend.trip_summary(token)
        hours = backend.trips_by_hour(token)
        trips = backend.recent_trips(token=token)
    except BackendError as error:
        raise gr.Error(str(error)) from error
    numbers = {
        "Trips": f"{summary.trips:,}",
        "Average fare": f"${summary.average_fare:.2f}",
        "Average distance": f"{summary.average_distance:.1f} mi",
        "Busiest hour": f"{summary.busiest_hour}:00",
    }
    cards = "".join(
        f"<div class='kpi'><small>{name}</small><strong>{value}</strong></div>" for name, value in numbers.items()
    )
    rows = [
        [trip.pickup, trip.pickup_zip, trip.dropoff_zip, f"{trip.distance:.1f}", f"${trip.fare:.2f}"]
        for trip in trips
    ]
    return f"<div class='kpis'>{cards}</div>", bars(hours), rows


def bars(hours: list) -> str:
    """Trips by hour as a chart in the colours of the theme."""
    most = max((entry.trips for entry in hours), default=1)
    columns = "".join(
        f"<div style='height: {100 * entry.trips / most:.0f}%' title='{entry.hour}:00 · {entry.trips} trips'></div>"
        for entry in hours
    )
    scale = "".join(f"<span>{hour}:00</span>" for hour in range(0, 24, 6))
    chart = f"<div class='chart'>{columns}</div><div class='scale'>{scale}</div>"
    return f"<div class='kpi'><b>Trips by hour</b>{chart}</div>"
%%end
%%if lakebase


def show_notes() -> str:
    """The notes as boxes; text of users is escaped."""
    from html import escape

    boxes = [
        f"<div class='note'>{escape(note.text)}<br><small>{escape(note.author)} · {note.created}</small></div>"
        for note in backend.notes()
    ]
    return "".join(boxes)


def add_note(text: str, request: gr.Request) -> tuple[str, str]:
    """Adds a note and shows the list again."""
    try:
        backend.add_note(text, name_of(request))
    except BackendError as error:
        raise gr.Error(str(error)) from error
    return "", show_notes()
%%end
%%if sdk


def load_workspace(request: gr.Request) -> tuple[str, list]:
    """What the SDK tells."""
    overview = backend.overview(token_of(request))
    card = f"<div class='kpis'><div class='kpi'><small>Identity</small><strong>{overview.identity}</strong></div></div>"
    return card, [[warehouse.name, warehouse.state, warehouse.size] for warehouse in overview.warehouses]
%%end
%%if serving


def chat(question: str, _history: list, request: gr.Request) -> str:
    """The model's answer."""
    try:
        return backend.ask(question, token_of(request))
    except Exception as error:
        raise gr.Error(f"The model does not answer: {error}") from error
%%end
%%if functions


def greet(name: str, request: gr.Request) -> str:
    """What the function of the catalog answers."""
    try:
        return f"## {backend.greet(name, token_of(request))}"
    except BackendError as error:
        raise gr.Error(str(error)) from error
%%end


# Fonts of the machine: those of the theme would be fetched from elsewhere, and the page waits for them.
THEME = gr.themes.Soft(primary_hue="blue", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])

with gr.Blocks(title="{{title}}", theme=THEME, css=CSS) as demo:
    gr.Markdown("# {{title}}")
    who = gr.Markdown()
    demo.load(welcome, outputs=who)
%%if warehouse
    with gr.Tab("Trips"):
        numbers = gr.HTML()
        with gr.Row():
            with gr.Column(scale=3, min_width=280):
                chart = gr.HTML()
            with gr.Column(scale=2, min_width=280):
                rows = gr.Dataframe(headers=["Pickup", "From", "To", "Miles", "Fare"], interactive=False)
        demo.load(load_trips, outputs=[numbers, chart, rows])
%%end
%%if lakebase
    with gr.Tab("Notes"):
        with gr.Row():
            text = gr.Textbox(placeholder="Write something for everybody", show_label=False, scale=5)
            add = gr.Button("Add", variant="primary", scale=1)
        board = gr.HTML()
        gr.on([add.click, text.submit], add_note, inputs=text, outputs=[text, board])
        demo.load(show_notes, outputs=board)
%%end
%%if sdk
    with gr.Tab("Workspace"):
        identity = gr.HTML()
        warehouses = gr.Dataframe(headers=["Warehouse", "State", "Size"], interactive=False)
        demo.load(load_workspace, outputs=[identity, warehouses])
%%end
%%if serving
    with gr.Tab("Chat"):
        gr.ChatInterface(chat, chatbot=gr.Chatbot(height=360, show_label=False))
%%end
%%if functions
    with gr.Tab("Function"):
        name = gr.Textbox(label="Your name", value="Ada")
        greeting = gr.Markdown()
        gr.on([name.submit, demo.load], greet, inputs=name, outputs=greeting)
%%end


def health() -> dict[str, str]:
    """For programs that ask whether the app is up."""
    return {"status": "ok"}


if __name__ == "__main__":
    demo.launch(app_kwargs={"routes": [APIRoute("/api/health", health)]})
