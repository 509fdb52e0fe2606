#!/usr/bin/env bash
# sqlalchemy/suite.sh PYTHON [pytest argument …]: the dialect's compliance suite and its own end-to-end tests, in empty schemas.
set -uo pipefail
python=$1
shift
"$python" - <<'SCHEMAS'
import os
from databricks import sql

names = ("DATABRICKS_SERVER_HOSTNAME", "DATABRICKS_HTTP_PATH")
with sql.connect(*(os.environ[name] for name in names), access_token=os.environ["DATABRICKS_TOKEN"]) as connection:
    cursor = connection.cursor()
    for schema in ("sqlalchemy_local", "sqlalchemy_suite", "test_schema"):
        cursor.execute(f"DROP SCHEMA IF EXISTS main.{schema} CASCADE")
        cursor.execute(f"CREATE SCHEMA main.{schema}")
SCHEMAS
failed=0
export DATABRICKS_SCHEMA=sqlalchemy_local
(cd tests/test_local && "$python" -m pytest -c /dev/null --rootdir . --timeout 300 -q -rfE --disable-warnings "$@" .) || failed=1
url="databricks://token:$DATABRICKS_TOKEN@$DATABRICKS_SERVER_HOSTNAME?http_path=$DATABRICKS_HTTP_PATH&catalog=main&schema=sqlalchemy_suite"
# The suite asks for options of pytest that it registers itself, so it runs in its own folder.
(cd tests/test && "$python" -m pytest test_suite.py --dburi "$url" --timeout 300 -q -rfE --disable-warnings "$@") || failed=1
exit $failed
