"""New York taxi trips: what a FastAPI app on Databricks looks like.

A small API below `/api/`, where programs may call it with a bearer token, its documentation under `/docs`, and one page.
The figures are read as the app's own service principal; `/api/me` asks as whoever calls.
"""

from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel

from warehouse import rows

app = FastAPI(title="Taxi trips")

BY_HOUR = """
    SELECT hour(tpep_pickup_datetime) AS hour,
           count(*) AS trips,
           round(avg(fare_amount), 2) AS fare
    FROM samples.nyctaxi.trips
    WHERE trip_distance >= :least
    GROUP BY hour(tpep_pickup_datetime)
    ORDER BY hour
"""


class Hour(BaseModel):
    hour: int
    trips: int
    fare: float


class Me(BaseModel):
    user: str
    app: str


@app.get("/", include_in_schema=False)
def page():
    return FileResponse(Path(__file__).parent / "static" / "page.html")


# Plain functions: FastAPI runs them in a thread, so a query does not hold up the others.
@app.get("/api/hours")
def hours(least: Annotated[float, Query(ge=0, description="Least distance in miles")] = 0) -> list[Hour]:
    return [Hour(**row) for row in rows(BY_HOUR, {"least": least})]


@app.get("/api/me")
def me(x_forwarded_access_token: Annotated[str | None, Header(include_in_schema=False)] = None) -> Me:
    if not x_forwarded_access_token:
        raise HTTPException(403, "No user token was forwarded: user authorization is off for this app")
    question = "SELECT current_user() AS name"
    user = rows(question, user_token=x_forwarded_access_token)[0]["name"]
    return Me(user=user, app=rows(question)[0]["name"])
