package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// requireKey names the servers whose absence fails a test instead of skipping it.
const requireKey = "CHRONOMON_REQUIRE_SERVERS"

// findServer returns the path of a server's binary, the first of names that is
// installed. Without one, or where servers cannot be started, it ends the test.
func findServer(t testing.TB, server, debianPackage string, names ...string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		unavailable(t, server, "it is started on Linux only")
	}
	return find(t, server, debianPackage, names...)
}

// find returns the path of a binary, or ends the test.
func find(t testing.TB, server, debianPackage string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, ok := lookPath(name); ok {
			return path
		}
	}
	unavailable(t, server, "it is not installed (Debian package "+debianPackage+")")
	return ""
}

// lookPath looks in PATH, and then where Debian keeps PostgreSQL's programs.
func lookPath(name string) (string, bool) {
	if path, err := exec.LookPath(name); err == nil {
		return path, true
	}
	paths, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(paths) == 0 {
		return "", false
	}
	return slices.Max(paths), true
}

// unavailable ends a test that cannot have its server: it fails where the server
// is required, and is skipped elsewhere.
func unavailable(t testing.TB, server, reason string) {
	t.Helper()
	if required(server) {
		t.Fatalf("testenv: no %s, which %s requires: %s", server, requireKey, reason)
	}
	t.Skipf("testenv: no %s: %s", server, reason)
}

// required reports whether the environment requires the server.
func required(server string) bool {
	names := strings.Split(os.Getenv(requireKey), ",")
	return slices.Contains(names, server) || slices.Contains(names, "all")
}
