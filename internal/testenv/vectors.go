package testenv

import (
	"encoding/json"
	"os"
	"testing"
)

// Vectors reads what other tools gave for their inputs, the cases of a file of
// the shared folder golden/forecast, and calls each with every one of them in a
// test of its name. Without the file the test is skipped.
func Vectors[In, Out any](t *testing.T, file string, each func(t *testing.T, in In, want Out)) {
	t.Helper()
	data, err := os.ReadFile(Shared(t, "golden", "forecast", file))
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	var doc struct {
		Cases []struct {
			Name     string
			Input    In
			Expected Out
		}
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatalf("testenv: %s: %v", file, err)
	}
	if len(doc.Cases) == 0 {
		t.Fatalf("testenv: %s has no cases", file)
	}
	for _, c := range doc.Cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			each(t, c.Input, c.Expected)
		})
	}
}
