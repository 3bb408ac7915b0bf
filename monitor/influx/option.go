package influx

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/internal/urltext"
	"github.com/chronoretrace/chronomon/monitor"
)

// Option configures a Sink.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	url, bucket string
	name        string
	org, token  string
	client      *http.Client
	gzip        bool
	static      []staticTag
	tags        []string
	tagLimit    int
	numbersOnly bool
	replace     bool
	spillDir    string
	spillBytes  int64
	spillSet    bool
	spillAge    time.Duration
}

type staticTag struct{ key, value string }

func newConfig(serverURL, bucket string, opts []Option) (*config, error) {
	c := &config{
		url: serverURL, bucket: bucket, name: "influx", client: &http.Client{}, gzip: true,
		tagLimit: 1000, spillAge: 7 * 24 * time.Hour,
	}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	return c, errors.Join(c.validate()...)
}

func invalid(option string, value any, want string) error {
	return fmt.Errorf("influx: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want)
}

func (c *config) validate() (errs []error) {
	check := func(ok bool, option string, value any, want string) {
		if !ok {
			errs = append(errs, invalid(option, value, want))
		}
	}
	u, err := url.Parse(c.url)
	check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "", "New URL", urltext.Show(c.url), "http(s)://host[:port][/path]")
	check(c.bucket != "", "New bucket", `""`, "a bucket, or database/policy")
	check(c.name != "", "WithName", `""`, "a name")
	check(c.client != nil, "WithHTTPClient", nil, "a client")
	check(c.tagLimit >= 1, "WithTagLimit", c.tagLimit, "1 or more")
	check(!c.spillSet || c.spillDir != "", "WithSpill directory", `""`, "a directory")
	check(!c.spillSet || c.spillBytes >= 1<<20, "WithSpill bytes", c.spillBytes, "1 MiB or more")
	check(c.spillAge > 0, "WithSpillAge", c.spillAge, "a positive duration")
	taken := map[string]bool{tagName: true, tagFailed: true}
	tag := func(option, key string) {
		check(key != "" && !reserved(key) && !ownField(key), option, fmt.Sprintf("%q", key), "a name that InfluxDB and this package have no use for")
		check(!taken[key], option, fmt.Sprintf("%q", key), "a tag that is there once")
		taken[key] = true
	}
	for _, t := range c.static {
		tag("WithStaticTag", t.key)
		check(t.value != "", "WithStaticTag "+t.key, `""`, "a value")
	}
	for _, key := range c.tags {
		tag("WithTags", key)
	}
	return errs
}

// WithName is what the store is called in metrics and log lines. Default: "influx".
func WithName(store string) Option { return optionFunc(func(c *config) { c.name = store }) }

// WithOrg sets the organisation. Default: none, which 1.8 and VictoriaMetrics want.
func WithOrg(org string) Option { return optionFunc(func(c *config) { c.org = org }) }

// WithToken sets the token; for 1.8 "user:password". Default: none.
func WithToken(token string) Option { return optionFunc(func(c *config) { c.token = token }) }

// WithHTTPClient sets the client that makes the requests: TLS, proxies. Its
// redirects are not followed. Default: one with http.DefaultTransport's settings.
func WithHTTPClient(client *http.Client) Option {
	return optionFunc(func(c *config) { c.client = client })
}

// WithoutGzip sends requests as they are. Default: compressed.
func WithoutGzip() Option { return optionFunc(func(c *config) { c.gzip = false }) }

// WithStaticTag puts a tag on every point: the host, the region.
func WithStaticTag(key, value string) Option {
	return optionFunc(func(c *config) { c.static = append(c.static, staticTag{strings.TrimSpace(key), value}) })
}

// WithTags makes those attributes tags, by which one groups, of the events that
// have them. Choose attributes of few values: each combination is a series.
// Default: none.
func WithTags(keys ...string) Option {
	return optionFunc(func(c *config) { c.tags = append(c.tags, keys...) })
}

// WithTagLimit bounds the distinct values of each tag in this process. Further
// ones, and those of more than 256 bytes, have the tag "other" and their text in
// the field that is called by the tag with "_text" behind it. Default: 1000.
func WithTagLimit(n int) Option { return optionFunc(func(c *config) { c.tagLimit = n }) }

// WithNumbersOnly leaves out fields of text, for VictoriaMetrics, which would
// make a series of zeros of each.
func WithNumbersOnly() Option { return optionFunc(func(c *config) { c.numbersOnly = true }) }

// WithReplaceRetention has [Sink.Setup] change the retention of a bucket or policy
// that is there and has another one; a shorter one deletes points. Default: it
// stays, and is an error.
func WithReplaceRetention() Option { return optionFunc(func(c *config) { c.replace = true }) }

// WithSpill keeps on disk what the store does not take, in a directory that is
// this sink's alone, at most so many bytes (1 MiB or more): past that the oldest
// go, which is counted. It takes effect while the sink is run, see [Sink.Run].
// Default: the monitor's queue alone, see [monitor.WithSpill].
func WithSpill(dir string, bytes int64) Option {
	return optionFunc(func(c *config) { c.spillDir, c.spillBytes, c.spillSet = dir, bytes, true })
}

// WithSpillAge bounds how long points wait on disk. Default: 7 days.
func WithSpillAge(longest time.Duration) Option {
	return optionFunc(func(c *config) { c.spillAge = longest })
}
