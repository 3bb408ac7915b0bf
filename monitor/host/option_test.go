package host_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/host"
)

func TestNewNamesEveryBadOption(t *testing.T) {
	t.Parallel()
	m, err := monitor.New(quiet)
	require.NoError(t, err)
	bad := map[string]host.Option{
		`WithProc = "proc"`:               host.WithProc("proc"),
		`WithRoot = ""`:                   host.WithRoot(""),
		"WithoutMountPoints = <nil>":      host.WithoutMountPoints(nil),
		"WithoutTypes = <nil>":            host.WithoutTypes(nil),
		"WithStatTimeout = 0s":            host.WithStatTimeout(0),
		"WithFilesystemLimit = 0: want 1": host.WithFilesystemLimit(0),
	}
	all := []host.Option{nil}
	for want, o := range bad {
		_, err := host.New(m, o)
		require.ErrorIs(t, err, monitor.ErrInvalidOption, want)
		require.ErrorContains(t, err, want)
		all = append(all, o)
	}
	_, err = host.New(nil, all...)
	require.ErrorContains(t, err, "monitor = nil")
	for want := range bad {
		require.ErrorContains(t, err, want)
	}
}

func TestTwoHostsOnOneRegistryAreOne(t *testing.T) {
	t.Parallel()
	m, first := setup(t)
	second, err := host.New(m, host.WithStatTimeout(time.Minute), host.WithoutTypes(regexp.MustCompile(`.`)))
	require.NoError(t, err)
	require.Same(t, first, second, "their numbers would be added up")
}

func TestOff(t *testing.T) {
	t.Parallel()
	m, err := monitor.New(quiet, monitor.WithDisabled())
	require.NoError(t, err)
	h, err := host.New(m)
	require.NoError(t, err)
	require.Empty(t, h.Hanging())
	require.Empty(t, scrape(t, m))
}
