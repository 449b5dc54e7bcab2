#!/bin/sh
# Installs what the build (and the tests) need, on Debian and Ubuntu.
# usage: tools/setup.sh build [test]
#
# With `test` also what tests/clients/node and tests/page have from npm, by their lock files.
#
# Says nothing when all is there. Installs as root or by a sudo that asks nothing; otherwise prints
# the one line to run and fails. Elsewhere it leaves the packages to you.
set -eu

command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 || exit 0

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null | cut -c1-2)" = ii ]
}

known() {
    [ -n "$(apt-cache --names-only search "^$1\$" 2>/dev/null)" ]
}

# The compiler's run-time for the fuzzer: a package of its own since clang 14 in Debian 12.
# apt-cache is slow, so it is asked only when nothing of the kind is installed.
clang_runtime() {
    ! dpkg-query -W 'libclang-rt-*-dev' >/dev/null 2>&1 || return 0
    major=$(apt-cache depends clang 2>/dev/null |
        sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
    package=libclang-rt-${major:-14}-dev
    if known "$package"; then echo "$package"; fi
}

# The version that the tree is formatted with, where the distribution has it.
formatter() {
    if installed clang-format-14 || known clang-format-14; then
        echo clang-format-14
    else
        echo clang-format
    fi
}

# Clients of Redis in each language, and what is built on them: tests/clients runs them.
clients() {
    echo python3-hiredis python3-celery python3-rq python3-django-redis libhiredis-dev
    echo prometheus-redis-exporter nutcracker
    echo php-cli php-redis php-predis ruby ruby-redis ruby-sidekiq libredis-perl
    echo lua5.1 lua-redis golang-go golang-github-gomodule-redigo-dev
    command -v node >/dev/null 2>&1 || echo nodejs
    command -v npm >/dev/null 2>&1 || echo npm
}

# What opens the page, and letters for it.
browser() {
    command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
        echo chromium
    echo fonts-dejavu-core
}

wanted() {
    for set in "$@"; do
        case $set in
        build)
            command -v "${CC:-cc}" >/dev/null 2>&1 || echo gcc
            echo libc6-dev make pkg-config libjemalloc-dev liblzf-dev libssl-dev libluajit-5.1-dev
            echo libxxhash-dev libmicrohttpd-dev
            ;;
        test)
            echo redis-server redis-tools python3 python3-pytest python3-pytest-xdist python3-redis
            echo openssl clang universal-ctags shellcheck binutils prometheus
            echo libmimalloc-dev libgoogle-perftools-dev # make test-allocators
            clang_runtime
            formatter
            clients
            browser
            ;;
        *)
            echo "setup.sh: no set '$set'; there are build and test" >&2
            exit 2
            ;;
        esac
    done
}

missing() {
    for package in $(wanted "$@"); do
        installed "$package" || printf '%s ' "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# A package may start its service when it is installed; a redis-server on 6379 is not wanted here,
# nor a Prometheus on 9090: tests start their own.
services='redis-server prometheus prometheus-redis-exporter'
policy=/usr/sbin/policy-rc.d
hold_services() {
    [ ! -e "$policy" ] || return 1
    as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
}

install_packages() {
    fresh=
    for service in $services; do
        installed "$service" || fresh="$fresh $service"
    done
    held=no
    hold_services && held=yes
    status=0
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -q --no-install-recommends "$@" || status=$?
    [ "$held" = no ] || as_root rm -f "$policy"
    for service in $fresh; do
        if installed "$service" && [ -d /run/systemd/system ]; then
            as_root systemctl disable --now "$service" >/dev/null 2>&1 || true
        fi
    done
    return $status
}

# What tests have from npm, as lock files say; kept until one changes.
modules() {
    for tests in clients/node page; do
        folder=$(dirname "$0")/../tests/$tests
        kept=$folder/node_modules/.kept-lock.json
        ! cmp -s "$folder/package-lock.json" "$kept" || continue
        command -v npm >/dev/null 2>&1 || return 0
        echo "Installing: the packages of tests/$tests"
        (cd "$folder" && npm ci --prefer-offline --no-audit --no-fund --loglevel=error)
        cp "$folder/package-lock.json" "$kept"
    done
}

finish() {
    case " $* " in *" test "*) modules ;; esac
    exit 0
}

packages=$(missing "$@")
[ -n "$packages" ] || finish "$@"

if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
    echo "Packages are missing. Run this once, then make again:"
    echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $packages"
    exit 1
fi
echo "Installing: $packages"
as_root apt-get update -q
# Fresh lists may know packages by other names.
packages=$(missing "$@")
# shellcheck disable=SC2086 # a list of names
install_packages $packages
finish "$@"
