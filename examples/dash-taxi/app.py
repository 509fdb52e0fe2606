"""New York taxi trips: what a Dash app on Databricks looks like.

The figures are read as the app's own service principal and kept for five minutes. Who you are is asked as yourself, with
the token the platform forwards, on every visit.
"""

import os
import time

import dash_bootstrap_components as dbc
import plotly.express as px
from dash import Dash, Input, Output, dcc, html
from flask import request

from warehouse import rows

BY_HOUR = """
    SELECT hour(tpep_pickup_datetime) AS hour,
           count(*) AS trips,
           round(avg(fare_amount), 2) AS fare,
           round(sum(fare_amount), 2) AS fares
    FROM samples.nyctaxi.trips
    WHERE trip_distance >= :least
    GROUP BY hour(tpep_pickup_datetime)
    ORDER BY hour
"""

KEPT_SECONDS = 300
kept = {}


def trips(least):
    """The same for every visitor, so it may be kept: {least distance: (when, rows)}."""
    when, found = kept.get(least, (0, None))
    if found is None or time.monotonic() - when > KEPT_SECONDS:
        found = rows(BY_HOUR, {"least": least})
        kept[least] = (time.monotonic(), found)
    return found


def signed_in_user():
    token = request.headers.get("X-Forwarded-Access-Token")
    if not token:
        return "somebody (no user token was forwarded)"
    return rows("SELECT current_user() AS name", user_token=token)[0]["name"]


def figure(label, value):
    body = [html.Div(label, className="text-muted small"), html.Div(value, className="fs-3 fw-semibold")]
    return dbc.Col(dbc.Card(dbc.CardBody(body), className="shadow-sm border-0"))


app = Dash(__name__, title="Taxi trips", external_stylesheets=[dbc.themes.BOOTSTRAP])
server = app.server

app.layout = lambda: dbc.Container(
    [
        html.Div(
            [html.H1("New York taxi trips", className="h3 mb-0"), html.Div(id="user", className="text-muted")],
            className="d-flex justify-content-between align-items-baseline my-4",
        ),
        dbc.Row(id="summary", className="g-3 mb-3"),
        html.Label("Trips of at least … miles", htmlFor="least", className="small text-muted"),
        dcc.Slider(0, 10, 0.5, value=0, id="least", marks={mile: str(mile) for mile in range(11)}),
        dcc.Loading(dcc.Graph(id="hours", config={"displayModeBar": False})),
    ],
)


@app.callback(Output("user", "children"), Input("user", "id"))
def show_user(_):
    return f"You are {signed_in_user()}"


@app.callback(Output("summary", "children"), Output("hours", "figure"), Input("least", "value"))
def show_trips(least):
    hours = trips(float(least))
    count, fares = sum(row["trips"] for row in hours), sum(float(row["fares"]) for row in hours)
    summary = [
        figure("Trips", f"{count:,}"),
        figure("Fares", f"${fares:,.0f}"),
        figure("Average fare", f"${fares / count:.2f}" if count else "–"),
    ]
    bars = px.bar(
        x=[row["hour"] for row in hours],
        y=[row["trips"] for row in hours],
        labels={"x": "Hour of pickup", "y": "Trips"},
        color_discrete_sequence=["#f0a500"],
        template="plotly_white",
    )
    bars.update_layout(margin={"t": 10, "l": 10, "r": 10}, bargap=0.25)
    return summary, bars


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("DATABRICKS_APP_PORT", "8000")))
