"""{{title}}."""
%%if mock

import os
%%end

import dash_bootstrap_components as dbc
%%if warehouse
import plotly.graph_objects as go
%%end
from dash import Dash, {{dash_imports}}
from flask import request

from backend import Backend, BackendError, user_of
%%if mock
from backend_mock import MockBackend
%%end
from models import User

app = Dash(
    __name__,
    title="{{title}}",
    external_stylesheets=[dbc.themes.BOOTSTRAP, dbc.icons.BOOTSTRAP],
    suppress_callback_exceptions=True,
)
server = app.server
%%if mock
backend = MockBackend() if os.environ.get("USE_MOCK_BACKEND") == "true" else Backend()
%%else
backend = Backend()
%%end


@server.get("/api/health")
def health() -> dict[str, str]:
    """For programs that ask whether the app is up."""
    return {"status": "ok"}


def current_user() -> User:
    """The user of this request, as the platform names them."""
    headers = request.headers
    return user_of(headers.get("X-Forwarded-Email"), headers.get("X-Forwarded-Preferred-Username"))


def current_token() -> str | None:
    """The token to act with: None is the app itself."""
%%if app
    return None
%%end
%%if user
    token = request.headers.get("X-Forwarded-Access-Token")
    if token is None:
        raise BackendError("This app acts as you, and user authorization is switched off here")
    return token
%%end
%%if both
    return request.headers.get("X-Forwarded-Access-Token")
%%end


def card(icon: str, label: str, value: str) -> html.Div:
    """One number."""
    body = [
        html.Div(html.I(className=f"bi bi-{icon}"), className="kpi-icon"),
        html.Div([html.Div(label, className="kpi-label"), html.Div(value, className="kpi-value")]),
    ]
    return html.Div(body, className="kpi")


def panel(title: str, content: object) -> html.Div:
    """A titled box."""
    return html.Div([html.H2(title, className="panel-title"), content], className="panel")
%%if warehouse


def bars(hours: list) -> go.Figure:
    """Trips by hour, in colours that fit a light and a dark page."""
    figure = go.Figure(
        go.Bar(
            x=[entry.hour for entry in hours],
            y=[entry.trips for entry in hours],
            marker={"color": "#4c86f5", "cornerradius": 4, "line": {"width": 0}},
            hovertemplate="%{x}:00 · %{y} trips<extra></extra>",
        )
    )
    figure.update_layout(
        height=320,
        margin={"l": 40, "r": 8, "t": 8, "b": 32},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": "#8a94a6"},
        xaxis={"dtick": 3, "title": None},
        yaxis={"gridcolor": "rgba(138,148,166,0.2)", "title": None, "zeroline": False},
        bargap=0.25,
    )
    return figure


def trips_page() -> html.Div:
    """Numbers, a chart and the newest rows."""
    token = current_token()
    summary = backend.trip_summary(token)
    numbers = [
        card("taxi-front", "Trips", f"{summary.trips:,}"),
        card("cash-coin", "Average fare", f"${summary.average_fare:.2f}"),
        card("signpost-2", "Average distance", f"{summary.average_distance:.1f} mi"),
        card("clock", "Busiest hour", f"{summary.busiest_hour}:00"),
    ]
    head = html.Thead(html.Tr([html.Th(name) for name in ("Pickup", "From", "To", "Miles", "Fare")]))
    rows = [
        html.Tr(
            [
                html.Td(trip.pickup),
                html.Td(trip.pickup_zip),
                html.Td(trip.dropoff_zip),
                html.Td(f"{trip.distance:.1f}"),
                html.Td(f"${trip.fare:.2f}"),
            ]
        )
        for trip in backend.recent_trips(token=token)
    ]
    table = html.Div(html.Table([head, html.Tbody(rows)], className="rows"), className="scroll")
    chart = dcc.Graph(figure=bars(backend.trips_by_hour(token)), config={"displayModeBar": False})
    return html.Div(
        [
            html.Div(numbers, className="kpis"),
            html.Div([panel("Trips by hour", chart), panel("Newest trips", table)], className="two"),
        ]
    )
%%end
%%if lakebase


def note_list() -> list:
    """The notes as boxes."""
    return [
        html.Div(
            [html.Div(note.text), html.Div(f"{note.author} · {note.created}", className="note-by")],
            className="note",
        )
        for note in backend.notes()
    ]


def notes_page() -> html.Div:
    """Notes of everybody, kept in Postgres."""
    form = dbc.InputGroup(
        [
            dbc.Input(id="note-text", placeholder="Write something for everybody"),
            dbc.Button("Add", id="note-add", color="primary"),
        ]
    )
    return panel("Notes", html.Div([form, html.Div(note_list(), id="note-list", className="mt-3")]))


@app.callback(
    Output("note-list", "children"),
    Output("note-text", "value"),
    Input("note-add", "n_clicks"),
    State("note-text", "value"),
    prevent_initial_call=True,
)
def add_note(_clicks: int, text: str | None) -> tuple:
    """Adds a note and shows the list again."""
    try:
        backend.add_note(text or "", current_user().name)
    except BackendError as error:
        return [dbc.Alert(str(error), color="warning"), *note_list()], text
    return note_list(), ""
%%end
%%if sdk


def workspace_page() -> html.Div:
    """What the SDK tells."""
    overview = backend.overview(current_token())
    rows = [
        html.Tr([html.Td(warehouse.name), html.Td(warehouse.state), html.Td(warehouse.size)])
        for warehouse in overview.warehouses
    ]
    head = html.Thead(html.Tr([html.Th("Warehouse"), html.Th("State"), html.Th("Size")]))
    return html.Div(
        [
            html.Div(
                [
                    card("person-badge", "Identity", overview.identity),
                    card("database", "Warehouses", str(len(overview.warehouses))),
                ],
                className="kpis",
            ),
            panel("Warehouses", html.Div(html.Table([head, html.Tbody(rows)], className="rows"), className="scroll")),
        ]
    )
%%end
%%if serving


def chat_page() -> html.Div:
    """A question for the model."""
    form = dbc.InputGroup(
        [
            dbc.Input(id="question", placeholder="Ask something"),
            dbc.Button("Ask", id="ask", color="primary"),
        ]
    )
    return panel("Chat", html.Div([form, dcc.Loading(html.Div(id="answer", className="mt-3"))]))


@app.callback(
    Output("answer", "children"),
    Input("ask", "n_clicks"),
    State("question", "value"),
    prevent_initial_call=True,
)
def answer(_clicks: int, question: str | None) -> object:
    """The model's answer, or what went wrong."""
    if not question:
        return ""
    try:
        return html.Div(backend.ask(question, current_token()), className="note")
    except Exception as error:
        return dbc.Alert(f"The model does not answer: {error}", color="danger")
%%end
%%if functions


def function_page() -> html.Div:
    """A function of the catalog, called through the warehouse."""
    field = dbc.Input(id="name", value=current_user().name, debounce=True)
    return panel("Function", html.Div([field, html.Div(id="greeting", className="greeting")]))


@app.callback(Output("greeting", "children"), Input("name", "value"))
def greeting(name: str | None) -> object:
    """What the function answers."""
    try:
        return backend.greet(name, current_token()) if name else ""
    except BackendError as error:
        return dbc.Alert(str(error), color="danger")
%%end


PAGES = {
%%if warehouse
    "Trips": trips_page,
%%end
%%if lakebase
    "Notes": notes_page,
%%end
%%if sdk
    "Workspace": workspace_page,
%%end
%%if serving
    "Chat": chat_page,
%%end
%%if functions
    "Function": function_page,
%%end
}


def layout() -> html.Div:
    """Made anew for each visit, so that it shows who is there."""
    tabs = dbc.Tabs([dbc.Tab(label=name, tab_id=name) for name in PAGES], id="tabs", active_tab=next(iter(PAGES)))
    header = html.Header(
        [
            html.Div([html.I(className="bi bi-bricks"), html.Span("{{title}}")], className="brand"),
            html.Div([html.I(className="bi bi-person-circle"), html.Span(current_user().name)], className="who"),
        ]
    )
    return html.Div([header, html.Main([tabs, dcc.Loading(html.Div(id="page", className="page"))])])


app.layout = layout


@app.callback(Output("page", "children"), Input("tabs", "active_tab"))
def show(name: str) -> object:
    """The page behind a tab."""
    try:
        return PAGES[name]()
    except BackendError as error:
        return dbc.Alert(str(error), color="danger", className="mt-3")
