"""Run with `brickyard exec -- pytest`: the local workspace answers."""

%%if flask
from app import app
%%end
from backend import Backend, user_of

backend = Backend()
%%if warehouse


def test_the_warehouse_answers() -> None:
    hours = backend.trips_by_hour()
    assert len(hours) == 24
    assert backend.trip_summary().trips == sum(entry.trips for entry in hours)
    assert len(backend.recent_trips(limit=3)) == 3
%%end
%%if lakebase


def test_a_note_is_kept() -> None:
    backend.add_note("From a test", "tester@example.com")
    assert backend.notes(limit=1)[0].text == "From a test"
%%end
%%if sdk


def test_the_app_knows_itself() -> None:
    assert backend.overview().identity
%%end
%%if serving


def test_the_endpoint_answers() -> None:
    assert "bricks" in backend.ask("How many bricks?")
%%end
%%if functions


def test_the_function_answers() -> None:
    assert "Ada" in backend.greet("Ada")
%%end


def test_the_user_has_a_name() -> None:
    assert user_of("ada@example.com", None).name == "ada@example.com"
    assert user_of("ada@example.com", "Ada Lovelace").name == "Ada Lovelace"
%%if flask


def test_the_app_is_up() -> None:
    assert app.test_client().get("/api/health").json == {"status": "ok"}
%%end
