"""{{title}}."""

%%if mock
import os
%%end
from pathlib import Path
from typing import Annotated

from fastapi import {{fastapi_imports}}
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
%%if lakebase|serving|functions
from pydantic import BaseModel, Field
%%else
%%if warehouse
from pydantic import BaseModel
%%end
%%end

from backend import Backend, BackendError, user_of
%%if mock
from backend_mock import MockBackend
%%end
from models import {{api_models}}

STATIC = Path(__file__).parent / "static"

%%if mock
backend = MockBackend() if os.environ.get("USE_MOCK_BACKEND") == "true" else Backend()
%%else
backend = Backend()
%%end
# Routes are plain functions: FastAPI runs them in threads, so a slow query holds up nobody else.
app = FastAPI(title="{{title}}", docs_url="/api/docs", openapi_url="/api/openapi.json")
app.mount("/static", StaticFiles(directory=STATIC), name="static")


def current_user(
    x_forwarded_email: Annotated[str | None, Header()] = None,
    x_forwarded_preferred_username: Annotated[str | None, Header()] = None,
) -> User:
    """The user of this request, as the platform names them."""
    return user_of(x_forwarded_email, x_forwarded_preferred_username)
%%if sdk|serving|functions|warehouse


%%if app
def current_token() -> str | None:
    """The token to act with: None is the app itself."""
    return None
%%end
%%if user
def current_token(x_forwarded_access_token: Annotated[str | None, Header()] = None) -> str | None:
    """The user's own token."""
    if x_forwarded_access_token is None:
        raise BackendError("This app acts as you, and user authorization is switched off here")
    return x_forwarded_access_token
%%end
%%if both
def current_token(x_forwarded_access_token: Annotated[str | None, Header()] = None) -> str | None:
    """The user's own token; without it the app acts as itself."""
    return x_forwarded_access_token
%%end


Token = Annotated[str | None, Depends(current_token)]
%%end
CurrentUser = Annotated[User, Depends(current_user)]


@app.exception_handler(BackendError)
def refused(_request: Request, error: Exception) -> JSONResponse:
    """What the page can show."""
    return JSONResponse({"error": str(error)}, status_code=400)


@app.get("/", include_in_schema=False)
def page() -> FileResponse:
    """The page; everything on it comes from the routes below."""
    return FileResponse(STATIC / "index.html")


@app.get("/api/health")
def health() -> dict[str, str]:
    """For programs that ask whether the app is up."""
    return {"status": "ok"}


@app.get("/api/user")
def who(user: CurrentUser) -> User:
    """Who is looking."""
    return user
%%if warehouse


class Trips(BaseModel):
    """Everything on the first page."""

    summary: Summary
    hours: list[HourCount]
    trips: list[Trip]


@app.get("/api/trips")
def trips(token: Token) -> Trips:
    """Numbers, chart and newest rows."""
    return Trips(
        summary=backend.trip_summary(token),
        hours=backend.trips_by_hour(token),
        trips=backend.recent_trips(token=token),
    )
%%end
%%if lakebase


class NewNote(BaseModel):
    """What somebody wants to add."""

    text: str = Field(max_length=2000)


@app.get("/api/notes")
def list_notes() -> list[Note]:
    """The newest notes."""
    return backend.notes()


@app.post("/api/notes", status_code=201)
def add_note(note: NewNote, user: CurrentUser) -> dict[str, bool]:
    """Adds a note in the user's name."""
    backend.add_note(note.text, user.name)
    return {"added": True}
%%end
%%if sdk


@app.get("/api/workspace")
def workspace(token: Token) -> Overview:
    """What the SDK tells."""
    return backend.overview(token)
%%end
%%if serving


class Question(BaseModel):
    """What somebody asks."""

    question: str = Field(min_length=1, max_length=4000)


@app.post("/api/chat")
def chat(body: Question, token: Token) -> dict[str, str]:
    """The model's answer."""
    try:
        return {"answer": backend.ask(body.question, token)}
    except Exception as error:
        raise BackendError(f"The model does not answer: {error}") from error
%%end
%%if functions


class Name(BaseModel):
    """Who is to be greeted."""

    name: str = Field(min_length=1, max_length=200)


@app.post("/api/greet")
def greet(body: Name, token: Token) -> dict[str, str]:
    """What the function of the catalog answers."""
    return {"answer": backend.greet(body.name, token)}
%%end
