#!/bin/sh
# MLflow with basic authentication, PostgreSQL and an S3-compatible artifact store; every secret from a file.
set -eu
secret() { cat "/run/secrets/$1"; }
AWS_ACCESS_KEY_ID=$(secret store_user)
AWS_SECRET_ACCESS_KEY=$(secret store_password)
MLFLOW_FLASK_SERVER_SECRET_KEY=$(secret mlflow_secret_key)
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY MLFLOW_FLASK_SERVER_SECRET_KEY
database="postgresql+psycopg2://verif:$(secret postgres_password)@postgres:5432"
umask 077
cat >"$MLFLOW_AUTH_CONFIG_PATH" <<EOF
[mlflow]
default_permission = READ
database_uri = $database/mlflow_auth
admin_username = admin
admin_password = $(secret mlflow_admin_password)
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
EOF
exec mlflow server --host 0.0.0.0 --port 5000 --app-name basic-auth \
  --backend-store-uri "$database/mlflow" --artifacts-destination s3://mlflow/artifacts
