package testenv

import (
	"runtime"
	"testing"
)

// findBuilt returns the path of a server that no distribution has and that
// scripts/install-servers.sh builds. Without it, it ends the test.
func findBuilt(t testing.TB, server, name string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		unavailable(t, server, "it is started on Linux only")
	}
	path, ok := lookPath(name)
	if !ok {
		unavailable(t, server, name+" is not in PATH (scripts/install-servers.sh builds it into .bin/servers)")
	}
	return path
}
