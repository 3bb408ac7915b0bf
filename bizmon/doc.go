// Package bizmon measures what a site is for: its users, the sources of its
// data, the stocks that are asked for, its open connections and its back-tests.
//
//	biz, err := bizmon.New(m)
//	if err != nil {
//		return err
//	}
//	biz.Users.Track(bizmon.Action{User: user.ID, Name: "screener.run"})
//	biz.Stocks.Queried("600519")
//
//	akshare, err := biz.Sources.Add("akshare", bizmon.WithMaxLag(time.Minute), bizmon.WithSpacing(time.Minute))
//	if err != nil {
//		return err
//	}
//	err = akshare.Do(ctx, fetch)            // response time, errors, data_source_up
//	akshare.Data("600519", bar.Time)        // freshness, gaps, duplicates, order
//	biz.Stocks.Updated("akshare", "600519")
//
//	conn := biz.Connections.Opened("quotes")
//	defer conn.Closed("client")
//	conn.Sent(len(message))
//
//	job := biz.Backtests.Queue(id)
//	job.Start()
//	job.Progress(0.4)
//	job.Done(err)
//
//	return m.Run(ctx, biz)
//
// Run is for what no call of the host does: reports of sources and stuck jobs,
// the end of idle sessions, and the exchange with a fleet. Everything else works
// without it.
//
// # Users
//
// active_users_total has the windows 5m, 1h, 24h, 7d and 30d. They roll: a
// window is 10 slots of half a minute, 12 of five minutes, 24 hours, 7 or 30
// days of the site's time zone, the present one included, so that it reaches back
// by up to one slot less. concurrent_users is the last minute alike.
//
// Users are counted by HyperLogLog sketches of 65,536 registers: the standard
// error is 0.41 %, so that one estimate in twenty is off by more than 0.8 %, and
// one in a million by more than 2 %. Small numbers are nearly exact. A slot takes
// about 6 bytes a user, and never above 64 KiB:
//
//	window      slots   at most
//	1m, 5m       10     0.6 MiB
//	1h           12     0.8 MiB
//	24h          24     1.5 MiB
//	7d, 30d      30     1.9 MiB
//	unions        6     0.4 MiB
//	all together        5.2 MiB
//
// [Users.Memory] tells how much it is now.
//
// A session ends after 30 minutes without an action. The steps between the
// features of a session are counted for all users together: [Users.Journeys].
//
// # A fleet
//
// With [WithSketchStore] every process shows the users of all of them: take the
// maximum over the processes, not the sum. Merges are exact: a user whom two
// processes saw counts once. That needs the same [monitor.WithPseudonymKey]
// everywhere; a process with another one is told so ([ErrOtherKey]) and
// keeps to itself. While the store is away, nothing is lost that comes back
// before the process ends.
//
// # Privacy
//
// No id, address or user agent is a label, and none is kept. Sketches hold parts
// of a keyed hash (SipHash-2-4 under a key derived from the monitor's), tables of
// sessions the hash. Events, if a sink wants [monitor.KindUser], carry the
// pseudonym, the /24 or /48 and the browser's name. That is de-identification, not
// anonymity: who has the key and a list of ids can tell whose session is whose.
// [Users.Forget] erases what there is of a user. A stable key gives true counts
// of days and months; without one, pseudonyms and with them the counts begin anew
// at each start.
//
// # Sources
//
// A source's age of data is measured in trading time, by [monitor/calendar]: it
// does not grow over lunch, nights and holidays. Its health is a mean of the
// parts that are known, each with a reason to read:
//
//	availability   35 %   requests that were answered, of the last five minutes
//	freshness      25 %   1 up to WithMaxLag, 0 from three times that
//	response       15 %   WithResponseTarget over the mean response time
//	completeness   15 %   points that came, over those and the ones that gaps left out
//	order          10 %   points that are neither doubled nor out of order
//
// A source that is down, after three failures in a row, has 0.
//
// # Bounds
//
// Labels are bounded by the monitor's label limit; what is past it counts as
// "other" and in monitor_label_overflow_total. Stocks that are asked for are no
// label: a sketch finds the hottest, see [Stocks.Hottest], and
// stock_query_top_share tells how much of the demand they are.
//
// # Cost
//
// Users.Active, Users.Track, Stocks.Updated, Stocks.Queried, Source.Observe,
// Source.Data and the methods of a Connection allocate nothing in steady state,
// unless a sink wants their events.
//
// [monitor/calendar]: https://pkg.go.dev/github.com/chronoretrace/chronomon/monitor/calendar
package bizmon
