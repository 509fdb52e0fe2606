#!/usr/bin/env bash
# dbt/judge.sh DBT: seed, models of every kind, snapshot and tests, twice over; then the documentation's catalog.
set -euo pipefail
export DBT_PROFILES_DIR=. DO_NOT_TRACK=1
"$1" debug
"$1" seed --full-refresh
"$1" run --full-refresh
"$1" snapshot
"$1" test
for command in run snapshot test; do
  "$1" "$command" --vars '{round: 2}'
done
"$1" docs generate
"$1" show --inline "select count(*) as fruits from {{ ref('fruits') }}"
echo ok
