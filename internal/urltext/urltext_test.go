package urltext_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/urltext"
)

func TestShow(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"":                                     `""`,
		"localhost:9090":                       "localhost:9090",
		"localhost:9090/prefix-s3cret":         "localhost:9090",
		"prometheus":                           "prometheus",
		"10.0.0.1:9200?token=s3cret":           "10.0.0.1:9200",
		"http://":                              "http://",
		"http:///s3cret":                       "http://",
		"ftp://host/s3cret":                    "ftp://host",
		"https://ada:s3cret@host:1/s3cret?a=b": "https://host:1",
		"http://[::1]:9090/s3cret":             "http://[::1]:9090",
		"//host/s3cret":                        "://host",
		"http://te st/s3cret":                  "(not shown)",
		"http://ada:s3/cret@host":              "(not shown)",
		"http://ada:12/s3cret@host":            "(not shown)",
		"ada:s3cret@host:9090":                 "(not shown)",
		"ada:s3cret":                           "(not shown)",
		"/s3cret":                              "(not shown)",
		"http://\x7fs3cret":                    "(not shown)",
	} {
		require.Equal(t, want, urltext.Show(raw), raw)
	}
}
