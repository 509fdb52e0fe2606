"""New York taxi trips: what a Flask app on Databricks looks like, served by gunicorn.

The figures are read as the app's own service principal. Who you are is asked as yourself, with the token the platform
forwards.
"""

from flask import Flask, jsonify, render_template, request

from warehouse import rows

app = Flask(__name__)

BY_HOUR = """
    SELECT hour(tpep_pickup_datetime) AS hour,
           count(*) AS trips,
           round(avg(fare_amount), 2) AS fare
    FROM samples.nyctaxi.trips
    WHERE trip_distance >= :least
    GROUP BY hour(tpep_pickup_datetime)
    ORDER BY hour
"""


def least_distance():
    return max(0.0, request.args.get("least", default=0.0, type=float))


def signed_in_user():
    token = request.headers.get("X-Forwarded-Access-Token")
    return rows("SELECT current_user() AS name", user_token=token)[0]["name"] if token else None


@app.get("/")
def page():
    least = least_distance()
    hours = rows(BY_HOUR, {"least": least})
    most = max((row["trips"] for row in hours), default=1)
    count = sum(row["trips"] for row in hours)
    return render_template("page.html", user=signed_in_user(), least=least, hours=hours, most=most, count=count)


@app.get("/api/hours")
def hours():
    """The same figures for programs: below `/api/`, a bearer token is enough."""
    return jsonify(hours=[dict(row, fare=float(row["fare"])) for row in rows(BY_HOUR, {"least": least_distance()})])
