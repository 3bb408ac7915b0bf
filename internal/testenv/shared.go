package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// sharedKey names the folder with data that is not part of this project: the
// platform's own rule files, published series, vectors of other tools.
const sharedKey = "CHRONOMON_SHARED"

// Shared returns the path of shared data: under the folder that
// CHRONOMON_SHARED names, or in a folder "shared" beside one of the folders
// above. Without it the test is skipped.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	inside := filepath.Join(elem...)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	var roots []string
	if root := os.Getenv(sharedKey); root != "" {
		roots = append(roots, root)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		roots = append(roots, filepath.Join(dir, "shared"))
	}
	for _, root := range roots {
		if path := filepath.Join(root, inside); exists(path) {
			return path
		}
	}
	t.Skipf("%s is not here: set %s to the folder that has it", inside, sharedKey)
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path) //nolint:gosec // of the environment or of this tree, as it is meant
	return err == nil
}
