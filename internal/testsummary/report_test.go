package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// module is a module whose tests do all that tests can do.
var module = map[string]string{
	"go.mod":           "module example.com/m\n\ngo 1.26.0\n",
	"none/a.go":        "package none\n",
	"broken/a.go":      "package broken\n\nvar _ int = undefined\n",
	"broken/a_test.go": "package broken\n",
	"good/a_test.go": `package good

import "testing"

func TestQuiet(t *testing.T) { t.Log("of no interest") }

func TestLeftOut(t *testing.T) { t.Skip("no such server") }

func TestPartly(t *testing.T) {
	t.Run("here", func(t *testing.T) {})
	t.Run("there", func(t *testing.T) { t.Skip("not there") })
}
`,
	"bad/a_test.go": `package bad

import "testing"

func TestGood(t *testing.T) { t.Log("of no interest") }

func TestBad(t *testing.T) { t.Error("of much interest") }
`,
	"worse/a_test.go": `package worse

import "testing"

func TestWorse(t *testing.T) { t.Log("last words"); panic("the end") }
`,
}

// run returns the report of a real test run over some packages of the module.
func run(t *testing.T, allowed []allowance, packages ...string) (r *report, out *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range module {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "-json", "-vet=off"}, packages...)...)
	cmd.Dir = dir
	events, err := cmd.Output() // a failed test is an error too
	require.NotEmpty(t, events, "%v", err)

	out = new(bytes.Buffer)
	r = newReport(out, allowed)
	require.NoError(t, r.read(bytes.NewReader(events)))
	return r, out
}

func TestReportOfAGoodRun(t *testing.T) {
	t.Parallel()
	r, out := run(t, []allowance{"TestPart*"}, "./good", "./none")
	require.False(t, r.failed)
	require.Regexp(t, `(?m)^ok  \texample.com/m/good\t[0-9.]+s$`, out.String())
	require.Contains(t, out.String(), "?   \texample.com/m/none\t[no test files]\n")
	require.Equal(t, 2, strings.Count(out.String(), "\n"), out.String())

	out.Reset()
	r.printSkips(false)
	require.False(t, r.failed)
	require.Equal(t, `skipped: example.com/m/good TestLeftOut: a_test.go:7: no such server
skipped: example.com/m/good TestPartly/there: a_test.go:11: not there
`, out.String())

	out.Reset()
	r.printSkips(true)
	require.True(t, r.failed)
	require.Equal(t, `FAIL: skipped, which is not allowed: example.com/m/good TestLeftOut: a_test.go:7: no such server
skipped: example.com/m/good TestPartly/there: a_test.go:11: not there
`, out.String())
}

func TestReportOfAFailedRun(t *testing.T) {
	t.Parallel()
	for pkg, want := range map[string][]string{
		"bad":    {"--- FAIL: TestBad", "of much interest", "FAIL\texample.com/m/bad\t"},
		"worse":  {"last words", "panic: the end", "FAIL\texample.com/m/worse\t"},
		"broken": {"undefined: undefined", "FAIL\texample.com/m/broken [build failed]"},
	} {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			r, out := run(t, nil, "./"+pkg)
			require.True(t, r.failed)
			for _, text := range want {
				require.Contains(t, out.String(), text)
			}
			require.NotContains(t, out.String(), "of no interest")
			require.NotContains(t, out.String(), "=== RUN")
		})
	}
}

func TestReportPassesOnWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := newReport(&out, nil)
	require.NoError(t, r.read(strings.NewReader("go: something is wrong\nand no end of line")))
	require.Equal(t, "go: something is wrong\nand no end of line", out.String())
}
