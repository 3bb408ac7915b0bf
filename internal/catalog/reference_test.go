package catalog_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

var update = flag.Bool("update", false, "rewrite METRICS.md")

// METRICS.md is the catalogue, for people.
func TestReference(t *testing.T) {
	t.Parallel()
	const file, stale = "../../METRICS.md", "go test ./internal/catalog -run Reference -update rewrites METRICS.md"
	got := reference()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	wanted := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got, "\n") { // by line: the whole is long
		require.Less(t, i, len(wanted), stale)
		require.Equal(t, wanted[i], line, stale)
	}
	require.Len(t, wanted, strings.Count(got, "\n")+1, stale)
}

func reference() string {
	var b strings.Builder
	b.WriteString("# Metrics\n\nEvery metric the SDK emits, under its name in the default profile. The values that a label takes stand in the package's documentation.\n" +
		"A metric of seconds or bytes says so; the others are numbers of things, ratios from 0 to 1, or 0 for no and 1 for yes, as their text says. 中文说明见末列。\n")
	for _, a := range catalog.Areas() {
		fmt.Fprintf(&b, "\n## %s\n\n| metric | type | labels | unit | what it is | 说明 |\n| --- | --- | --- | --- | --- | --- |\n", a.Title)
		for _, m := range a.Metrics {
			labels := make([]string, len(m.Labels))
			for i, l := range m.Labels {
				labels[i] = "`" + l + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", m.Name, m.Type, strings.Join(labels, ", "), unit(m.Unit), cell(m.Help), cell(m.HelpZH))
		}
	}
	return b.String()
}

// unit is a UCUM unit as people write it.
func unit(u string) string {
	switch u {
	case "s":
		return "seconds"
	case "By":
		return "bytes"
	}
	return ""
}

func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
