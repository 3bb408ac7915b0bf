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
// processes saw counts once. What it needs, in every process:
//
//	the same store            bizmon/redisstore, with the same prefix
//	the same key              monitor.WithPseudonymKey, without which New fails
//	the same time zone        WithLocation, or the calendar's
//	clocks that agree         to within seconds
//	Run                       or a call of Sync every so often
//
// A process with another key is told so ([ErrOtherKey]) and keeps to itself. While
// the store is away, nothing is lost that comes back before the process ends. What
// a process has seen while it was cut off, and what a store has lost, is with all
// others ten minutes later at most. user_sketch_sync_age_seconds, which grows
// from the start where the store is never reached, is what to alert on.
//
// Everything else is of the process that shows it: sum it up.
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
//	availability   35 %   requests that were answered, and checks from outside
//	freshness      25 %   1 up to WithMaxLag, 0 from three times that
//	response       15 %   WithResponseTarget over the mean response time
//	completeness   15 %   points that came, over those and the ones that gaps left out
//	order          10 %   points that are neither doubled nor out of order
//
// All but freshness are of the last five minutes. A source that is down, after
// three failures in a row, has 0. One that nothing is known of has no score, and
// is not said to be healthy again before it was seen to be.
//
// Checks of bizmon/probe become part of it by one line:
//
//	prober, err := probe.New(m, targets, probe.WithObserver(biz.Sources))
//
// A point of data is no fresher than its arrival, whatever its time says, so that
// neither a wrong tick nor a wrong clock hides that nothing comes any more.
//
// # Bounds
//
// Labels are bounded by the monitor's label limit; what is past it counts as
// "other" and in monitor_label_overflow_total. Stocks that are asked for are no
// label: a sketch finds the hottest, see [Stocks.Hottest], and
// stock_query_top_share tells how much of the demand they are. What is longer
// than 200 bytes is no name: it counts as "other", too.
//
// # Metrics
//
// Users:
//
//	active_users_total{time_window}                            gauge       distinct users
//	concurrent_users                                           gauge       distinct users of the last minute
//	feature_uses_total{feature}                                counter
//	user_sessions_total                                        counter     sessions begun
//	user_sessions_open                                         gauge
//	user_session_duration_seconds                              histogram   1 s to 1 d; from the first action to the last
//	user_sessions_untracked_total                              counter     actions while the table was full
//	user_logins_total                                          counter     logins that succeeded
//	login_attempts_total                                       counter     all of them
//	login_failures_total                                       counter
//	login_failures_hottest_network                             gauge       of the one /24 or /48, each half after 5 min
//	user_sketch_syncs_total{result}                            counter     exchanges with the fleet
//	user_sketch_sync_age_seconds                               gauge       since the last good one; with a store only
//
// Sources, where those of late are of the last five minutes, and absent if there
// was nothing:
//
//	data_source_up{data_source}                                gauge       1 or 0; absent until it is known
//	data_source_requests_total{data_source,outcome}            counter
//	data_source_response_seconds{data_source}                  histogram   5 ms to 30 s; of all requests
//	data_source_health_score{data_source}                      gauge       0 to 1
//	data_source_health_part{data_source,part}                  gauge       0 to 1
//	data_source_points_total{data_source}                      counter
//	data_source_gaps_total{data_source}                        counter
//	data_source_missing_points_total{data_source}              counter     a million at most for each gap
//	data_source_duplicate_points_total{data_source}            counter
//	data_source_out_of_order_points_total{data_source}         counter
//	data_source_late_points_total{data_source}                 counter     older on arrival than WithMaxLag
//	data_quality_score{data_source}                            gauge       0 to 1: good points over those due, of late
//	stock_data_lag_seconds{data_source}                        gauge       age of the newest point, in trading time
//	market_open{exchange}                                      gauge       1 or 0; absent in years the calendar does not hold
//	market_calendar_remaining_seconds{exchange}                gauge       seconds; alert below 30 days, see package calendar
//
// Stocks:
//
//	stock_data_updates_total{data_source,symbol}               counter
//	stock_queries_total                                        counter
//	stock_query_top_share{top}                                 gauge       0 to 1, each query half after WithHeat's half-life
//
// Connections:
//
//	websocket_connections_total{connection_type}               gauge       open now, whatever the name says
//	websocket_connections_opened_total{connection_type}        counter
//	websocket_connections_closed_total{connection_type,reason} counter
//	websocket_connection_duration_seconds{connection_type}     histogram   1 s to 1 d
//	websocket_messages_total{connection_type,direction}        counter
//	websocket_message_bytes_total{connection_type,direction}   counter
//	websocket_messages_dropped_total{connection_type}          counter
//	websocket_queued_messages{connection_type}                 gauge
//	websocket_slow_consumers{connection_type}                  gauge       see WithSlowConsumer
//	websocket_consumer_slowdowns_total{connection_type}        counter     times that one became slow
//
// Back-tests:
//
//	backtest_jobs_total                                        counter     jobs started
//	backtest_jobs_completed_total                              counter
//	backtest_failures_total                                    counter
//	backtest_outcomes_total{outcome,reason}                    counter     jobs ended, started or not
//	backtest_jobs_queued                                       gauge
//	backtest_jobs_running                                      gauge
//	backtest_jobs_stuck                                        gauge       of those that run; see WithStuckAfter
//	backtest_queue_age_seconds                                 gauge       of the one that waits longest
//	backtest_queue_wait_seconds                                histogram   0.1 s to 1 d
//	backtest_duration_seconds{outcome}                         histogram   0.1 s to 1 d
//	backtest_progress_ratio                                    gauge       0 to 1, the mean of those that run; absent if none
//
// Their labels have these values:
//
//	time_window        5m, 1h, 24h, 7d, 30d
//	feature            those of WithFeatures, or the first 100 that come; other
//	result             ok, error
//	data_source        as named by Add, Get and Updated; other
//	outcome            of requests: ok, error; of back-tests: completed, failed, cancelled
//	part               availability, freshness, response, completeness, order
//	exchange           the names of the calendars in use: SSE unless said otherwise
//	symbol             as named by Updated, up to WithStockLimit; other
//	top                1, 10, 100: the share of so many stocks
//	connection_type    as named by Opened; other
//	direction          sent, received
//	reason             of Closed: the first fifty words; other. Of back-tests: none if they
//	                   completed, cancelled, timeout, error, and what WithFailureReason says
//
// # Defaults
//
//	WithCalendar           calendar.SSE         WithHealthThreshold    0.7
//	WithLocation           the calendar's       WithResponseTarget     1 s
//	WithInterval           10 s                 WithMaxLag             5 min
//	WithSketchStore        none                 WithSpacing            0: no gaps are looked for
//	WithFeatureLimit       100                  WithDownAfter          3 failures
//	WithSessions           30 min, 24 h         WithSlowConsumer       64 messages
//	WithSessionLimit       100,000              WithStuckAfter         5 min
//	WithStockLimit         the label limit      WithJobLimit           10,000
//	WithHeat               1000, 1 h
//
// # Cost
//
// Users.Active, Users.Track, Stocks.Updated, Stocks.Queried, Source.Observe,
// Source.Data and the methods of a Connection allocate nothing in steady state,
// unless a sink wants their events.
//
// [monitor/calendar]: https://pkg.go.dev/github.com/chronoretrace/chronomon/monitor/calendar
package bizmon
