"""A man in the middle: every byte he reads is kept, and the token must not be among them."""
import os
import socket
import ssl
import threading

import psycopg
from databricks.sdk import WorkspaceClient

token = WorkspaceClient().config.oauth_token().access_token
REQUEST = bytes.fromhex("0000000804d2162f")
heard = bytearray()
listener = socket.create_server(("127.0.0.1", 0))


def serve(answer):
    client, _ = listener.accept()
    with client:
        heard.extend(client.recv(8, socket.MSG_WAITALL))
        client.sendall(answer)
        try:
            if answer == b"S":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(os.environ["FORGED"] + "/cert.pem", os.environ["FORGED"] + "/key.pem")
                client = context.wrap_socket(client, server_side=True)
            client.settimeout(5)
            while piece := client.recv(65536):
                heard.extend(piece)
        except OSError:
            pass


def attempt(answer, words, **options):
    thread = threading.Thread(target=serve, args=(answer,))
    thread.start()
    try:
        psycopg.connect(host="127.0.0.1", port=listener.getsockname()[1], password=token, connect_timeout=20, **options)
    except psycopg.OperationalError as error:
        assert words in str(error), error
    else:
        raise AssertionError("let in by a stranger")
    thread.join()


bundle = os.environ["REQUESTS_CA_BUNDLE"]
attempt(b"S", "certificate verify failed", sslmode="verify-full", sslrootcert=bundle)
attempt(b"S", "certificate verify failed", sslmode="verify-ca", sslrootcert=bundle)
attempt(b"N", "server does not support SSL", sslmode="require")
assert token.encode() not in heard and heard.count(REQUEST) == 3, heard
# Who takes TLS away on the way to us gets nowhere either: we take no session without it.
with socket.create_connection((os.environ["PGHOST"], int(os.environ["PGPORT"]))) as bare:
    body = b"\0\x03\0\0user\0" + os.environ["PGUSER"].encode() + b"\0\0"
    bare.sendall((len(body) + 4).to_bytes(4, "big") + body)
    answer = b""
    while piece := bare.recv(4096):
        answer += piece
    assert b"28000" in answer and answer[:1] == b"E", answer
print("ok")
