"""{{title}}."""
%%if mock

import os
%%end

from flask import Flask, Response, jsonify, request

from backend import Backend, BackendError, user_of
%%if mock
from backend_mock import MockBackend
%%end
from models import User

app = Flask(__name__)
%%if mock
backend = MockBackend() if os.environ.get("USE_MOCK_BACKEND") == "true" else Backend()
%%else
backend = Backend()
%%end


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


@app.errorhandler(BackendError)
def refused(error: Exception) -> tuple[Response, int]:
    """What the page can show."""
    return jsonify(error=str(error)), 400


@app.get("/")
def page() -> Response:
    """The page; everything on it comes from the routes below."""
    return app.send_static_file("index.html")


@app.get("/api/health")
def health() -> dict[str, str]:
    """For programs that ask whether the app is up."""
    return {"status": "ok"}


@app.get("/api/user")
def user() -> dict:
    """Who is looking."""
    return current_user().model_dump()
%%if warehouse


@app.get("/api/trips")
def trips() -> dict:
    """Numbers, chart and newest rows."""
    token = current_token()
    return {
        "summary": backend.trip_summary(token).model_dump(),
        "hours": [entry.model_dump() for entry in backend.trips_by_hour(token)],
        "trips": [trip.model_dump() for trip in backend.recent_trips(token=token)],
    }
%%end
%%if lakebase


@app.get("/api/notes")
def list_notes() -> Response:
    """The newest notes."""
    return jsonify([note.model_dump() for note in backend.notes()])


@app.post("/api/notes")
def add_note() -> tuple[Response, int]:
    """Adds a note in the user's name."""
    body = request.get_json(silent=True) or {}
    backend.add_note(str(body.get("text", "")), current_user().name)
    return jsonify(added=True), 201
%%end
%%if sdk


@app.get("/api/workspace")
def workspace() -> dict:
    """What the SDK tells."""
    return backend.overview(current_token()).model_dump()
%%end
%%if serving


@app.post("/api/chat")
def chat() -> dict[str, str]:
    """The model's answer."""
    body = request.get_json(silent=True) or {}
    try:
        return {"answer": backend.ask(str(body.get("question", "")), current_token())}
    except Exception as error:
        raise BackendError(f"The model does not answer: {error}") from error
%%end
%%if functions


@app.post("/api/greet")
def greet() -> dict[str, str]:
    """What the function of the catalog answers."""
    body = request.get_json(silent=True) or {}
    return {"answer": backend.greet(str(body.get("name", "")), current_token())}
%%end
