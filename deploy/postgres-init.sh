#!/bin/bash
# First start of an empty database: one role owns the tables and migrates, another reads and writes rows. The second
# cannot drop a table or the triggers that keep the audit trail append-only, nor put a temporary table in its place.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set owner_password="$OWNER_PASSWORD" --set app_password="$APP_PASSWORD" <<'SQL'
CREATE ROLE novamind_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE novamind_app LOGIN PASSWORD :'app_password';
ALTER DATABASE novamind OWNER TO novamind_owner;
ALTER SCHEMA public OWNER TO novamind_owner;
REVOKE TEMPORARY ON DATABASE novamind FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO novamind_app;
ALTER DEFAULT PRIVILEGES FOR ROLE novamind_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO novamind_app;
ALTER DEFAULT PRIVILEGES FOR ROLE novamind_owner IN SCHEMA public
  GRANT USAGE, SELECT ON SEQUENCES TO novamind_app;
SQL

# Nobody comes in without TLS, except on the socket inside this container.
cat > "$PGDATA/pg_hba.conf" <<'HBA'
local   all all                trust
hostssl all all 0.0.0.0/0      scram-sha-256
hostssl all all ::0/0          scram-sha-256
HBA
