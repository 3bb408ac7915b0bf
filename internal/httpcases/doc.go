// Package httpcases is the table of HTTP situations that a metrics middleware
// has to get right: panics, informational responses, upgrades, streams, bodies
// of unknown length, clients that leave, labels that clients would like to
// invent.
//
// A [Case] is data: the [App] behind the middleware, how a client drives it
// over a real net/http server, and what must be seen afterwards. A [Subject] is
// a middleware under test. The same cases judge this SDK and its peers:
//
//	for _, c := range httpcases.Cases() {
//		f := c.Run(ctx, setup)
//		fmt.Println(f.Case, f.Verdict, f.Seen)
//	}
//
// What a middleware counted is read from its [prometheus.Gatherer]; [Scraped]
// makes one from an exposition handler, so that the encoder is judged too.
package httpcases
