#!/bin/sh
# The Prefect server with basic authentication (user:password in one secret file) on PostgreSQL.
set -eu
PREFECT_SERVER_API_AUTH_STRING=$(cat /run/secrets/prefect_auth)
PREFECT_SERVER_DATABASE_CONNECTION_URL="postgresql+asyncpg://verif:$(cat /run/secrets/postgres_password)@postgres:5432/prefect"
export PREFECT_SERVER_API_AUTH_STRING PREFECT_SERVER_DATABASE_CONNECTION_URL
export PREFECT_HOME=/tmp/prefect PREFECT_SERVER_ANALYTICS_ENABLED=false
# Kept in memory, the turn of a training would be taken for ever once the server has restarted.
export PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=prefect.server.concurrency.lease_storage.filesystem
exec prefect server start --host 0.0.0.0 --port 4200
