// Package probe checks third-party APIs and data sources from outside, on a
// schedule: over HTTP, TCP, DNS and TLS, or with the host's own function. Its
// metrics have the blackbox exporter's names.
//
//	quotes := probe.Target{
//		Name:     "quotes-api",
//		Interval: 30 * time.Second,
//		Check: probe.HTTP{
//			URL:      "https://api.example.com/v1/quote?symbol=600519",
//			Header:   http.Header{"Authorization": {"Bearer " + token}},
//			WantBody: `"price":`,
//		},
//	}
//	cert := probe.Target{Name: "www", Check: probe.TLS{Address: "www.example.com:443", MinValidity: 7 * 24 * time.Hour}}
//
//	prober, err := probe.New(m, []probe.Target{quotes, cert})
//	if err != nil {
//		return err
//	}
//	return m.Run(ctx, prober)
//
// # A check
//
// Every check makes a connection of its own, has the target's timeout for all
// of it, and ends in a [Result]: how long it took, and if it failed a [Reason]
// and a sentence. A target that cannot be reached is a failed check, never an
// error of the program.
//
// Where a certificate was shown its expiry is recorded, most of all when the
// check failed because of it: an expired certificate is seen as such.
//
// # Where results go
//
// Into the metrics, labelled with the target's name and the prober; into events
// of [monitor.KindSource] where a sink wants them; to the [Observer], as which
// a value that judges data sources may serve; and to [Prober.Results]. A
// target that goes down or comes up again is logged once.
//
// # Secrets
//
// Header values, bodies, URLs and what was sent over TCP are never shown, and
// are cut out of the sentences of those who do show them. Headers and bodies
// are not carried along by a redirect to another origin.
//
// # Schedule
//
// Targets are checked in intervals with a little jitter, so that many of them,
// and many replicas, do not call at the same moment. At most [WithConcurrency]
// checks run at a time. One that is due while the one before still waits or
// runs is left out and counted in monitor_probe_skipped_total.
package probe
