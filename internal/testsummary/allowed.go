package main

import (
	"fmt"
	"os"
	"path"
	"strings"
)

// allowance is a line of the file of allowed skips: a pattern that the name of a
// test has to match. Its subtests may be skipped too.
type allowance string

// readAllowed reads the file of allowed skips; without a name there are none.
func readAllowed(name string) ([]allowance, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var allowed []allowance
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, reason, _ := strings.Cut(line, " ")
		if strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s: %q: a reason is missing", name, line)
		}
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", name, line, err)
		}
		allowed = append(allowed, allowance(pattern))
	}
	return allowed, nil
}

// allows reports whether the test, or one that it is a subtest of, may be skipped.
func (r *report) allows(test string) bool {
	for _, a := range r.allowed {
		for name := test; name != "."; name = path.Dir(name) {
			if ok, _ := path.Match(string(a), name); ok {
				return true
			}
		}
	}
	return false
}
