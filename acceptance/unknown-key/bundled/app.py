import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from databricks.sdk import WorkspaceClient


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        me = WorkspaceClient().current_user.me().user_name
        body = f"app {me}, user {self.headers['X-Forwarded-Email']}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


print("hello", flush=True)
ThreadingHTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Handler).serve_forever()

