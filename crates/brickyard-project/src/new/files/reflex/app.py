"""{{title}}."""

import asyncio
%%if mock
import os
%%end
import sys
from pathlib import Path

import reflex as rx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

# The modules beside this folder are found wherever the app is started.
sys.path.insert(0, str(Path(__file__).parent.parent))

from backend import Backend, BackendError, user_of
%%if mock
from backend_mock import MockBackend
%%end

%%if mock
backend = MockBackend() if os.environ.get("USE_MOCK_BACKEND") == "true" else Backend()
%%else
backend = Backend()
%%end


class State(rx.State):
    """What one visitor sees."""

    who: str = ""
    error: str = ""
%%if warehouse
    numbers: list[dict[str, str]] = []
    hours: list[dict[str, int]] = []
    trips: list[dict[str, str]] = []
%%end
%%if lakebase
    notes: list[dict[str, str]] = []
%%end
%%if sdk
    identity: str = ""
    warehouses: list[dict[str, str]] = []
%%end
%%if serving
    answer: str = ""
%%end
%%if functions
    greeting: str = ""
%%end

    def _header(self, name: str) -> str | None:
        """A header of the platform; the connection carries those of the page it belongs to."""
        return getattr(self.router.headers.raw_headers, "get", lambda _name: None)(name) or None

    def _token(self) -> str | None:
        """The token to act with: None is the app itself."""
%%if app
        return None
%%end
%%if user
        token = self._header("x-forwarded-access-token")
        if token is None:
            raise BackendError("This app acts as you, and user authorization is switched off here")
        return token
%%end
%%if both
        return self._header("x-forwarded-access-token")
%%end

    def _name(self) -> str:
        """The user's name, as the platform tells it."""
        email = self._header("x-forwarded-email")
        return user_of(email, self._header("x-forwarded-preferred-username")).name

    @rx.event
    async def load(self) -> None:
        """Everything on the page; blocking calls run in threads."""
        self.who = self._name()
        try:
%%if lakebase
            self.notes = [
                {"text": note.text, "by": f"{note.author} · {note.created}"}
                for note in await asyncio.to_thread(backend.notes)
            ]
%%end
%%if warehouse|sdk
            token = self._token()
%%end
%%if warehouse
            summary = await asyncio.to_thread(backend.trip_summary, token)
            self.numbers = [
                {"label": "Trips", "value": f"{summary.trips:,}"},
                {"label": "Average fare", "value": f"${summary.average_fare:.2f}"},
                {"label": "Average distance", "value": f"{summary.average_distance:.1f} mi"},
                {"label": "Busiest hour", "value": f"{summary.busiest_hour}:00"},
            ]
            hours = await asyncio.to_thread(backend.trips_by_hour, token)
            self.hours = [entry.model_dump() for entry in hours]
            trips = await asyncio.to_thread(backend.recent_trips, 10, token)
            self.trips = [
                {
                    "pickup": trip.pickup,
                    "from": str(trip.pickup_zip),
                    "to": str(trip.dropoff_zip),
                    "fare": f"${trip.fare:.2f}",
                }
                for trip in trips
            ]
%%end
%%if sdk
            overview = await asyncio.to_thread(backend.overview, token)
            self.identity = overview.identity
            self.warehouses = [warehouse.model_dump() for warehouse in overview.warehouses]
%%end
            self.error = ""
        except BackendError as error:
            self.error = str(error)
%%if lakebase

    @rx.event
    async def add_note(self, form: dict) -> None:
        """Adds a note and shows the list again."""
        try:
            await asyncio.to_thread(backend.add_note, str(form.get("text", "")), self._name())
            self.notes = [
                {"text": note.text, "by": f"{note.author} · {note.created}"}
                for note in await asyncio.to_thread(backend.notes)
            ]
            self.error = ""
        except BackendError as error:
            self.error = str(error)
%%end
%%if serving

    @rx.event
    async def ask(self, form: dict) -> None:
        """The model's answer."""
        try:
            self.answer = await asyncio.to_thread(backend.ask, str(form.get("question", "")), self._token())
            self.error = ""
        except Exception as error:
            self.error = f"The model does not answer: {error}"
%%end
%%if functions

    @rx.event
    async def greet(self, form: dict) -> None:
        """What the function of the catalog answers."""
        try:
            self.greeting = await asyncio.to_thread(backend.greet, str(form.get("name", "")), self._token())
            self.error = ""
        except BackendError as error:
            self.error = str(error)
%%end


def panel(title: str, *content: rx.Component) -> rx.Component:
    """A titled box."""
    return rx.card(rx.heading(title, size="3", margin_bottom="0.8em"), *content, width="100%", size="3")
%%if warehouse


def number(entry: rx.vars.ObjectVar[dict[str, str]]) -> rx.Component:
    """One number."""
    return rx.card(rx.text(entry["label"], size="1", color_scheme="gray"), rx.heading(entry["value"], size="6"))


def trips_section() -> rx.Component:
    """Numbers, a chart and the newest rows."""
    chart = rx.recharts.bar_chart(
        rx.recharts.bar(data_key="trips", fill=rx.color("accent", 9), radius=4),
        rx.recharts.x_axis(data_key="hour", interval=2, font_size="12px", axis_line=False, tick_line=False),
        rx.recharts.y_axis(width=40, font_size="12px", axis_line=False, tick_line=False),
        rx.recharts.graphing_tooltip(),
        data=State.hours,
        height=380,
        width="100%",
    )
    table = rx.table.root(
        rx.table.header(
            rx.table.row(
                *[
                    rx.table.column_header_cell(name, padding_x="0.4em")
                    for name in ("Pickup", "From", "To", "Fare")
                ]
            )
        ),
        rx.table.body(
            rx.foreach(
                State.trips,
                lambda trip: rx.table.row(
                    *[
                        rx.table.cell(trip[key], white_space="nowrap", padding_x="0.4em")
                        for key in ("pickup", "from", "to", "fare")
                    ]
                ),
            )
        ),
        size="1",
    )
    return rx.vstack(
        rx.grid(
            rx.foreach(State.numbers, number),
            columns=rx.breakpoints(initial="2", md="4"),
            spacing="4",
            width="100%",
        ),
        rx.grid(
            panel("Trips by hour", chart),
            panel("Newest trips", table),
            columns=rx.breakpoints(initial="1", md="2"),
            spacing="4",
            width="100%",
        ),
        spacing="4",
        width="100%",
    )
%%end
%%if lakebase


def notes_section() -> rx.Component:
    """Notes of everybody, kept in Postgres."""
    form = rx.form(
        rx.hstack(
            rx.input(name="text", placeholder="Write something for everybody", width="100%"), rx.button("Add")
        ),
        on_submit=State.add_note,
        reset_on_submit=True,
    )
    rows = rx.foreach(
        State.notes,
        lambda note: rx.box(
            rx.text(note["text"]), rx.text(note["by"], size="1", color_scheme="gray"), padding_y="0.5em"
        ),
    )
    return panel("Notes", form, rx.box(rows, margin_top="0.8em"))
%%end
%%if sdk


def workspace_section() -> rx.Component:
    """What the SDK tells."""
    rows = rx.foreach(
        State.warehouses,
        lambda warehouse: rx.table.row(*[rx.table.cell(warehouse[key]) for key in ("name", "state", "size")]),
    )
    head = rx.table.row(*[rx.table.column_header_cell(name) for name in ("Warehouse", "State", "Size")])
    return panel(
        "Workspace",
        rx.text("Signed in to the workspace as ", rx.text.strong(State.identity)),
        rx.table.root(rx.table.header(head), rx.table.body(rows), size="1", margin_top="0.6em"),
    )
%%end
%%if serving


def chat_section() -> rx.Component:
    """A question for the model."""
    return panel(
        "Chat",
        rx.form(
            rx.hstack(rx.input(name="question", placeholder="Ask something", width="100%"), rx.button("Ask")),
            on_submit=State.ask,
        ),
        rx.markdown(State.answer),
    )
%%end
%%if functions


def function_section() -> rx.Component:
    """A function of the catalog, called through the warehouse."""
    return panel(
        "Function",
        rx.form(
            rx.hstack(rx.input(name="name", default_value="Ada", width="100%"), rx.button("Call")),
            on_submit=State.greet,
        ),
        rx.heading(State.greeting, size="6", margin_top="0.6em"),
    )
%%end


def index() -> rx.Component:
    """The page."""
    header = rx.hstack(
        rx.heading("{{title}}", size="5"),
        rx.spacer(),
        rx.text(State.who, color_scheme="gray", size="2"),
        rx.color_mode.button(size="2"),
        align="center",
        width="100%",
        padding_y="1em",
    )
    return rx.container(
        rx.vstack(
            header,
            rx.cond(
                State.error != "",
                rx.callout(State.error, icon="triangle_alert", color_scheme="red", width="100%"),
            ),
%%if warehouse
            trips_section(),
%%end
%%if lakebase
            notes_section(),
%%end
%%if sdk
            workspace_section(),
%%end
%%if serving
            chat_section(),
%%end
%%if functions
            function_section(),
%%end
            spacing="4",
            width="100%",
            padding_bottom="3em",
        ),
        size="4",
    )


async def health(_request: Request) -> JSONResponse:
    """For programs that ask whether the app is up."""
    return JSONResponse({"status": "ok"})


SQUARE = "<rect width='16' height='16' rx='4' fill='%232f6fed'/>"
ICON = f"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>{SQUARE}</svg>"

app = rx.App(
    head_components=[rx.el.link(rel="icon", href=ICON)],
    api_transformer=Starlette(routes=[Route("/api/health", health)]),
)
app.add_page(index, title="{{title}}", on_load=State.load)
