"""A backend with invented data, for `USE_MOCK_BACKEND=true`; the local workspace makes it needless."""

%%if lakebase
from backend import Backend, BackendError
%%else
from backend import Backend
%%end
%%if warehouse|lakebase|sdk
from models import {{mock_models}}
%%end


class MockBackend(Backend):
    """Answers without a workspace."""
%%if warehouse

    def trip_summary(self, token: str | None = None) -> Summary:
        """Totals over invented trips."""
        return Summary(trips=1200, average_fare=12.5, average_distance=2.8, busiest_hour=18)

    def trips_by_hour(self, token: str | None = None) -> list[HourCount]:
        """Invented trips by hour."""
        return [HourCount(hour=hour, trips=20 + 5 * (hour % 12)) for hour in range(24)]

    def recent_trips(self, limit: int = 10, token: str | None = None) -> list[Trip]:
        """Invented trips."""
        return [
            Trip(pickup="2016-02-29 23:00", pickup_zip=10001, dropoff_zip=10002, distance=1.5, fare=9.0)
            for _ in range(limit)
        ]
%%end
%%if functions

    def greet(self, name: str, token: str | None = None) -> str:
        """An invented answer."""
        return f"Hello, {name}!"
%%end
%%if lakebase

    _notes = [Note(id=1, author="ada@example.com", text="Invented", created="2026-01-01 12:00")]

    def notes(self, limit: int = 20) -> list[Note]:
        """Invented notes."""
        return self._notes[:limit]

    def add_note(self, text: str, author: str) -> None:
        """Adds a note until the app stops."""
        if not text.strip():
            raise BackendError("A note needs some text")
        number = len(self._notes) + 1
        self._notes.insert(0, Note(id=number, author=author, text=text.strip(), created="2026-01-01 12:00"))
%%end
%%if sdk

    def overview(self, token: str | None = None) -> Overview:
        """An invented workspace."""
        return Overview(
            identity="app", warehouses=[Warehouse(name="Starter", state="RUNNING", size="Small")]
        )
%%end
%%if serving

    def ask(self, question: str, token: str | None = None) -> str:
        """An invented answer."""
        return f"You asked: {question}"
%%end
