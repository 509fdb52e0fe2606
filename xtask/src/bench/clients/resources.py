"""What serving, files and vectors cost, each beside what stands behind it or does the same."""

import http.server
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from databricks.sdk import WorkspaceClient

w = WorkspaceClient()


class Model(http.server.BaseHTTPRequestHandler):
    """An OpenAI-compatible model that answers at once; streamed, its second half comes a while after the first."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "input" in asked:
            return self.answer(EMBEDDINGS)
        if asked.get("stream"):
            return self.stream()
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}
        body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        self.answer(json.dumps(body).encode())

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for word in ("hello", " world"):
            choice = {"index": 0, "delta": {"content": word}}
            part = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(part)}\n\n".encode())
            self.wfile.flush()
            time.sleep(0.2)
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def log_message(self, *_):
        pass


TEXTS = ["some words to make a vector of"] * 32
EMBEDDINGS = json.dumps({
    "object": "list", "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1},
    "data": [{"object": "embedding", "index": i, "embedding": [0.5] * 1024} for i in range(len(TEXTS))],
}).encode()


def timed(call):
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def serving(port, rounds):
    import openai

    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Model)
    # A process of its own, or it would wait for those who ask it.
    model = multiprocessing.get_context("fork").Process(target=server.serve_forever, daemon=True)
    model.start()
    server.socket.close()
    direct = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none")
    clients = {"ours": w.serving_endpoints.get_open_ai_client(), "theirs": direct}
    question = [{"role": "user", "content": "hi"}]
    chat = {who: [] for who in clients}
    first = {who: [] for who in clients}
    for round in range(int(rounds) + 5):
        for who, client in clients.items():
            took = timed(lambda: client.chat.completions.create(model="model", messages=question))
            if round >= 5:
                chat[who].append(took)
    for _ in range(9):
        for who, client in clients.items():
            start = time.perf_counter()
            for part in client.chat.completions.create(model="model", messages=question, stream=True):
                if part.choices and part.choices[0].delta.content == "hello":
                    first[who].append((time.perf_counter() - start) * 1e3)

    def embed(client):
        def work():
            for _ in range(int(rounds) // 8):
                client.embeddings.create(model="embeddings", input=TEXTS, encoding_format="float")

        threads = [threading.Thread(target=work) for _ in range(8)]
        took = timed(lambda: [[thread.start() for thread in threads], [thread.join() for thread in threads]]) / 1e3
        return 8 * (int(rounds) // 8) * len(TEXTS) / took

    rate = {who: embed(client) for who, client in clients.items()}
    middle = statistics.median
    return {
        "chat": middle(chat["ours"]) - middle(chat["theirs"]),
        "first": middle(first["ours"]) - middle(first["theirs"]),
        "embeddings": rate["ours"],
        "embeddings_direct": rate["theirs"],
    }


NGINX = """{user} daemon off; worker_processes 2; pid nginx.pid; error_log stderr error;
events {{ worker_connections 64; }}
http {{ access_log off; client_max_body_size 0; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
uwsgi_temp_path uwsgi; scgi_temp_path scgi; sendfile on;
server {{ listen 127.0.0.1:{port} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;
location / {{ root files; dav_methods PUT; }} }} }}
"""


def files(port, megabytes):
    size = int(megabytes) << 20
    folder = tempfile.mkdtemp()
    here = os.path.join(folder, "sent")
    with open(here, "wb") as file:
        for _ in range(int(megabytes)):
            file.write(random.randbytes(1 << 20))
    os.mkdir(os.path.join(folder, "files"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)
    with open(os.path.join(folder, "nginx.conf"), "w") as file:
        file.write(NGINX.format(port=port, user="user root;" if os.getuid() == 0 else ""))
    nginx = subprocess.Popen(["nginx", "-p", folder, "-c", "nginx.conf"], env={"PATH": "/usr/sbin:/usr/bin:/bin"})
    path = f"/api/2.0/fs/files{os.environ['VOLUME']}/sent"
    token = w.config.authenticate()["Authorization"]
    places = {
        "ours": ["-H", f"Authorization: {token}", w.config.host + path + "?overwrite=true"],
        "theirs": ["-k", "--noproxy", "*", f"https://127.0.0.1:{port}/sent"],
    }
    rates = {}
    try:
        ready = ["curl", "-sk", "--noproxy", "*", "--retry", "50", "--retry-connrefused", "--retry-delay", "0", "-o", "/dev/null"]
        subprocess.run([*ready, f"https://127.0.0.1:{port}/"], check=True)
        for direction, how in (("up", ["-T", here]), ("down", ["-o", os.path.join(folder, "got")])):
            for who, place in places.items():
                more = [] if direction == "down" or who == "theirs" else ["-X", "PUT"]
                command = ["curl", "-sSf", "--http1.1", *how, *more, *place]
                took = min(timed(lambda: subprocess.run(command, check=True)) for _ in range(3))
                rates[f"{direction}_{who}"] = size / 1e6 / (took / 1e3)
    finally:
        nginx.terminate()
        nginx.wait()
    return rates


def vectors(rows, dimension):
    # Its threads would else spin for a while on the processors that the next one asked needs.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    import faiss
    import numpy

    rows, dimension = int(rows), int(dimension)
    numbers = numpy.random.default_rng(7)
    # Around few centres, as texts are: nearest neighbours of noise are nobody's.
    centres = numbers.standard_normal((200, dimension)).astype("float32")
    noise = lambda count: 0.5 * numbers.standard_normal((count, dimension)).astype("float32")
    data = centres[numbers.integers(0, 200, rows)] + noise(rows)
    asked = centres[numbers.integers(0, 200, 50)] + noise(50)
    index = w.vector_search_indexes
    name = "main.default.vectors"
    for start in range(0, rows, 400):  # 8 MB; the platform takes 10 MB at once
        part = [{"id": start + i, "v": row.tolist()} for i, row in enumerate(data[start : start + 400])]
        index.upsert_data_vector_index(name, json.dumps(part))
    flat = faiss.IndexFlatL2(dimension)
    flat.add(data)
    ours, theirs, found = [], [], 0
    for question in asked:
        vector = question.tolist()
        answer = []
        ours.append(timed(lambda: answer.append(index.query_index(name, columns=["id"], query_vector=vector, num_results=10))))
        right = []
        theirs.append(timed(lambda: right.append(flat.search(question[None], 10)[1][0])))
        got = {int(float(row[0])) for row in answer[0].result.data_array}
        found += len(got & set(right[0].tolist()))
    return {"ours": statistics.median(ours), "theirs": statistics.median(theirs), "recall": found / (10 * len(asked))}


print(json.dumps({"serving": serving, "files": files, "vectors": vectors}[sys.argv[1]](*sys.argv[2:])))
