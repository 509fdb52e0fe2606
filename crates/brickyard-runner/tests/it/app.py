"""An ASGI app that shows what reaches it and answers in the ways a proxy can spoil."""

import asyncio
import json

release = asyncio.Event()
seen = 0


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        return await echo(scope, receive, send)
    if scope["type"] == "http":
        await ROUTES.get(scope["path"], headers)(scope, receive, send)


async def answer(send, body, status=200, extra=()):
    await send({"type": "http.response.start", "status": status, "headers": list(extra)})
    await send({"type": "http.response.body", "body": body})


def pairs(scope):
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]


async def headers(scope, receive, send):
    seen = {"headers": pairs(scope), "path": scope["raw_path"].decode(), "query": scope["query_string"].decode()}
    await answer(send, json.dumps(seen).encode())


async def events(scope, receive, send):
    release.clear()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
    await release.wait()
    await send({"type": "http.response.body", "body": b"data: second\n\n"})


async def let_go(scope, receive, send):
    release.set()
    await answer(send, b"")


async def upload(scope, receive, send):
    global seen
    seen = 0
    while True:
        message = await receive()
        seen += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await answer(send, str(seen).encode())


async def uploaded(scope, receive, send):
    await answer(send, str(seen).encode())


async def never(scope, receive, send):
    await asyncio.sleep(600)


async def redirect(scope, receive, send):
    extra = [(b"location", b"http://localhost:1/elsewhere"), (b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2"), (b"x-accel-buffering", b"no")]
    await answer(send, b"", 307, extra)


async def large(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(256):
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def echo(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": json.dumps(pairs(scope))})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})


ROUTES = {
    "/events": events,
    "/release": let_go,
    "/upload": upload,
    "/uploaded": uploaded,
    "/never": never,
    "/redirect": redirect,
    "/large": large,
}

if __name__ == "__main__":
    import os

    import uvicorn

    uvicorn.run(app, host="0.0.0.0", port=int(os.environ["PORT"]), log_level="warning", proxy_headers=False)
