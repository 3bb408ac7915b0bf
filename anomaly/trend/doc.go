// Package trend says where a series is going, when it changed, and how sure one
// can be: trends, seasons, change points and forecasts with intervals.
//
//	points := … // of monitor.Querier's QueryRange, or of anywhere
//	f, err := trend.Predict(points, 48)
//	if err != nil {
//		return err // errors.Is(err, trend.ErrShort), trend.ErrIrregular, …
//	}
//	for _, p := range f.Points {
//		fmt.Println(p.Time, p.Low, p.Value, p.High) // of a hundred, 95 lie between
//	}
//	fmt.Println(f.Why, f.Accuracy.MASE, f.Accuracy.Coverage)
//
// # Forecasts
//
// [Predict] lets some twenty methods forecast the end of the series from earlier
// starts, weighs each by how well it did, and returns their mean: naive and
// seasonal naive, exponential smoothing in its forms, Theta and dynamic Theta,
// complex smoothing, autoregressions, all of these on what a decomposition with
// several seasons leaves, on differences and on logarithms, and a regression on
// lags about the seasons. Intervals come from the errors of those tests, not from
// a model's belief in itself, and so does [Accuracy], which is part of every
// forecast. The tests that a number is taken from never chose the weights that it
// is about. The same points give the same forecast, to the last bit.
//
// # Seasons
//
// Days, weeks and years are looked for as far as the step of the series divides
// them, or the lengths that [WithSeasons] names; where none of these is there,
// other lengths are. Only seasons that an analysis of variance confirms are used.
// What repeats every six hours repeats every day, and is found as a day's season.
// Steps are of time that passes: where clocks change, a day's season is an hour off
// until enough has been seen of the new hour, but with [WithCalendar] is not.
//
// # Trading hours
//
// A market that is closed has nothing to tell. [WithCalendar] takes the closed
// hours out: nights, lunch, weekends and weeks without trading are as if they had
// not been. Other holidays and early closes are gaps, so that Mondays stay Mondays.
// What is forecast are hours of trading.
//
// # What is not there
//
// Gaps are filled by what lies on both sides and by the season. A constant series
// has a constant forecast, events aside. Too few points, points from which no even series can be
// made, more than 262,144 steps, and values beyond 1e100 are errors that say so;
// whatever else had to be decided stands in [Forecast.Notes]. Methods look at no
// more than the last 1,500 values, or five of the longest season if that is more.
//
// # All at once
//
// [Analyse] adds direction, change points and outliers, and [Query] does so for
// every series that an expression answers with:
//
//	results, err := trend.Query(ctx, history, `sum by (endpoint) (rate(api_request_total[5m]))`, r, 48)
package trend
