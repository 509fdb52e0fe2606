#!/usr/bin/env bash
# cli/judge.sh BRICKYARD HERE: the official command line against a workspace of this script's own: `auth`, `apps`, `sync`,
# `workspace` and `bundle`. DATABRICKS_CLI names the program (default: `databricks` of the path).
set -euo pipefail
brickyard=$1 here=$2
cli=${DATABRICKS_CLI:-databricks}
work=$(mktemp -d)
state=$work/state
trap '"$brickyard" down --state-directory "$state" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
"$brickyard" up --state-directory "$state"
field() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$state/running.json" "$1"; }
DATABRICKS_HOST=$(field http_url) DATABRICKS_TOKEN=$(field token)
export DATABRICKS_HOST DATABRICKS_TOKEN DATABRICKS_BUNDLE_ENGINE=direct
export HOME=$work
cp -r "$here/cli/site" "$here/cli/bundle" "$work/"
cp -r "$here/cli/site" "$work/bundle/src"
cd "$work"
home=/Users/$(field developer)
mkdir bin
ln -s "$(command -v "$cli")" bin/databricks

# says WORDS COMMAND …: the command succeeds and prints the words.
says() {
  local words=$1 said
  shift
  said=$("$@" 2>&1) || { echo "failed: $*: $said" >&2; exit 1; }
  [[ $said == *"$words"* ]] || { echo "\`$words\` is not in what $* said: $said" >&2; exit 1; }
}

says "Initial Sync Complete" "$cli" sync site "$home/site"
says "app.yaml" "$cli" workspace list "$home/site"
says '"ACTIVE"' "$cli" apps create site -o json
says "App started successfully" "$cli" apps deploy site --source-code-path "/Workspace$home/site"
says "SUCCEEDED" "$cli" apps list-deployments site
says '"RUNNING"' "$cli" apps get site -o json

# A user signs in with a browser, at the workspace's own name, and reads the log; a personal token does not open it.
refuses() {
  local words=$1 said
  shift
  ! said=$("$@" 2>&1) || { echo "it should have been refused: $*: $said" >&2; exit 1; }
  [[ $said == *"$words"* ]] || { echo "\`$words\` is not in what $* said: $said" >&2; exit 1; }
}
outside() {
  env -u DATABRICKS_HOST -u DATABRICKS_TOKEN DATABRICKS_AUTH_STORAGE=plaintext BROWSER="$here/cli/browser.py" \
    HTTPS_PROXY="$(field proxy_url)" https_proxy="$(field proxy_url)" SSL_CERT_FILE="$(field ca_bundle)" "$@"
}
refuses "not supported" "$cli" apps logs site
says "successfully saved" outside "$cli" auth login --host "https://$(field host)" --profile me
says "\"userName\":" outside "$cli" current-user me --profile me -o json
says "[SYSTEM] App started successfully" outside "$cli" apps logs site --profile me
says "Starting app with command" outside "$cli" apps logs site --profile me --search "with command" --source SYSTEM --tail-lines 1
says "SYSTEM" outside "$cli" apps logs site --profile me --tail-lines 5 -o json
# The sign-in of one command line is the other's too.
says "site" outside "$brickyard" list --target me
says "App started successfully" outside "$brickyard" logs site --target me
says "is signed in" outside "$brickyard" login --target back --host "https://$(field host)"
says "\"userName\":" outside "$cli" current-user me --profile back -o json
# A bundle would take the profile in place of the variables.
rm "$work/.databrickscfg"
says '"STOPPED"' "$cli" apps stop site -o json
says '"ACTIVE"' "$cli" apps start site -o json
says '"DELETING"' "$cli" apps delete site -o json

mkdir notes
printf '# Databricks notebook source\nprint(1)\n' > notes/one.py
echo '{"nbformat": 4, "nbformat_minor": 0, "metadata": {"language_info": {"name": "python"}}, "cells": [{"cell_type": "code", "source": ["1 + 1"], "metadata": {}, "outputs": [], "execution_count": null}]}' > notes/two.ipynb
echo plain > notes/three.txt
says "Import complete" "$cli" workspace import-dir notes "$home/notes"
says "NOTEBOOK" "$cli" workspace get-status "$home/notes/two" -o json
says "1 + 1" "$cli" workspace export "$home/notes/two" --format JUPYTER
says "Export complete" "$cli" workspace export-dir "$home/notes" back
diff notes/three.txt back/three.txt
diff notes/one.py back/one.py

cd bundle
says "Validation OK" "$cli" bundle validate
says "2 to add" "$cli" bundle plan
says "2 created" "$cli" bundle deploy
says "0 to add, 0 to change" "$cli" bundle plan
says "App started successfully" "$cli" bundle run shop
says "0 created" "$cli" bundle deploy
says '"users"' "$cli" apps get-permissions shop-dev -o json
says "shop-dev runs: http://shop-dev.localhost:" env PATH="$work/bin:$PATH" "$brickyard" deploy --bundle --state-directory "$state"
says "Destroy: 1 deleted" "$cli" bundle destroy --auto-approve
echo "the command line $("$cli" --version) has no complaint"
