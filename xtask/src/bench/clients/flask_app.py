import os

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "ok"


app.run("127.0.0.1", int(os.environ["DATABRICKS_APP_PORT"]))
