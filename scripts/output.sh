# How `./dev` speaks: one line per step with its time, errors that say what to do next. Sourced, not run.
# shellcheck shell=bash

# say TEXT: a plain line.
say() { printf '%s\n' "$*"; }

# fail WHAT NEXT: ends the command; NEXT is the line that mends it.
fail() {
    printf 'error: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf '       %s\n' "$2" >&2
    exit 1
}

# warn TEXT: something works less well than it could, and why.
warn() { printf 'note: %s\n' "$*" >&2; }

# seconds_since START: with one decimal; START comes from $EPOCHREALTIME.
seconds_since() {
    local now=${EPOCHREALTIME/[.,]/} start=${1/[.,]/}
    local tenths=$(((now - start) / 100000))
    printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# step NAME COMMAND...: runs COMMAND with its output kept in a log, prints one line with the time it took. When it fails, the end
# of its output follows, and the whole command ends. Not to be used inside a condition: bash would ignore `set -e` in COMMAND.
step() {
    local name=$1 start=$EPOCHREALTIME log status
    shift
    log=$DEV/log/$(tr -cs 'A-Za-z0-9' '-' <<<"$name" | tr '[:upper:]' '[:lower:]' | sed 's/-*$//').log
    [ ! -t 1 ] || printf '  %-34s ...' "$name"
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1
    status=$?
    set -e
    [ ! -t 1 ] || printf '\r\033[K'
    if [ "$status" -eq 0 ]; then
        printf '  %-34s ok  %6s s\n' "$name" "$(seconds_since "$start")"
        grep -E '^note: ' "$log" >&2 || true
        return
    fi
    printf '  %-34s failed after %s s\n' "$name" "$(seconds_since "$start")"
    # A compiler's errors may stand far above the end.
    if grep -qE ': error: ' "$log"; then
        grep -E -A 3 ': error: ' "$log" | head -n 60 >&2
    else
        tail -n 25 "$log" >&2
    fi
    printf '(all of it: %s)\n' "$log" >&2
    exit "$status"
}
