# PostgreSQL for development: a cluster of our own, on loopback, under .dev/. Sourced, not run.
# shellcheck shell=bash

# Where the cluster's files are; nothing before it was made. Under .dev/ unless PostgreSQL's user cannot reach them there.
cluster_path() { cat "$DEV/pg-path" 2>/dev/null || true; }

# The directory of initdb and pg_ctl: of the version the cluster was made with, else of the newest.
cluster_programs() {
    local version directory
    version=$(cat "$(cluster_path)/PG_VERSION" 2>/dev/null || true)
    # shellcheck disable=SC2086  # without a version, the star is for the shell
    for directory in $(printf '%s\n' /usr/lib/postgresql/${version:-*}/bin | sort -Vr) "$(dirname "$(command -v pg_ctl || echo /)")"; do
        [ ! -x "$directory/pg_ctl" ] || { echo "$directory" && return; }
    done
    fail "PostgreSQL ${version:-} is not installed here." \
        "apt-get install postgresql${version:+-$version}, or begin anew: ./dev down && rm -rf .dev"
}

# PostgreSQL refuses to run as root; then it runs as an unprivileged user who exists anyway.
cluster_user() {
    local user
    for user in postgres nobody; do
        if id "$user" >/dev/null 2>&1; then echo "$user" && return; fi
    done
    fail "PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody' here." "useradd --system postgres"
}

# cluster_run COMMAND...: as the user who owns the cluster.
cluster_run() {
    if [ "$(id -u)" -ne 0 ]; then (cd / && "$@"); else (cd / && runuser -u "$(cluster_user)" -- "$@"); fi
}

# The port the cluster listens on; nothing when it does not run.
cluster_port() {
    # shellcheck disable=SC2016  # the inner shell expands it, as the cluster's user
    cluster_run sh -c 'test -f "$1/postmaster.pid" && kill -0 "$(head -n 1 "$1/postmaster.pid")" && sed -n 4p "$1/postmaster.pid"' \
        - "$(cluster_path)" 2>/dev/null || true
}

cluster_create() {
    local path=$DEV/pg
    if [ -s "$(cluster_path)/PG_VERSION" ]; then return; fi
    rm -rf "$path" "$DEV/pg-path"
    if [ "$(id -u)" -eq 0 ]; then
        cluster_run test -x "$DEV" || path=$(mktemp -d /var/tmp/crm-dev-XXXXXX)
        install -d -m 700 -o "$(cluster_user)" "$path"
    fi
    cluster_run "$(cluster_programs)/initdb" --pgdata "$path" --username postgres --auth trust \
        --encoding UTF8 --locale C.UTF-8 --no-instructions
    echo "$path" >"$DEV/pg-path"
}

cluster_start() {
    local path port
    cluster_create
    path=$(cluster_path)
    port=$(cluster_port)
    if [ -n "$port" ]; then
        say "already runs on port $port"
        return
    fi
    port_must_be_free CRM_PG_PORT "$CRM_PG_PORT"
    # `9>&-`: the server must not keep the lock of `take_turn`.
    # Sockets in the file system stay off: their path has a limit of 107 bytes, and a checkout may lie deeper.
    if ! cluster_run "$(cluster_programs)/pg_ctl" --pgdata "$path" --log "$path/server.log" --wait --timeout 60 -o \
        "-c listen_addresses=127.0.0.1 -c port=$CRM_PG_PORT -c unix_socket_directories= -c max_connections=300" start 9>&-; then
        cluster_run tail -n 20 "$path/server.log" >&2 || true
        fail "PostgreSQL did not start." "Read $path/server.log."
    fi
}

cluster_stop() {
    [ -n "$(cluster_port)" ] || return 0
    cluster_run "$(cluster_programs)/pg_ctl" --pgdata "$(cluster_path)" --mode fast --wait --timeout 60 stop
}

# dsn USER DATABASE: the address for libpq.
dsn() { echo "postgresql://$1@127.0.0.1:$CRM_PG_PORT/$2"; }

# Makes the database `crm` and its roles; what is there already stays.
database_create() {
    local admin
    admin=$(dsn postgres postgres)
    if [ "$(psql -XAtq "$admin" -c "SELECT count(*) FROM pg_database WHERE datname = 'crm'")" = 0 ]; then
        psql -Xq "$admin" -c 'CREATE DATABASE crm'
    fi
    psql -Xq -v ON_ERROR_STOP=1 "$(dsn postgres crm)" -f "$ROOT/sql/roles.sql"
}
