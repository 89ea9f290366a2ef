#!/usr/bin/env bash
# Sets up everything that `make demo` and `make test` need: system packages (Debian's, by apt-get)
# and a virtual environment with pinned dependencies. Run by make, once; safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv

as_root() {
    local run=(env DEBIAN_FRONTEND=noninteractive "$@")
    if [ "$(id -u)" = 0 ]; then "${run[@]}"; else sudo "${run[@]}"; fi
}

can_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }
}

# Node and npm of another source are as good, and Debian's would conflict with them.
is_installed() {
    case "$1" in
        nodejs) command -v node >/dev/null && return ;;
        npm) command -v npm >/dev/null && return ;;
    esac
    dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

# apt_install NAME=VERSION...: the pinned versions; where this release has others, those.
apt_install() {
    as_root apt-get update -qq || echo "setup: apt-get update failed; trying what is known." >&2
    local apt=(apt-get install -y -qq --no-install-recommends)
    as_root "${apt[@]}" "$@" >/dev/null && return
    echo "setup: not every tested version is to be had here; taking this system's own." >&2
    as_root "${apt[@]}" "${@%%=*}" >/dev/null
}

install_system_packages() {
    local missing=() name version
    while read -r name version; do
        is_installed "$name" || missing+=("$name=$version")
    done < <(grep -v '^#' tools/apt-packages.txt)
    [ ${#missing[@]} -gt 0 ] || return 0
    if ! can_install; then
        echo "setup: no apt-get (or no root) here, so these stay absent: ${missing[*]%%=*}." >&2
        echo "setup: the native board works without them; install them by hand for the others." >&2
        return 0
    fi
    echo "setup: installing ${missing[*]%%=*}"
    apt_install "${missing[@]}" ||
        echo "setup: apt-get failed; the native board works, the others may not." >&2
}

make_environment() {
    if ! python3 -c 'import ensurepip' 2>/dev/null; then
        can_install || { echo "setup: python3 lacks venv; install python3-venv." >&2; exit 1; }
        apt_install "python3-venv=3.11.*"
    fi
    [ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
    echo "setup: installing the Python packages of constraints.txt (TensorFlow takes a minute)"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --constraint constraints.txt \
        --editable '.[train,dev]'
}

# What checks the page's JavaScript; its tests are skipped where there is no npm.
install_page_tools() {
    if ! command -v npm >/dev/null; then
        echo "setup: no npm here; the page's types and accessibility stay unchecked." >&2
        return 0
    fi
    npm ci --prefix tools/page --ignore-scripts --no-audit --no-fund --silent ||
        echo "setup: npm failed; the page's types and accessibility stay unchecked." >&2
}

install_system_packages
make_environment
install_page_tools
touch "$venv/.installed"
