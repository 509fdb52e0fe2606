"""The same functions as `backend`, with invented data; used when `USE_MOCK_BACKEND` is `true`."""

from models import {{models}}


class BackendError(Exception):
    """Something the person in front of the page can be told."""


def user_of(email: str | None, name: str | None) -> User:
    """The user named by the platform's headers."""
    return User(name=name or email or "Somebody", email=email)
%%if warehouse


def trip_summary(token: str | None = None) -> Summary:
    """Totals over invented trips."""
    return Summary(trips=1200, average_fare=12.5, average_distance=2.8, busiest_hour=18)


def trips_by_hour(token: str | None = None) -> list[HourCount]:
    """Invented trips by hour."""
    return [HourCount(hour=hour, trips=20 + 5 * (hour % 12)) for hour in range(24)]


def recent_trips(limit: int = 10, token: str | None = None) -> list[Trip]:
    """Invented trips."""
    return [
        Trip(pickup="2016-02-29 23:00", pickup_zip=10001, dropoff_zip=10002, distance=1.5, fare=9.0)
        for _ in range(limit)
    ]
%%end
%%if functions


def greet(name: str, token: str | None = None) -> str:
    """An invented answer."""
    return f"Hello, {name}!"
%%end
%%if lakebase


_notes = [Note(id=1, author="ada@example.com", text="Invented", created="2026-01-01 12:00")]


def notes(limit: int = 20) -> list[Note]:
    """Invented notes."""
    return _notes[:limit]


def add_note(text: str, author: str) -> None:
    """Adds a note until the app stops."""
    if not text.strip():
        raise BackendError("A note needs some text")
    _notes.insert(0, Note(id=len(_notes) + 1, author=author, text=text.strip(), created="2026-01-01 12:00"))
%%end
%%if sdk


def overview(token: str | None = None) -> Overview:
    """An invented workspace."""
    return Overview(identity="app", warehouses=[Warehouse(name="Starter", state="RUNNING", size="Small")])
%%end
%%if serving


def ask(question: str, token: str | None = None) -> str:
    """An invented answer."""
    return f"You asked: {question}"
%%end
