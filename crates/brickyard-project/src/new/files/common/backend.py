"""Everything the app asks of the workspace; the pages know nothing of clients and SQL."""

%%if warehouse|functions|serving
import os
%%end
%%if warehouse|functions|lakebase
import threading
%%end
%%if warehouse|functions
from typing import Any
%%end

%%if warehouse|functions
from databricks import sql
%%end
%%if serving|sdk
from databricks.sdk import WorkspaceClient
%%end
%%if warehouse|functions|lakebase
from databricks.sdk.core import Config
%%end
%%if serving
from databricks.sdk.service.serving import ChatMessage, ChatMessageRole
%%end
%%if lakebase
from psycopg import Connection
from psycopg_pool import ConnectionPool
%%end

from models import {{models}}


class BackendError(Exception):
    """Something the person in front of the page can be told."""


def user_of(email: str | None, name: str | None) -> User:
    """The user named by the platform's headers."""
    return User(name=name or email or "Somebody", email=email)
%%if warehouse|functions|lakebase


_lock = threading.Lock()
_config: Config | None = None


def _app_config() -> Config:
    """The app's own identity, found in its environment."""
    global _config
    with _lock:
        if _config is None:
            _config = Config()
        return _config
%%end
%%if warehouse|functions


def _connect(token: str | None) -> Any:
    """A connection to the SQL warehouse, as the user if there is a token, else as the app."""
    config = _app_config()
    identity: dict[str, Any] = (
        {"access_token": token} if token else {"credentials_provider": lambda: config.authenticate}
    )
    return sql.connect(
        server_hostname=config.host.removeprefix("https://").rstrip("/"),
        http_path=f"/sql/1.0/warehouses/{os.environ['DATABRICKS_WAREHOUSE_ID']}",
        **identity,
    )


class _Connection:
    """One connection that is kept, and made anew when its session has died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Any = None

    def rows(self, statement: str, parameters: dict[str, Any] | None, token: str | None) -> list[Any]:
        """The rows of a statement. A user's connection is never shared, so it is closed again."""
        if token:
            with _connect(token) as connection:
                return _fetch(connection, statement, parameters)
        with self._lock:
            for attempt in (1, 2):
                if self._connection is None:
                    self._connection = _connect(None)
                try:
                    return _fetch(self._connection, statement, parameters)
                except sql.exc.ServerOperationError as error:
                    raise BackendError(str(error).splitlines()[0]) from error
                except sql.exc.Error as error:
                    self._connection = None
                    if attempt == 2:
                        raise BackendError("The SQL warehouse does not answer") from error
        return []


def _fetch(connection: Any, statement: str, parameters: dict[str, Any] | None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


_warehouse = _Connection()
%%end
%%if warehouse


def trip_summary(token: str | None = None) -> Summary:
    """Totals over all trips."""
    row = _warehouse.rows(
        """
        SELECT count(*) AS trips, avg(fare_amount) AS fare, avg(trip_distance) AS distance
        FROM samples.nyctaxi.trips
        """,
        None,
        token,
    )[0]
    hours = trips_by_hour(token)
    busiest = max(hours, key=lambda entry: entry.trips).hour if hours else 0
    return Summary(
        trips=row["trips"],
        average_fare=round(float(row["fare"] or 0), 2),
        average_distance=round(float(row["distance"] or 0), 2),
        busiest_hour=busiest,
    )


def trips_by_hour(token: str | None = None) -> list[HourCount]:
    """Trips by the hour in which they began."""
    rows = _warehouse.rows(
        """
        SELECT hour(tpep_pickup_datetime) AS hour, count(*) AS trips
        FROM samples.nyctaxi.trips
        GROUP BY 1
        ORDER BY 1
        """,
        None,
        token,
    )
    return [HourCount(hour=row["hour"], trips=row["trips"]) for row in rows]


def recent_trips(limit: int = 10, token: str | None = None) -> list[Trip]:
    """The trips that began last."""
    rows = _warehouse.rows(
        f"""
        SELECT tpep_pickup_datetime AS pickup, pickup_zip, dropoff_zip,
               trip_distance AS distance, fare_amount AS fare
        FROM samples.nyctaxi.trips
        ORDER BY tpep_pickup_datetime DESC
        LIMIT {int(limit)}
        """,
        None,
        token,
    )
    return [
        Trip(
            pickup=row["pickup"].strftime("%Y-%m-%d %H:%M"),
            pickup_zip=row["pickup_zip"],
            dropoff_zip=row["dropoff_zip"],
            distance=row["distance"],
            fare=row["fare"],
        )
        for row in rows
    ]
%%end
%%if functions


def greet(name: str, token: str | None = None) -> str:
    """What the function of the catalog answers."""
    function = os.environ["FUNCTION_NAME"]
    quoted = ".".join(f"`{part}`" for part in function.split("."))
    return str(_warehouse.rows(f"SELECT {quoted}(:name) AS answer", {"name": name}, token)[0]["answer"])
%%end
%%if lakebase


class _AppConnection(Connection):
    """A connection whose password is a fresh token: tokens live for an hour, pools for longer."""

    @classmethod
    def connect(cls, conninfo: str = "", **kwargs):  # type: ignore[no-untyped-def,override]
        headers = _app_config().authenticate()
        kwargs["password"] = headers["Authorization"].removeprefix("Bearer ")
        return super().connect(conninfo, **kwargs)


_pool: ConnectionPool | None = None


def _database() -> ConnectionPool:
    """The pool; host, database, user and TLS come from the `PG…` variables of the platform."""
    global _pool
    with _lock_pool:
        if _pool is None:
            _pool = ConnectionPool(
                "",
                connection_class=_AppConnection,
                min_size=0,
                max_size=4,
                check=ConnectionPool.check_connection,
                open=True,
            )
            with _pool.connection() as connection:
                connection.execute("CREATE SCHEMA IF NOT EXISTS notes")
                connection.execute(
                    """
                    CREATE TABLE IF NOT EXISTS notes.note (
                        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                        author text NOT NULL,
                        text text NOT NULL,
                        created timestamptz NOT NULL DEFAULT now()
                    )
                    """
                )
        return _pool


_lock_pool = threading.Lock()


def notes(limit: int = 20) -> list[Note]:
    """The newest notes."""
    with _database().connection() as connection:
        rows = connection.execute(
            "SELECT id, author, text, created FROM notes.note ORDER BY id DESC LIMIT %s", (limit,)
        ).fetchall()
    return [
        Note(id=number, author=author, text=text, created=created.strftime("%Y-%m-%d %H:%M"))
        for number, author, text, created in rows
    ]


def add_note(text: str, author: str) -> None:
    """Adds a note; an empty one is refused."""
    if not text.strip():
        raise BackendError("A note needs some text")
    with _database().connection() as connection:
        connection.execute("INSERT INTO notes.note (author, text) VALUES (%s, %s)", (author, text.strip()))
%%end
%%if serving|sdk


def _client(token: str | None) -> WorkspaceClient:
    """The SDK as the user if there is a token, else as the app."""
    if token:
        return WorkspaceClient(token=token, auth_type="pat")
    return WorkspaceClient()
%%end
%%if sdk


def overview(token: str | None = None) -> Overview:
    """Who the app is, and the warehouses it may see."""
    client = _client(token)
    return Overview(
        identity=client.current_user.me().user_name or "",
        warehouses=[
            Warehouse(
                name=warehouse.name or "",
                state=warehouse.state.value if warehouse.state else "",
                size=warehouse.cluster_size or "",
            )
            for warehouse in client.warehouses.list()
        ],
    )
%%end
%%if serving


def ask(question: str, token: str | None = None) -> str:
    """The answer of the chat endpoint."""
    answer = _client(token).serving_endpoints.query(
        os.environ["SERVING_ENDPOINT"],
        messages=[ChatMessage(role=ChatMessageRole.USER, content=question)],
        max_tokens=400,
    )
    choices = answer.choices or []
    message = choices[0].message if choices else None
    return (message.content if message else None) or "The endpoint gave no answer"
%%end
