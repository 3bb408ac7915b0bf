#!/usr/bin/env bash
# Runs all tests, with real servers as far as they can be had: installed (and on
# Debian as root installed by us), or started by docker compose. Tests of servers
# that cannot be had are skipped. With CI set, only the skips that
# scripts/allowed-skips.txt allows pass.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/.bin/servers:$PATH # what install-servers.sh builds

work=$(mktemp -d)
compose_project=
# shellcheck disable=SC2329 # called by the trap
cleanup() {
	[ -z "$compose_project" ] || compose down --volumes
	rm -rf "$work"
}
trap cleanup EXIT

failed=()
# step NAME COMMAND... runs a step, says how long it took, and lets the run go on
# when it fails.
step() {
	local name=$1 start=$SECONDS
	shift
	echo "== $name"
	"$@" || failed+=("$name")
	echo "== $name: $((SECONDS - start)) s"
}

compose() {
	docker compose --project-name "$compose_project" --file scripts/compose.yml "$@" </dev/null
}

# compose_servers starts the servers in containers and tells the tests where they are.
compose_servers() {
	docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1 || return 1
	compose_project=chronomon-test-$$
	compose up --detach --wait || return 1
	CHRONOMON_POSTGRES_DSN="postgres://postgres:postgres@$(compose port postgres 5432)/postgres?sslmode=disable"
	CHRONOMON_REDIS_ADDR=$(compose port redis 6379)
	CHRONOMON_PROMETHEUS_URL="http://$(compose port prometheus 9090)"
	CHRONOMON_ALERTMANAGER_URL="http://$(compose port alertmanager 9093)"
	export CHRONOMON_POSTGRES_DSN CHRONOMON_REDIS_ADDR CHRONOMON_PROMETHEUS_URL CHRONOMON_ALERTMANAGER_URL
}

servers() {
	scripts/install-servers.sh || compose_servers ||
		echo "The tests that need a server that is not installed will be skipped (see above)."
}

strict=${CI:+-strict}
# go_test ALLOWED-SKIPS ARGUMENTS...
go_test() {
	local allowed=$1
	shift
	go test -json "$@" </dev/null | "$work/testsummary" ${strict:+"$strict"} -allow "$allowed"
}
allowed=$PWD/scripts/allowed-skips.txt

race=-race
if [ "$(go env CGO_ENABLED)" != 1 ] || ! command -v "$(go env CC)" >/dev/null; then
	echo "There is no C compiler: the tests run without the race detector."
	race=
fi

# Allocations cannot be counted under the race detector, so the packages that
# count them run once more without it, and then no such test may be skipped.
allocation_tests() {
	local dir dirs packages=()
	dirs=$(go list -f '{{.Dir}}' ./...) || return
	while read -r dir; do
		if grep -qsE 'AllocsPerRun|^//go:build !race' "$dir"/*_test.go; then
			packages+=("$dir")
		fi
	done <<<"$dirs"
	if [ "${#packages[@]}" -gt 0 ]; then
		go_test <(grep -v Alloc "$allowed") -shuffle=on "${packages[@]}"
	fi
}

# The modules beside ours also run the code of others, whose races are not ours.
nested_tests() { (cd "$1" && go_test "$allowed" ./...); }

step "servers" servers
go build -o "$work/testsummary" ./internal/testsummary
step "tests" go_test "$allowed" ${race:+"$race"} -shuffle=on ./...
if [ -n "$race" ]; then
	step "allocation tests" allocation_tests
fi
for module in examples/routers internal/bench/peers internal/bench/promql; do
	if [ -f "$module/go.mod" ]; then
		step "tests of $module" nested_tests "$module"
	fi
done
if [ -d examples/quickstart ]; then
	step "quick start" go run ./examples/quickstart -once </dev/null
	step "replay" go run ./examples/replay </dev/null
fi

if [ "${#failed[@]}" -gt 0 ]; then
	printf 'FAILED: %s\n' "${failed[@]}"
	exit 1
fi
echo "All tests passed."
