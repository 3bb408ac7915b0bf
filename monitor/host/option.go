package host

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// Option configures a Host.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	proc, root    string
	points, types *regexp.Regexp
	timeout       time.Duration
	limit         int
}

// What is left out by default: node_exporter's lists, and what container
// runtimes mount per container.
var (
	defaultPoints = regexp.MustCompile(`^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+` +
		`|var/lib/kubelet/pods/.+|run/containerd/.+|run/k3s/containerd/.+|etc/(hosts|hostname|resolv\.conf))($|/)`)
	defaultTypes = regexp.MustCompile(`^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|erofs|fusectl|hugetlbfs` +
		`|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$`)
)

func newConfig(opts []Option) (*config, error) {
	c := &config{
		proc: "/proc", root: "/", points: defaultPoints, types: defaultTypes,
		timeout: time.Second, limit: 256,
	}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	return c, errors.Join(c.validate()...)
}

func (c *config) validate() (errs []error) {
	bad := func(option string, value any, want string) {
		errs = append(errs, fmt.Errorf("host: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want))
	}
	if !path.IsAbs(c.proc) {
		bad("WithProc", fmt.Sprintf("%q", c.proc), "an absolute path")
	}
	if !path.IsAbs(c.root) {
		bad("WithRoot", fmt.Sprintf("%q", c.root), "an absolute path")
	}
	if c.points == nil {
		bad("WithoutMountPoints", nil, "a pattern")
	}
	if c.types == nil {
		bad("WithoutTypes", nil, "a pattern")
	}
	if c.timeout <= 0 {
		bad("WithStatTimeout", c.timeout, "a positive duration")
	}
	if c.limit < 1 {
		bad("WithFilesystemLimit", c.limit, "1 or more")
	}
	return errs
}

// WithProc sets where the proc filesystem is mounted. Default: /proc.
func WithProc(dir string) Option { return optionFunc(func(c *config) { c.proc = dir }) }

// WithRoot sets where the machine's root directory is mounted, for processes in
// a container. Mount points are then those that the machine's first process
// sees, and asked for below that directory. Default: /.
func WithRoot(dir string) Option { return optionFunc(func(c *config) { c.root = dir }) }

// WithoutMountPoints leaves out the filesystems mounted at the points that the
// pattern matches. Default: as node_exporter, and the mounts of container
// runtimes.
func WithoutMountPoints(pattern *regexp.Regexp) Option {
	return optionFunc(func(c *config) { c.points = pattern })
}

// WithoutTypes leaves out the filesystems of the types that the pattern
// matches, an overlay at / excepted. Default: as node_exporter.
func WithoutTypes(pattern *regexp.Regexp) Option {
	return optionFunc(func(c *config) { c.types = pattern })
}

// WithStatTimeout bounds how long a scrape waits for the filesystems to answer.
// Default: 1 s.
func WithStatTimeout(d time.Duration) Option { return optionFunc(func(c *config) { c.timeout = d }) }

// WithFilesystemLimit bounds the filesystems that are shown, and how many may
// leave a question unanswered; further ones are counted in
// monitor_host_filesystems_skipped. Default: 256.
func WithFilesystemLimit(n int) Option { return optionFunc(func(c *config) { c.limit = n }) }
