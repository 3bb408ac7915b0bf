// Package anomaly finds what is abnormal in series, point by point, as it comes, and
// says why.
//
//	engine, err := anomaly.New(m, history,
//		anomaly.WithWatch(anomaly.Watch{
//			Name: "response time", Step: 10 * time.Second,
//			Expr: `sum by (endpoint) (rate(api_request_duration_seconds_sum[1m])) / sum by (endpoint) (rate(api_request_duration_seconds_count[1m]))`,
//		}),
//		anomaly.WithWatch(anomaly.Watch{
//			Name: "queue", Expr: `max(job_queue_length)`,
//			New: func() (anomaly.Detector, error) { return anomaly.NewBounds(0, 500) }, // a rule on PromQL
//		}))
//	if err != nil {
//		return err
//	}
//	return m.Run(ctx, history, engine)
//
// # Detectors
//
// A [Detector] scores the points of one series, each before it learns from it, without
// looking ahead. All of them put an anomaly at the same score, [Threshold]. They may be
// used without the engine.
//
//	constructor       what it finds                                        memory
//	NewDefault        what the series has not done before                  43 KiB
//	NewSigma          values far from the mean: the 3-sigma rule           9 KiB
//	NewMedian         the same, by median and median deviation             17 KiB
//	NewMovingAverage  values far from the last ones' average               10 KiB
//	NewEWMA           values far from an exponentially weighted average    0.1 KiB
//	NewSeasonal       values unusual for their hour of the week            6 KiB
//	NewShift          changes of level and of variance                     9 KiB
//	NewForest         rare shapes, by an isolation forest                  33 KiB
//	NewHalfSpaceTrees rare shapes, by half-space trees                     26 KiB
//	NewLSTM           values that a trained network did not forecast       80 KiB
//	NewClusters       shapes that belong to no cluster                     1 KiB
//	NewNeighbours     shapes unlike their nearest neighbours               23 KiB
//	NewPattern        a shape that is looked for
//	NewBounds         values out of bounds
//	NewRateOfChange   changes that are too fast
//	NewFlatLine       series that do not move
//	NewMissing        times without a value
//	All, Any, AtLeast detectors that agree
//
// Memory is what one keeps with its defaults after some thousand points, as measured.
//
// # Engine
//
// [New] watches every series that the answers to its expressions have, each by a
// detector of its own. When it starts, detectors are warmed up with the querier's
// history. After that each step is evaluated once: what came while the querier or the
// engine was away is made up for, by a thousand steps at most. [WithAnomalyRate] says
// how many points make an anomaly, and [WithQuiet] when one is over. A
// [Watch] keeps up to 2 KiB for each series, its detector not included, if labels have
// 100 bytes.
//
// Detectors take no more time than [WithBudget] allows, as measured: past it points are
// shed, in turn, so that all series keep some. Nothing else is lost without being
// counted either, in anomaly_shed_points_total by reason:
//
//	budget        the budget was spent
//	late          more than a thousand steps were to be made up for, or a stream's event came late
//	series_limit  the series is past WithSeriesLimit, which is logged once
//	duplicate     another series of the answer has the same labels, or the point the same time
//	time          the point is not of the time that was asked for
//	labels        the series' labels have more than 16 KiB
//	panicked      the series' detector panicked, and was given up
//	keys          a stream's event had one name too many, and counts as "other"
//
// # What is not there
//
// A step of which a series has no value, or one that is NaN or infinite, is shown to
// its detector as missing: NewMissing looks for it, all others pass it over. A series
// that goes away loses its metrics at once, or when its anomaly is over, and is
// forgotten after the lookback: if it comes back before, its detector is ready.
//
// # Metrics
//
// anomaly_score and anomaly_active have the label "watch" and all labels of the series,
// so that an alert can be
//
//	anomaly_active{watch="response time"} == 1
//
// A series' own label "watch" is "exported_watch" there. [Threshold] is where
// anomaly_score has an anomaly, whatever the series' sensitivity. The others are listed
// in METRICS.md. An event of monitor.KindAnomaly tells sinks of each anomaly that opens
// or closes.
//
// # Explanations and feedback
//
// Each [Anomaly] has an [Explanation]: what was expected and what was observed, which
// other series moved with it, what was changed before, and which part of the series
// carries the change. [Engine.Confirm] and [Engine.Dismiss] say whether it was right,
// and make the detector of that series more or less sensitive; anomaly_precision_ratio
// is the share that was. Both outlive the process with [WithState], as open anomalies
// do; [WithStore] keeps all of them. Detectors begin anew and are warmed up.
//
// # Real time
//
// A [Stream] feeds detectors with what every request did, second by second, without a
// query and off the request's path.
package anomaly
