#!/usr/bin/env bash
# Installs the servers that the integration tests start, where they are missing:
# those of Debian and its relatives, as root, and into .bin/servers those that no
# distribution has, built from their modules. Does nothing when all are there.
# With the argument "full" also a Prometheus of the version that our PromQL engine
# is of.
set -euo pipefail
cd "$(dirname "$0")/.."

# have NAME... is true when one of the binaries is in PATH or in PostgreSQL's own folders.
have() {
	local name
	for name in "$@"; do
		if command -v "$name" || compgen -G "/usr/lib/postgresql/*/bin/$name"; then
			return 0
		fi
	done >/dev/null
	return 1
}

# build NAME VERSION COMMAND... runs a command that makes the server $built/NAME,
# unless it is there in that version.
built=$PWD/.bin/servers
build() {
	local name=$1 version=$2
	shift 2
	[ ! -x "$built/$name" ] || [ "$(cat "$built/$name.version" 2>/dev/null)" != "$version" ] || return 0
	echo "building: $name $version"
	mkdir -p "$built"
	"$@" "$version" </dev/null && echo "$version" >"$built/$name.version"
}

# The last InfluxDB that builds without Rust.
influxd() {
	GOBIN=$built go install -ldflags "-s -w -X main.version=${1#v}" "github.com/influxdata/influxdb/cmd/influxd@$1"
}
victoria_metrics() { GOBIN=$built go install "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics@$1"; }
# VictoriaLogs requires a VictoriaMetrics that was never published: a module of
# our own requires a later one.
victoria_logs() (
	local package=github.com/VictoriaMetrics/VictoriaLogs dir
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	cd "$dir"
	go mod init tool 2>/dev/null
	go get "$package@$1" github.com/VictoriaMetrics/VictoriaMetrics@v1.148.8 2>/dev/null
	go get -tool "$package/app/victoria-logs"
	go build -o "$built/victoria-logs" "$package/app/victoria-logs"
)

# A server with a name of its own: Debian's is another one. Its go.mod replaces a
# module, which go install refuses.
engine() (
	local package=github.com/prometheus/prometheus/cmd/prometheus dir
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	cd "$dir"
	go mod init tool 2>/dev/null
	go get -tool "$package@$1" 2>/dev/null
	go build -ldflags '-s -w' -o "$built/prometheus-$1" "$package"
)

unbuilt=0
if [ "${1:-}" = full ]; then
	version=$(go list -m -f '{{.Version}}' github.com/prometheus/prometheus)
	build "prometheus-$version" "$version" engine || unbuilt=1
fi
build influxd v1.8.10 influxd || unbuilt=1
build victoria-metrics v1.148.8 victoria_metrics || unbuilt=1
build victoria-logs v1.51.1-0.20260624061259-dc94972a8708 victoria_logs || unbuilt=1
if [ "$unbuilt" -ne 0 ]; then
	echo "not built: see above; the tests that need them will be skipped" >&2
fi

missing=()
have initdb || missing+=(postgresql)
have redis-server || missing+=(redis-server)
{ have prometheus && have promtool; } || missing+=(prometheus)
have pgbouncer || missing+=(pgbouncer)
have prometheus-alertmanager alertmanager || missing+=(prometheus-alertmanager)

if [ "${#missing[@]}" -eq 0 ]; then
	exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
	echo "not installed: ${missing[*]} (installing them needs apt-get and root)" >&2
	exit 1
fi

export DEBIAN_FRONTEND=noninteractive
install() {
	apt-get install --yes --quiet -o DPkg::Lock::Timeout=300 --no-install-recommends "${missing[@]}" </dev/null
}

echo "installing: ${missing[*]}"
# The package lists of a fresh machine are often empty or out of date.
install >/dev/null 2>&1 || {
	apt-get update --quiet >/dev/null
	install
}
