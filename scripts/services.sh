# The host and the sandbox as background processes of this checkout. Sourced, not run.
# shellcheck shell=bash

# port_must_be_free VARIABLE PORT
port_must_be_free() {
    if (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; then
        fail "Port $2 is taken by another program." "Choose another one: $1=$(($2 + 100)) ./dev ..."
    fi
}

# running NAME PROGRAM: succeeds when the process that we started as NAME still runs PROGRAM; its id is then in RUNNING.
running() {
    RUNNING=$(cat "$DEV/run/$1.pid" 2>/dev/null) || return 1
    local program
    program=$(readlink "/proc/$RUNNING/exe" 2>/dev/null) || return 1
    # The kernel marks the name when a newer build has replaced the file.
    [ "${program% (deleted)}" = "$(readlink -f "$BIN")/$2" ]
}

host_runs() { running host crm-host; }
sandbox_runs() { running sandbox crm-sandbox; }

# outdated: whether the process found last by `running` is an older build than the one on disk.
outdated() { [[ $(readlink "/proc/$RUNNING/exe") == *" (deleted)" ]]; }

# The settings of a development host. The encryption key is made once: another one could not read the database's credentials.
write_settings() {
    local key=$DEV/encryption-key
    [ -s "$key" ] || (umask 077 && python3 -c 'import secrets; print(secrets.token_urlsafe(24), end="")' >"$key")
    (
        umask 077
        cat >"$DEV/env.new" <<SETTINGS
CRM_ENV='development'
HOST='127.0.0.1'
PORT='$PORT'
CRM_ADMIN_HOST='127.0.0.1'
CRM_ADMIN_PORT='$CRM_ADMIN_PORT'
CRM_SANDBOX_PORT='$CRM_SANDBOX_PORT'
DB_DSN='$(dsn crm_app crm)'
DB_WORKER_DSN='$(dsn crm_worker crm)'
DB_MIGRATE_DSN='$(dsn crm_owner crm)'
CRM_ENCRYPTION_KEY='$(cat "$key")'
GCP_PROJECT_ID='crm-sandbox'
FIREBASE_JWKS_URL='http://127.0.0.1:$CRM_SANDBOX_PORT/google/jwks'
CORS_ALLOWED_ORIGINS='http://localhost:3000'
CRM_CONFIG_DIR='$DEV/config'
CRM_PROVIDER_DIR='$DEV/providers'
CRM_DOCS_DIR='$DEV/docs'
CRM_STATE_DIR='$DEV/state'
CRM_SQL_DIR='$ROOT/sql'
LOG_LEVEL='info'
SETTINGS
        mv "$DEV/env.new" "$DEV/env"
    )
}

# Puts .dev/env into this shell's environment and leaves the checkout, where somebody may keep a `.env` for another purpose.
enter_settings() {
    set -a
    # shellcheck source=/dev/null
    . "$DEV/env"
    set +a
    cd "$DEV" || exit
}

# replace_if_changed NEW TARGET: the host watches these directories; an unchanged file must not look like a change.
replace_if_changed() {
    if cmp -s "$1" "$2"; then rm -f "$1"; else mv -f "$1" "$2"; fi
}

# The provider libraries, stripped, and an entry for each that leads to the sandbox instead of the CRM.
install_providers() {
    local entry name library
    mkdir -p "$DEV/providers" "$DEV/config/providers.d" "$DEV/state"
    chmod 700 "$DEV/state"
    for entry in "$ROOT"/config/providers.d/*.yaml; do
        name=$(basename "$entry" .yaml)
        library=$(sed -nE 's/^library: *"?([^" #]+).*/\1/p' "$entry")
        strip -o "$DEV/run/$library" "$BIN/$library"
        replace_if_changed "$DEV/run/$library" "$DEV/providers/$library"
        {
            echo "# Written by ./dev from config/providers.d/$name.yaml at each start: the sandbox in place of the CRM."
            sed -E -e "s|^( *base_url:).*|\\1 http://127.0.0.1:$CRM_SANDBOX_PORT/$name|" \
                -e "s|^( *allow:).*|\\1 [\"http://127.0.0.1:$CRM_SANDBOX_PORT\"]|" "$entry"
        } >"$DEV/run/$name.yaml"
        replace_if_changed "$DEV/run/$name.yaml" "$DEV/config/providers.d/$name.yaml"
    done
}

migrate() {
    (enter_settings && "$BIN/crm-host" migrate) ||
        fail "The database does not take the migrations." "To begin with an empty one: ./dev down && rm -rf $(cluster_path)"
}

# start NAME COMMAND...: in the background, in a session of its own, so that Ctrl-C here does not reach it.
start() {
    local name=$1
    shift
    (
        enter_settings
        exec setsid "$@" </dev/null >"$DEV/log/$name.log" 2>&1 9>&-
    ) &
    echo $! >"$DEV/run/$name.pid"
}

# wait_for NAME URL: until URL answers 200, at most 30 s, as long as the process lives.
wait_for() {
    local name=$1 url=$2 end=$((SECONDS + 30))
    until curl -fs -o /dev/null --max-time 2 "$url"; do
        if ! kill -0 "$(cat "$DEV/run/$name.pid")" 2>/dev/null; then
            tail -n 15 "$DEV/log/$name.log" >&2
            fail "The $name ended at once." "Its log: $DEV/log/$name.log"
        fi
        [ "$SECONDS" -lt "$end" ] || fail "The $name did not get ready within 30 s: $url" "Its log: $DEV/log/$name.log"
        sleep 0.1
    done
}

start_sandbox() {
    if sandbox_runs; then
        outdated || return 0
        stop sandbox
    fi
    port_must_be_free CRM_SANDBOX_PORT "$CRM_SANDBOX_PORT"
    start sandbox "$BIN/crm-sandbox" --state "$DEV/sandbox"
    wait_for sandbox "http://127.0.0.1:$CRM_SANDBOX_PORT/google/jwks"
}

start_host() {
    if host_runs; then
        outdated || return 0
        stop host
    fi
    port_must_be_free PORT "$PORT"
    port_must_be_free CRM_ADMIN_PORT "$CRM_ADMIN_PORT"
    start host "$BIN/crm-host" serve
    wait_for host "http://127.0.0.1:$PORT/readyz"
}

# stop NAME: asks it to end, and waits for it; a host finishes the calls under way first.
stop() {
    local name=$1 end=$((SECONDS + 25))
    if "${name}_runs"; then kill "$RUNNING"; fi
    while "${name}_runs"; do
        [ "$SECONDS" -lt "$end" ] || fail "The $name (process $RUNNING) does not end." "See $DEV/log/$name.log; then: kill -9 $RUNNING"
        sleep 0.1
    done
    rm -f "$DEV/run/$name.pid"
}
