#!/usr/bin/env bash
# Fuzzes every fuzz target for a while: scripts/fuzz.sh 10s
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-10s}

# fuzz PACKAGE TARGET. Before Go 1.27 a run that finds nothing may end with
# "context deadline exceeded" (go.dev/issue/75804), which is no failure.
fuzz() {
	local output
	echo "== $1 $2"
	if output=$(go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 1s "$1" 2>&1 </dev/null); then
		tail -n 1 <<<"$output"
		return
	fi
	echo "$output"
	grep -q 'context deadline exceeded' <<<"$output" && ! grep -qE 'panic|Failing input' <<<"$output"
}

status=0
packages=$(go list -f '{{.ImportPath}} {{.Dir}}' ./...)
while read -r package dir; do
	while read -r _ target; do
		fuzz "$package" "$target" || status=1
	done < <(grep -shoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go)
done <<<"$packages"
exit "$status"
