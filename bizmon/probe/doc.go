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
// target that goes down, or is down from the start, or comes up again is logged
// once.
//
// # Metrics
//
//	name                              labels                    unit
//	probe_success                     target, prober            1 or 0
//	probe_duration_seconds            target, prober            seconds
//	probe_dns_lookup_time_seconds     target, prober            seconds; absent where no name was resolved
//	probe_http_status_code            target, prober            a status; absent without an answer
//	probe_ssl_earliest_cert_expiry    target, prober            Unix time in seconds; absent without a certificate
//	monitor_probe_checks_total        target, prober, reason    checks, a counter
//	monitor_probe_skipped_total       target, prober            checks, a counter
//
// All but the counters are gauges of the last check; before the first one there
// are none. The labels' values:
//
//	target    the target's Name: UTF-8, at most 128 bytes, one prober's alone
//	prober    http, tcp, dns, tls, func
//	reason    ok, or why the check failed: refused, unreachable, reset, timeout,
//	          dns, tls, expiry, redirect, status, body, answer, panic, error;
//	          up to 16 words of the host's (see Reason), past which other
//
// # Defaults
//
//	Target.Interval      1 min; 1 s is the least
//	Target.Timeout       10 s, or half of the interval where that is less
//	Target.Source        the target's Name
//	HTTP.Method          GET
//	HTTP.WantStatus      200 to 299
//	HTTP.MaxBody         1 MiB
//	HTTP.MaxRedirects    10
//	DNS.Type             A
//	WithConcurrency      8 checks at a time
//	WithJitter           0.1 of the interval
//
// # Secrets
//
// The values of headers, bodies, URLs with user, password and query, and what
// was sent over TCP are never shown. Where others write them into what a sentence
// quotes they are cut out: also the single words and parameters of a header, the
// base64 of user and password, and the parts of a URL's path that have 8 bytes
// or more, each as it is and as URLs, HTML and quotes write it. A sentence with
// one that cannot be cut out is hidden as a whole. What has less than 4 bytes is
// no secret. Headers and bodies are not carried along by a redirect to another
// origin. An error of a [Func] is the host's own and shown as it is.
//
// # Schedule
//
// Targets are checked in intervals with a little jitter, so that many of them,
// and many replicas, do not call at the same moment. At most [WithConcurrency]
// checks run at a time. One that is due while the one before still waits or
// runs is left out and counted in monitor_probe_skipped_total. Where the clock is
// set back the next check comes an interval later.
package probe
