#!/usr/bin/env bash
# Installs the servers that the integration tests start, where they are missing:
# Debian and its relatives, as root. Does nothing when all are there.
set -euo pipefail

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

missing=()
have initdb || missing+=(postgresql)
have redis-server || missing+=(redis-server)
{ have prometheus && have promtool; } || missing+=(prometheus)
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
