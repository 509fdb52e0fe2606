import os
import pathlib
import tempfile

port = os.environ["DATABRICKS_APP_PORT"]
place = pathlib.Path(tempfile.mkdtemp())
(place / "nginx.conf").write_text(
    "daemon off; worker_processes 1; pid nginx.pid; error_log stderr error;\n"
    "events { worker_connections 8192; }\n"
    "http { access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n"
    "uwsgi_temp_path uwsgi; scgi_temp_path scgi; keepalive_requests 100000000;\n"
    "large_client_header_buffers 4 32k;\n"
    "server { listen 127.0.0.1:%s; location / { return 200 'ok'; } location /port { return 200 '%s'; }\n"
    "location /user { return 200 $http_x_forwarded_user; } location /email { return 200 $http_x_forwarded_email; }\n"
    "location /username { return 200 $http_x_forwarded_preferred_username; }\n"
    "location /token { return 200 $http_x_forwarded_access_token; } } }\n" % (port, port)
)
os.execvp("nginx", ["nginx", "-p", str(place), "-c", "nginx.conf"])
