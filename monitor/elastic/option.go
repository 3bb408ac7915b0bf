package elastic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/internal/queue"
	"github.com/chronoretrace/chronomon/internal/redact"
	"github.com/chronoretrace/chronomon/internal/urltext"
	"github.com/chronoretrace/chronomon/monitor"
)

// Option configures a Store.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	urls       []*url.URL
	name       string
	index      string
	user       string
	password   string
	apiKey     string
	header     http.Header
	transport  http.RoundTripper
	bulkBytes  int
	retention  time.Duration
	replace    bool
	replicas   int
	redact     []string
	spillDir   string
	spillBytes int64
	spillSet   bool
	spillAge   time.Duration
	logs       queue.Config
	drain      time.Duration
}

func newConfig(addresses []string, opts []Option) (*config, error) {
	c := &config{
		name: "elastic", index: "chronoretrace-logs", header: http.Header{}, bulkBytes: 5 << 20,
		retention: 30 * 24 * time.Hour, replicas: 1, spillAge: 7 * 24 * time.Hour, drain: 5 * time.Second,
		logs: queue.Config{
			Capacity: 4096, Batch: 500, Age: time.Second, Spill: 16384,
			WriteTimeout: 10 * time.Second, BackoffMin: 200 * time.Millisecond, BackoffMax: 30 * time.Second,
		},
	}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		c.transport = t.Clone()
	}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	return c, errors.Join(c.validate(addresses)...)
}

func invalid(option string, value any, want string) error {
	return fmt.Errorf("elastic: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want)
}

func (c *config) validate(addresses []string) (errs []error) {
	check := func(ok bool, option string, value any, want string) {
		if !ok {
			errs = append(errs, invalid(option, value, want))
		}
	}
	check(len(addresses) > 0, "New addresses", "none", "at least one")
	for i, a := range addresses {
		u, err := url.Parse(a)
		ok := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == ""
		check(ok, fmt.Sprintf("New address %d", i), urltext.Show(a), "http(s)://host[:port][/path]")
		if ok {
			c.urls = append(c.urls, u)
		}
	}
	check(c.name != "", "WithName", `""`, "a name")
	check(validIndex(c.index), "WithIndex", fmt.Sprintf("%q", c.index), "lower case, without separators, not beginning with - _ +")
	check(c.transport != nil, "WithTransport", nil, "a transport")
	check(c.apiKey == "" || c.user == "", "WithAPIKey", "beside WithBasicAuth", "one of them")
	check(c.bulkBytes >= 1<<10, "WithBulkBytes", c.bulkBytes, "1 KiB or more")
	check(c.retention == 0 || c.retention >= time.Hour, "WithRetention", c.retention, "an hour or more, or 0")
	check(c.replicas >= 0, "WithReplicas", c.replicas, "0 or more")
	for _, word := range c.redact {
		check(redact.Valid(word), "WithRedact", fmt.Sprintf("%q", word), "names with letters or digits")
	}
	check(!c.spillSet || c.spillDir != "", "WithSpill directory", `""`, "a directory")
	check(!c.spillSet || c.spillBytes >= 1<<20, "WithSpill bytes", c.spillBytes, "1 MiB or more")
	check(c.spillAge > 0, "WithSpillAge", c.spillAge, "a positive duration")
	check(c.logs.Capacity >= 1 && c.logs.Capacity <= 1<<22, "WithLogQueue", c.logs.Capacity, "1 to 4194304")
	check(c.logs.Spill >= 0 && c.logs.Spill <= 1<<24, "WithLogQueue held", c.logs.Spill, "0 to 16777216")
	check(c.logs.Batch >= 1 && c.logs.Batch <= 1<<20, "WithLogBatch size", c.logs.Batch, "1 to 1048576")
	check(c.logs.Age > 0, "WithLogBatch age", c.logs.Age, "a positive duration")
	check(c.drain > 0, "WithLogDrain", c.drain, "a positive duration")
	return errs
}

// servers names the store and where it is, for errors: without credentials and
// paths.
func (c *config) servers() string {
	hosts := make([]string, len(c.urls))
	for i, u := range c.urls {
		hosts[i] = u.Host
	}
	return c.name + " at " + strings.Join(hosts, ", ")
}

func validIndex(name string) bool {
	return name != "" && len(name) <= 200 && name == strings.ToLower(name) &&
		!strings.ContainsAny(name, "\\/*?\"<>| ,#:") && !strings.ContainsAny(name[:1], "-_+.")
}

// WithName is what the store is called in metrics and log lines. Default: "elastic".
func WithName(store string) Option { return optionFunc(func(c *config) { c.name = store }) }

// WithIndex sets what the indices are called before the day.
// Default: "chronoretrace-logs".
func WithIndex(prefix string) Option { return optionFunc(func(c *config) { c.index = prefix }) }

// WithBasicAuth sets credentials. Default: none.
func WithBasicAuth(user, password string) Option {
	return optionFunc(func(c *config) { c.user, c.password = user, password })
}

// WithAPIKey sets an encoded API key. Default: none.
func WithAPIKey(key string) Option { return optionFunc(func(c *config) { c.apiKey = key }) }

// WithHeader puts a header on every request; VictoriaLogs wants VL-Time-Field,
// VL-Msg-Field and VL-Stream-Fields. Default: none.
func WithHeader(key, value string) Option {
	return optionFunc(func(c *config) { c.header.Add(key, value) })
}

// WithTransport makes the requests: TLS, proxies. Default: one like
// http.DefaultTransport.
func WithTransport(t http.RoundTripper) Option {
	return optionFunc(func(c *config) { c.transport = t })
}

// WithBulkBytes bounds a request before compression; a larger document goes
// alone. Default: 5 MiB.
func WithBulkBytes(n int) Option { return optionFunc(func(c *config) { c.bulkBytes = n }) }

// WithRetention is when [Store.Setup] has indices deleted. Default: 30 days; 0:
// never.
func WithRetention(d time.Duration) Option { return optionFunc(func(c *config) { c.retention = d }) }

// WithReplaceRetention has [Store.Setup] replace a lifecycle policy of its name
// that deletes indices after another time; a shorter one deletes documents.
// Default: it stays, and is an error.
func WithReplaceRetention() Option { return optionFunc(func(c *config) { c.replace = true }) }

// WithReplicas is how many copies [Store.Setup] has of each index. Default: 1.
func WithReplicas(n int) Option { return optionFunc(func(c *config) { c.replicas = n }) }

// WithRedact adds names of what is secret. An attribute is if its name ends in
// one of them, in any case and with any separators: "secret" stands for
// ClientSecret and db-secret. So is all that is in a group of such a name. Default:
// password(s), passwd, pwd, passphrase, secret(s), token, authorization, cookie,
// credential(s), apikey, accesskey, privatekey, dsn.
func WithRedact(names ...string) Option {
	return optionFunc(func(c *config) { c.redact = append(c.redact, names...) })
}

// WithSpill keeps on disk what the store does not take, in a directory that is
// this store's alone, at most so many bytes (1 MiB or more): past that the oldest
// go, which is counted. It takes effect while the store is run, see [Store.Run].
// Default: the queues alone.
func WithSpill(dir string, bytes int64) Option {
	return optionFunc(func(c *config) { c.spillDir, c.spillBytes, c.spillSet = dir, bytes, true })
}

// WithSpillAge bounds how long documents wait on disk. Default: 7 days.
func WithSpillAge(longest time.Duration) Option {
	return optionFunc(func(c *config) { c.spillAge = longest })
}

// WithLogQueue sets how many log records may wait in memory, and how many more
// are held while the store fails and there is no disk. Default: 4096 and 16384.
func WithLogQueue(waiting, held int) Option {
	return optionFunc(func(c *config) { c.logs.Capacity, c.logs.Spill = waiting, held })
}

// WithLogBatch sets the most log records of one write and the longest time that
// one waits for it to fill. Default: 500 and 1 s.
func WithLogBatch(size int, age time.Duration) Option {
	return optionFunc(func(c *config) { c.logs.Batch, c.logs.Age = size, age })
}

// WithLogDrain bounds how long [Store.Run] writes the log records that are left
// when its context is done; it should be well below the monitor's grace period.
// Default: 5 s.
func WithLogDrain(longest time.Duration) Option {
	return optionFunc(func(c *config) { c.drain = longest })
}

// HandlerOption configures a handler of log records.
type HandlerOption interface{ applyHandler(*handlerConfig) }

type handlerOptionFunc func(*handlerConfig)

func (f handlerOptionFunc) applyHandler(c *handlerConfig) { f(c) }

type handlerConfig struct {
	level           slog.Leveler
	traceID, spanID func(context.Context) string
}

// WithLevel sets the level from which records are taken. Default, and nil:
// slog.LevelInfo.
func WithLevel(l slog.Leveler) HandlerOption {
	return handlerOptionFunc(func(c *handlerConfig) { c.level = l })
}

// WithTraceID adds what f finds in a record's context as trace_id. Where it
// finds nothing, an attribute trace_id outside of groups is taken, as
// monitor.WithLogTraceID adds one. Default, and nil: none.
func WithTraceID(f func(context.Context) string) HandlerOption {
	return handlerOptionFunc(func(c *handlerConfig) { c.traceID = f })
}

// WithSpanID adds what f finds in a record's context as span_id, as
// [WithTraceID] does. Default, and nil: none.
func WithSpanID(f func(context.Context) string) HandlerOption {
	return handlerOptionFunc(func(c *handlerConfig) { c.spanID = f })
}
