"""New York taxi trips: what a Reflex app on Databricks looks like.

The figures are read as the app's own service principal. Who you are is asked as yourself, with the token the platform
forwards with every event.
"""

import asyncio

import reflex as rx

from .warehouse import rows

BY_HOUR = """
    SELECT hour(tpep_pickup_datetime) AS hour,
           count(*) AS trips,
           round(avg(fare_amount), 2) AS fare
    FROM samples.nyctaxi.trips
    WHERE trip_distance >= :least
    GROUP BY hour(tpep_pickup_datetime)
    ORDER BY hour
"""


class Trips(rx.State):
    user: str = ""
    least: float = 0
    hours: list[dict[str, float]] = []
    loading: bool = True

    @rx.var
    def count(self) -> str:
        return f"{int(sum(hour['trips'] for hour in self.hours)):,}"

    @rx.event
    async def load(self):
        # In a thread: a query must not hold up the events of others.
        token = self.router.headers.raw_headers.get("x-forwarded-access-token")
        if token:
            found = await asyncio.to_thread(rows, "SELECT current_user() AS name", None, token)
            self.user = f"You are {found[0]['name']}"
        else:
            self.user = "No user token was forwarded"
        await self.refresh()

    @rx.event
    async def show(self, least: list[int | float]):
        self.least = float(least[0])
        await self.refresh()

    async def refresh(self):
        found = await asyncio.to_thread(rows, BY_HOUR, {"least": self.least})
        self.hours = [{name: float(value) for name, value in row.items()} for row in found]
        self.loading = False


def index():
    chart = rx.recharts.bar_chart(
        rx.recharts.bar(data_key="trips", fill="#f0a500", radius=[3, 3, 0, 0]),
        rx.recharts.x_axis(data_key="hour"),
        rx.recharts.y_axis(),
        rx.recharts.graphing_tooltip(),
        data=Trips.hours,
        width="100%",
        height=320,
    )
    return rx.container(
        rx.flex(
            rx.heading("New York taxi trips", size="7"),
            rx.text(Trips.user, color_scheme="gray", id="user"),
            justify="between",
            align="baseline",
            margin_y="2rem",
        ),
        rx.card(
            rx.text(rx.text.strong(Trips.count, id="count"), " trips of at least ", Trips.least, " miles", size="5"),
            rx.slider(default_value=0, min=0, max=10, step=0.5, on_value_commit=Trips.show, margin_top="1rem"),
            margin_bottom="1rem",
        ),
        rx.card(rx.heading("Trips by hour", size="4", margin_bottom="1rem"), rx.cond(Trips.loading, rx.spinner(), chart)),
        size="3",
    )


app = rx.App()
app.add_page(index, title="Taxi trips", on_load=Trips.load)
