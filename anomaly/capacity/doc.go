// Package capacity says what a resource is used for, when it is full, and how
// much of it is needed.
//
//	plans, err := capacity.Query(ctx, querier, capacity.Resource{
//		Usage: `max_over_time(disk:used[1h])`,
//		Limit: `node_filesystem_size_bytes`,
//	}, m.Now())
//	if err != nil {
//		return err
//	}
//	for _, p := range plans {
//		if p.Err != nil {
//			continue // errors.Is(p.Err, capacity.ErrShort): too little history
//		}
//		p.WriteText(os.Stdout)
//		row, err := p.Row(m.Now())
//		if err != nil {
//			return err
//		}
//		store.SavePlans(ctx, pgstore.Plan(row))
//	}
//
// # History
//
// Plans need weeks of it: 14 days at least, 90 for a horizon of 90 to be trusted.
// Package monitor/history keeps what it collects for a day, and what it watches for
// thirty; so watch the usage, and keep it longer. Of 5 minutes it takes 50 KB for 90 days
// and each series:
//
//	db, err := history.New(m,
//		history.WithStoragePath("/var/lib/api/history"),
//		history.WithRetention(24*time.Hour, 91*24*time.Hour),
//		history.WithWatch("disk:used", `node_filesystem_size_bytes - node_filesystem_avail_bytes`, 5*time.Minute))
//
// A Prometheus server, through monitor/promapi, has the history that its retention
// leaves it, 15 days by default, and the same name by a recording rule, or
// `max_over_time((node_filesystem_size_bytes - node_filesystem_avail_bytes)[1h:5m])` as
// Usage.
//
// # Plans
//
// [Analyse] takes the peaks of days, since it is they that a limit stops, and
// finds what would mislead: a week's season, days of the month that stand out,
// steps of the level, clean-ups that make a saw-tooth, days that are odd. What is
// left it takes for a mixture of curves, straight, bent, with a new slope or flat,
// each as likely as the peaks make it, and draws 500 futures from that: bends,
// slopes, clean-ups and errors as they were. Everything about the future is counted
// in them: the demand of each day, the dates of the limit, the chance by a day, the
// size that suffices. Forecasts from earlier days of the same history widen them
// where those were off, and are what [Confidence] is made of.
//
// A limit is reached by the first peak that is as high. [Limit] has the earliest,
// the likely and the latest date, which together are to hold nine of ten; "not
// within the horizon" is an answer. A step that comes once is not expected again,
// and neither is a clean-up of which there were less than three. Batches at the end
// of a month, or on other days of it, are expected again once they came in three
// months: [Month]. Of years nothing is learned.
//
// Days are the 24 hours up to the last point, and their dates UTC; clocks that
// change move a day's peak by an hour, and nothing else. A size that changed in
// the history does not matter as long as usage is told in the unit of the size, and
// not as a share of it: the limit is the size of now.
//
// Of a thousand generated resources with 90 days of hourly values, straight,
// weekly, saw-toothed, saturating and with a step, which are full about 30 days
// later, the likely date was within 15 % for 87 %, and the dates held the truth
// for 91 %. Saturating usage is the hardest, with 62 % and 87 %. Such a resource
// takes some 5 ms.
//
// A plan is refused for less than two weeks, [ErrShort], and where more than half
// of the days are gaps, or points are more than 100 days apart, [ErrIrregular].
//
// # Models
//
// A plan recommends instances where an option says what one bears. The models
// behind it stand alone, too:
//
//   - [Queue]: waiting before servers, workers or pooled connections (M/M/c),
//     and how many of them a wait or a utilization asks for.
//   - [Scalability]: throughput by the number of instances (the universal
//     scalability law), fitted to loads that were measured; where more
//     instances stop to help.
//   - [Histogram]: percentiles of usage in which old samples weigh less, those
//     that the Kubernetes vertical pod autoscaler recommends by.
//   - [Line]: what predict_linear of PromQL extrapolates, with its limits and
//     the earliest and latest time at which it reaches a limit.
package capacity
