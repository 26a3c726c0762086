# What this machine must have: a Swift toolchain, system packages, the files of the API pages. Sourced, not run.
# shellcheck shell=bash

SWIFT_NEEDED=6.3
PACKAGES=(libpq-dev libssl-dev libcurl4-openssl-dev postgresql postgresql-contrib pkg-config binutils openssl curl ca-certificates)
# Tests alone need these: TLS before the sandbox, the CRMs' own clients, providers in C.
TEST_PACKAGES=(stunnel4 make libjson-c-dev)

have() { command -v "$1" >/dev/null 2>&1; }

# at_least HAVE WANTED: compares version numbers.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

check_swift() {
    local version next
    next="Install Swift $SWIFT_NEEDED or newer from https://www.swift.org/install/linux/ and put its usr/bin into PATH, then run this again."
    have swift || fail "There is no 'swift' in PATH." "$next"
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+(\.[0-9]+)*).*/\1/p' | head -n 1)
    [ -n "$version" ] || fail "'swift --version' does not say its version." "$next"
    at_least "$version" "$SWIFT_NEEDED" || fail "Swift is $version here; provider libraries need $SWIFT_NEEDED or newer." "$next"
}

# Names of the packages that are missing, one per line.
missing_packages() {
    local installed package
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${PACKAGES[@]}" 2>/dev/null || true)
    for package in "${PACKAGES[@]}"; do
        grep -qx "$package installed" <<<"$installed" || echo "$package"
    done
    have cc || echo gcc
    [[ " ${PACKAGES[*]} " != *" stunnel4 "* ]] || python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    have python3 || echo python3
    # Only the files of /docs and /redoc need it.
    docs_files_are_there || python3 -c 'import pip' 2>/dev/null || echo python3-pip
}

# as_root COMMAND...: directly when we are root, through sudo otherwise.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs what is missing with apt-get. Says so first, because it changes the machine outside of this directory.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" -gt 0 ] || return 0
    local next="Install these packages by hand: ${missing[*]}"
    have apt-get || fail "Missing on this machine: ${missing[*]}; there is no apt-get to install them with." "$next"
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || fail "Missing on this machine: ${missing[*]}." "As root: apt-get install -y ${missing[*]}"
        say "  Installing system packages through sudo: ${missing[*]}"
        sudo -v || fail "sudo was refused." "As root: apt-get install -y ${missing[*]}"
    else
        say "  Installing system packages as root: ${missing[*]}"
    fi
    step "System packages" apt_install "${missing[@]}"
}

apt_install() {
    # The packages' own scripts would set up and start a cluster of the system's; we bring our own.
    local switch=/etc/postgresql-common/createcluster.d/crm-dev.conf
    if [ ! -e "$switch" ] && ! dpkg-query -W -f '${db:Status-Status}' postgresql 2>/dev/null | grep -qx installed; then
        as_root mkdir -p "${switch%/*}"
        echo 'create_main_cluster = false' | as_root tee "$switch" >/dev/null
        # shellcheck disable=SC2064  # the path of now, not of then
        trap "as_root rm -f '$switch'" EXIT
    fi
    local install=(as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@")
    # A list of packages may be absent or out of date: fetch it when the first attempt cannot do without.
    "${install[@]}" || {
        as_root apt-get -q -o DPkg::Lock::Timeout=300 update
        "${install[@]}"
    }
}

# The CRMs' own clients from PyPI, in an environment of their own; made anew when the list has changed.
clients() {
    local list=$ROOT/scripts/clients.txt environment=$DEV/clients
    if [ ! -f "$environment/ready" ] || [ "$list" -nt "$environment/ready" ]; then
        rm -rf "$environment"
        python3 -m venv "$environment"
        "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$list"
        touch "$environment/ready"
    fi
}

docs_files_are_there() { [ -f "$DEV/docs/VERSION" ] && [ ! "$ROOT/scripts/docs-files.txt" -nt "$DEV/docs/VERSION" ]; }

# The static files of Swagger UI and ReDoc, from PyPI, checked against the hash in scripts/docs-files.txt.
docs_files() {
    rm -rf "$DEV/docs.new" && mkdir -p "$DEV/docs.new"
    if ! python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
        --dest "$DEV/docs.new" --requirement "$ROOT/scripts/docs-files.txt"; then
        rm -rf "$DEV/docs.new"
        warn "/docs and /redoc stay without their scripts: PyPI could not be reached; the next ./dev tries again."
        return
    fi
    python3 "$ROOT/scripts/unpack-docs-files.py" "$DEV/docs.new"/*.whl "$DEV/docs.new"
    rm -f "$DEV/docs.new"/*.whl
    rm -rf "$DEV/docs" && mv "$DEV/docs.new" "$DEV/docs"
}
