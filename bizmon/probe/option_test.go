package probe_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon/probe"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	m, err := monitor.New()
	require.NoError(t, err)
	targets := map[string]probe.Target{
		`target 0: Name = "": want a name`:                        {Check: ok},
		"target 0: Name = 129 bytes":                              {Name: strings.Repeat("x", 129), Check: ok},
		"target 0: Name = 1 bytes":                                {Name: "\xff", Check: ok},
		"target 0: Name = [hidden]":                               {Name: "https://bob:secret@api", Check: ok},
		`target "a": Check = <nil>`:                               {Name: "a"},
		`target "a1": Check = <nil>`:                              {Name: "a1", Check: probe.Func(nil)},
		`target "a2": Check = <nil>`:                              {Name: "a2", Check: (*probe.HTTP)(nil)},
		`target "a3": Source = 129 bytes`:                         {Name: "a3", Check: ok, Source: strings.Repeat("x", 129)},
		`target "a4": Source = 1 bytes`:                           {Name: "a4", Check: ok, Source: "\xff"},
		`target "a5": Source = [hidden]`:                          {Name: "a5", Check: ok, Source: "https://bob:secret@api"},
		`target "b": Interval = -1s`:                              {Name: "b", Check: ok, Interval: -time.Second},
		`target "b1": Interval = 1ns: want 1s or more`:            {Name: "b1", Check: ok, Interval: 1},
		`target "b2": Interval = 999ms`:                           {Name: "b2", Check: ok, Interval: 999 * time.Millisecond},
		`target "c": Timeout = -1s`:                               {Name: "c", Check: ok, Timeout: -time.Second},
		`target "d": Interval = 5s: want more than the timeout`:   {Name: "d", Check: ok, Interval: 5 * time.Second, Timeout: 5 * time.Second},
		`target "e": Interval = 1m0s: want more than`:             {Name: "e", Check: ok, Timeout: time.Hour},
		`target "f": HTTP.URL = [hidden]`:                         {Name: "f", Check: probe.HTTP{URL: "ftp://bob:secret@x"}},
		`target "f1": HTTP.URL = [hidden]`:                        {Name: "f1", Check: probe.HTTP{}},
		`target "f2": HTTP.URL = [hidden]`:                        {Name: "f2", Check: probe.HTTP{URL: "http://bob:secret@%zz"}},
		`target "f3": HTTP.URL = [hidden]`:                        {Name: "f3", Check: probe.HTTP{URL: "http://:80/secret"}},
		`target "g": HTTP.Method = "G T"`:                         {Name: "g", Check: probe.HTTP{URL: "http://x", Method: "G T"}},
		`target "h": HTTP.WantStatus = 99`:                        {Name: "h", Check: probe.HTTP{URL: "http://x", WantStatus: []int{200, 99}}},
		`target "i": HTTP.MaxBody = -1`:                           {Name: "i", Check: probe.HTTP{URL: "http://x", MaxBody: -1}},
		`target "j": TCP.Address = "x"`:                           {Name: "j", Check: probe.TCP{Address: "x"}},
		`target "j1": TCP.Address = ":80"`:                        {Name: "j1", Check: probe.TCP{Address: ":80"}},
		`target "k": TLS.Address = "https://x:1"`:                 {Name: "k", Check: probe.TLS{Address: "https://x:1"}},
		`target "l": TLS.MinValidity = -1s`:                       {Name: "l", Check: probe.TLS{Address: "x:1", MinValidity: -time.Second}},
		`target "m": DNS.Name = "."`:                              {Name: "m", Check: probe.DNS{Name: "."}},
		`target "n": DNS.Type = "a"`:                              {Name: "n", Check: probe.DNS{Name: "x.test", Type: "a"}},
		`target "o": DNS.Server = "x"`:                            {Name: "o", Check: probe.DNS{Name: "x.test", Server: "x"}},
		`target "p": HTTP.TLS = given: want it in Transport`:      {Name: "p", Check: probe.HTTP{URL: "http://x", TLS: &tls.Config{}, Transport: http.DefaultTransport}},
		`target "q": HTTP.URL = [hidden]: want http://host… or h`: {Name: "q", Check: probe.HTTP{URL: "//x"}},
	}
	var all []probe.Target
	for want, target := range targets {
		_, err := probe.New(m, []probe.Target{target})
		require.ErrorIs(t, err, monitor.ErrInvalidOption, want)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
		all = append(all, target)
	}
	_, err = probe.New(m, []probe.Target{{Name: "x", Check: ok}}, probe.WithObserver(probe.ObserverFunc(nil)))
	require.ErrorContains(t, err, "WithObserver = <nil>")
	options := map[string]probe.Option{
		"WithObserver = <nil>": probe.WithObserver(nil),
		"WithConcurrency = 0":  probe.WithConcurrency(0),
		"WithJitter = 0.6":     probe.WithJitter(.6),
	}
	opts := []probe.Option{nil}
	for want, o := range options {
		_, err := probe.New(m, []probe.Target{{Name: "x", Check: ok}}, o)
		require.ErrorContains(t, err, want)
		opts = append(opts, o)
	}
	_, err = probe.New(nil, append(all, probe.Target{Name: "a", Check: ok}), opts...)
	require.ErrorContains(t, err, "monitor = nil")
	require.ErrorContains(t, err, `Name = "a": want one that no other target has`)
	for want := range options {
		require.ErrorContains(t, err, want)
	}
	_, err = probe.New(m, nil)
	require.ErrorContains(t, err, "targets = none")
}

// TestNamesAreOnesOnARegistry: two probers would add up their numbers.
func TestNamesAreOnesOnARegistry(t *testing.T) {
	t.Parallel()
	b := setup(t, []probe.Target{{Name: "a", Check: ok}, {Name: "b", Check: ok}})
	_, err := probe.New(b.m, []probe.Target{{Name: "c", Check: ok}, {Name: "b", Check: ok}})
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, `target "b": Name`)
	other, err := probe.New(b.m, []probe.Target{{Name: "c", Check: ok}})
	require.NoError(t, err, "the refused prober has taken no names")
	b.Probe(t.Context(), b.m.Now())
	other.Probe(t.Context(), b.m.Now())
	require.Equal(t, []string{
		`probe_success{target="a",prober="func"} 1`,
		`probe_success{target="b",prober="func"} 1`,
		`probe_success{target="c",prober="func"} 1`,
	}, b.exposition("probe_success{"))
}
