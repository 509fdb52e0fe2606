"""What the app passes around, as checked data."""

from pydantic import BaseModel


class User(BaseModel):
    """Who is looking at the page, as the platform tells it."""

    name: str
    email: str | None = None
%%if warehouse


class Summary(BaseModel):
    """A few numbers over all trips."""

    trips: int
    average_fare: float
    average_distance: float
    busiest_hour: int


class HourCount(BaseModel):
    """How many trips began in an hour of the day."""

    hour: int
    trips: int


class Trip(BaseModel):
    """One taxi trip."""

    pickup: str
    pickup_zip: int
    dropoff_zip: int
    distance: float
    fare: float
%%end
%%if lakebase


class Note(BaseModel):
    """A line somebody wrote."""

    id: int
    author: str
    text: str
    created: str
%%end
%%if sdk


class Warehouse(BaseModel):
    """A SQL warehouse the app may see."""

    name: str
    state: str
    size: str


class Overview(BaseModel):
    """The workspace as the app sees it."""

    identity: str
    warehouses: list[Warehouse]
%%end
