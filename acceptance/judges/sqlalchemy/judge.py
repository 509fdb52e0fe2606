"""What SQLAlchemy's dialect does: DDL, typed inserts, selects, reflection, pandas, errors."""

import datetime
import decimal
import os

import pandas
from sqlalchemy import (
    Boolean, Column, Date, DateTime, Float, ForeignKey, Integer, MetaData, Numeric, String, Table, create_engine,
    func, inspect, select, text,
)  # fmt: skip
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session, declarative_base, relationship

url = "databricks://token:{DATABRICKS_TOKEN}@{DATABRICKS_SERVER_HOSTNAME}?http_path={DATABRICKS_HTTP_PATH}"
engine = create_engine(url.format(**os.environ) + "&catalog=main&schema=default")
with engine.connect() as connection:
    assert connection.execute(text("SELECT 1")).scalar() == 1
    assert connection.execute(text("SELECT :a + 1"), {"a": 41}).scalar() == 42
    try:
        connection.execute(text("SELECT * FROM nowhere"))
        raise AssertionError("a table that is not there was read")
    except DatabaseError as error:
        assert "TABLE_OR_VIEW_NOT_FOUND" in str(error), error

metadata = MetaData()
things = Table(
    "alchemy_things", metadata, Column("id", Integer, primary_key=True), Column("name", String), Column("at", DateTime),
    Column("day", Date), Column("price", Numeric(10, 2)), Column("ratio", Float), Column("ok", Boolean),
)  # fmt: skip
metadata.drop_all(engine)
metadata.create_all(engine)
rows = [
    dict(id=1, name="it's", at=datetime.datetime(2024, 1, 2, 3, 4, 5), day=datetime.date(2024, 1, 2),
         price=decimal.Decimal("1.50"), ratio=0.5, ok=True),
    dict(id=2, name=None, at=None, day=None, price=None, ratio=None, ok=None),
]  # fmt: skip
with engine.begin() as connection:
    for row in rows:
        connection.execute(things.insert(), row)
    found = connection.execute(select(things).order_by(things.c.id)).mappings().all()
    assert [dict(row) for row in found] == rows, found
    assert connection.execute(select(func.count()).select_from(things).where(things.c.ok.is_(True))).scalar() == 1
    assert connection.execute(things.update().where(things.c.id == 2).values(name="two")).rowcount in (1, -1)
    assert connection.execute(things.delete().where(things.c.id == 1)).rowcount in (1, -1)

inspector = inspect(engine)
assert "alchemy_things" in inspector.get_table_names() and inspector.has_table("alchemy_things")
assert "default" in inspector.get_schema_names()
columns = {column["name"]: str(column["type"]) for column in inspector.get_columns("alchemy_things")}
assert list(columns) == ["id", "name", "at", "day", "price", "ratio", "ok"], columns
assert "(10, 2)" in columns["price"], columns
assert inspector.get_pk_constraint("alchemy_things")["constrained_columns"] == ["id"]
assert Table("alchemy_things", MetaData(), autoload_with=engine).c.name.type.python_type is str
metadata.drop_all(engine)

Base = declarative_base()


class Author(Base):
    __tablename__ = "alchemy_authors"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    books = relationship("Book", back_populates="author")


class Book(Base):
    __tablename__ = "alchemy_books"
    id = Column(Integer, primary_key=True)
    title = Column(String)
    author_id = Column(Integer, ForeignKey("alchemy_authors.id"))
    author = relationship("Author", back_populates="books")


Base.metadata.drop_all(engine)
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add(Author(id=1, name="Ada", books=[Book(id=1, title="Notes"), Book(id=2, title="More")]))
    session.commit()
    titles = session.scalars(select(Book.title).join(Author).where(Author.name == "Ada").order_by(Book.id)).all()
    assert titles == ["Notes", "More"], titles
assert inspect(engine).get_foreign_keys("alchemy_books")[0]["referred_table"] == "alchemy_authors"
Base.metadata.drop_all(engine)

frame = pandas.DataFrame({"id": [1, 2], "name": ["a", "b"]})
frame.to_sql("alchemy_frame", engine, index=False, if_exists="replace", method="multi")
assert pandas.read_sql("SELECT * FROM alchemy_frame ORDER BY id", engine).equals(frame)
with engine.begin() as connection:
    connection.execute(text("DROP TABLE alchemy_frame"))
print("ok")
