#!/usr/bin/env bash
# Looks for known vulnerabilities in what we call: scripts/govulncheck.sh BINARY
# Where the database cannot be reached, it says so and passes.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
output=$("$1" ./... 2>&1 </dev/null) || status=$?
if [ "$status" -ne 0 ] && grep -qE 'fetching vulnerabilities: Get .*(dial tcp|no such host|timeout)' <<<"$output"; then
	echo "govulncheck: database not reachable, skipped"
	exit 0
fi
echo "$output"
exit "$status"
