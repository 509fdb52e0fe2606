"""A shared to-do list in Lakebase: who added what, and who did it."""

from flask import Flask, abort, redirect, render_template, request, url_for

import store

app = Flask(__name__)
store.prepare()


def visitor():
    """The person in front of the browser, as the platform's proxy tells."""
    return request.headers.get("X-Forwarded-Email", "somebody")


@app.get("/")
def index():
    show = request.args.get("show", "all")
    todos = store.todos()
    shown = [todo for todo in todos if show == "all" or todo.done == (show == "done")]
    done = sum(todo.done for todo in todos)
    return render_template("index.html", todos=shown, show=show, done=done, total=len(todos), visitor=visitor())


@app.post("/todos")
def add():
    title = request.form.get("title", "").strip()
    if title:
        store.add(title[:200], visitor())
    return redirect(url_for("index"))


@app.post("/todos/<int:todo_id>/toggle")
def toggle(todo_id):
    if not store.toggle(todo_id, visitor()):
        abort(404)
    return redirect(url_for("index", show=request.args.get("show", "all")))


@app.post("/todos/<int:todo_id>/delete")
def delete(todo_id):
    if not store.delete(todo_id):
        abort(404)
    return redirect(url_for("index", show=request.args.get("show", "all")))


@app.get("/health")
def health():
    return {"database": store.version()}
