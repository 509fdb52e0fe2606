"""Everything the app asks of the workspace; the pages know nothing of clients and SQL."""

%%if warehouse|functions|serving|lakebase
import os
%%end
%%if warehouse|functions|lakebase
import threading
from typing import Any
%%end

%%if warehouse|functions
from databricks import sql
%%end
%%if serving|sdk|lakebase
from databricks.sdk import WorkspaceClient
%%end
%%if warehouse|functions
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
%%if warehouse|functions


class _Warehouse:
    """The SQL warehouse; the app's own connection is kept, and made anew when its session has died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._config: Config | None = None
        self._connection: Any = None

    def rows(self, statement: str, parameters: dict[str, Any] | None, token: str | None) -> list[Any]:
        """The rows of a statement, as the user if there is a token, else as the app."""
        if token:
            # A user's connection is never shared, so it is closed again.
            with self._connect({"access_token": token}) as connection:
                return _fetch(connection, statement, parameters)
        with self._lock:
            for attempt in (1, 2):
                try:
                    if self._connection is None:
                        self._connection = self._connect({"credentials_provider": self._credentials})
                    return _fetch(self._connection, statement, parameters)
                except sql.exc.ServerOperationError as error:
                    raise BackendError(str(error).splitlines()[0]) from error
                except sql.exc.Error as error:
                    self._connection = None
                    if attempt == 2:
                        raise BackendError("The SQL warehouse does not answer") from error
        return []

    def _connect(self, identity: dict[str, Any]) -> Any:
        host = self._app_config().host or ""
        return sql.connect(
            server_hostname=host.removeprefix("https://").rstrip("/"),
            http_path=f"/sql/1.0/warehouses/{os.environ['DATABRICKS_WAREHOUSE_ID']}",
            **identity,
        )

    def _credentials(self) -> Any:
        """The app's own identity, found in its environment and renewed by the SDK."""
        return self._app_config().authenticate

    def _app_config(self) -> Config:
        if self._config is None:
            self._config = Config()
        return self._config


def _fetch(connection: Any, statement: str, parameters: dict[str, Any] | None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
%%end
%%if lakebase


class _Login(Connection):
    """A connection whose password is a fresh credential: credentials live for an hour, pools for longer."""

    @classmethod
    def connect(cls, conninfo: str = "", **kwargs: Any) -> Any:
        endpoint = os.environ["LAKEBASE_ENDPOINT"]
        kwargs["password"] = WorkspaceClient().postgres.generate_database_credential(endpoint=endpoint).token
        return super().connect(conninfo, **kwargs)


class _Database:
    """The pool of the Lakebase database; where it is and as whom, the `PG…` variables of the platform say."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ConnectionPool[_Login] | None = None

    def pool(self) -> ConnectionPool[_Login]:
        """The pool, made at first use together with the table."""
        with self._lock:
            if self._pool is None:
                pool = ConnectionPool(
                    "",
                    connection_class=_Login,
                    min_size=0,
                    max_size=4,
                    check=ConnectionPool.check_connection,
                    open=True,
                )
                with pool.connection() as connection:
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
                self._pool = pool
            return self._pool
%%end


class Backend:
    """What the pages may ask; connects at the first question."""
%%if warehouse|functions|lakebase

    def __init__(self) -> None:
%%end
%%if warehouse|functions
        self._warehouse = _Warehouse()
%%end
%%if lakebase
        self._database = _Database()
%%end
%%if warehouse

    def trip_summary(self, token: str | None = None) -> Summary:
        """Totals over all trips."""
        row = self._warehouse.rows(
            """
            SELECT count(*) AS trips, avg(fare_amount) AS fare, avg(trip_distance) AS distance
            FROM samples.nyctaxi.trips
            """,
            None,
            token,
        )[0]
        hours = self.trips_by_hour(token)
        busiest = max(hours, key=lambda entry: entry.trips).hour if hours else 0
        return Summary(
            trips=row["trips"],
            average_fare=round(float(row["fare"] or 0), 2),
            average_distance=round(float(row["distance"] or 0), 2),
            busiest_hour=busiest,
        )

    def trips_by_hour(self, token: str | None = None) -> list[HourCount]:
        """Trips by the hour in which they began."""
        rows = self._warehouse.rows(
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

    def recent_trips(self, limit: int = 10, token: str | None = None) -> list[Trip]:
        """The trips that began last."""
        rows = self._warehouse.rows(
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

    def greet(self, name: str, token: str | None = None) -> str:
        """What the function of the catalog answers."""
        function = ".".join(f"`{part}`" for part in os.environ["FUNCTION_NAME"].split("."))
        rows = self._warehouse.rows(f"SELECT {function}(:name) AS answer", {"name": name}, token)
        return str(rows[0]["answer"])
%%end
%%if lakebase

    def notes(self, limit: int = 20) -> list[Note]:
        """The newest notes."""
        with self._database.pool().connection() as connection:
            rows = connection.execute(
                "SELECT id, author, text, created FROM notes.note ORDER BY id DESC LIMIT %s", (limit,)
            ).fetchall()
        return [
            Note(id=number, author=author, text=text, created=created.strftime("%Y-%m-%d %H:%M"))
            for number, author, text, created in rows
        ]

    def add_note(self, text: str, author: str) -> None:
        """Adds a note; an empty one is refused."""
        if not text.strip():
            raise BackendError("A note needs some text")
        with self._database.pool().connection() as connection:
            connection.execute(
                "INSERT INTO notes.note (author, text) VALUES (%s, %s)", (author, text.strip())
            )
%%end
%%if sdk

    def overview(self, token: str | None = None) -> Overview:
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

    def ask(self, question: str, token: str | None = None) -> str:
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
%%if serving|sdk


def _client(token: str | None) -> WorkspaceClient:
    """The SDK as the user if there is a token, else as the app."""
    if token:
        return WorkspaceClient(token=token, auth_type="pat")
    return WorkspaceClient()
%%end
