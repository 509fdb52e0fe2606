import os
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

print("the first file", flush=True)
ThreadingHTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), SimpleHTTPRequestHandler).serve_forever()
