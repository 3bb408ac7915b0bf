// Package correlation says which series moved with another one in a window of
// time, which of them moved first, and how sure that is.
//
//	to := m.Now()
//	found, err := correlation.Query(ctx, querier, `api:p95`, []string{
//		`rate(db_query_duration_seconds_sum[5m])`,
//		`cache_hit_ratio`,
//	}, monitor.Range{From: to.Add(-6 * time.Hour), To: to, Step: time.Minute})
//	if err != nil {
//		return err // errors.Is(err, correlation.ErrShort), monitor.ErrQueryLimit, …
//	}
//	for _, rel := range found.Relations {
//		fmt.Println(rel) // db… leads by 2m0s: R 0.71, P 3e-09, Q 6e-08
//	}
//
// [CoMoving] does the same with points that are at hand.
//
// # What moving together means
//
// Raw correlation is no evidence: of pairs of unrelated random walks four in five
// have a coefficient that 120 independent pairs of values exceed in one of twenty
// cases. So what each series does by itself is taken out first: the season of a
// day or a week, where the window has three of it; and whatever its own past
// explains, by an autoregressive model (Haugh, 1976). What is left, put into normal
// scores so that no spike counts for everything, is correlated at each lag of
// [WithLag] either way. A coefficient R is about these moves, and so is its sign; Raw
// is the usual coefficient of the values, for comparison.
//
// P is the chance of an R so far from 0 at any of the lags, were the two
// unrelated (Šidák, 1967). For series that seldom move, such as counts of errors,
// it is counted in 9,999 shuffles, and so 0.0001 at least (Besag and Clifford,
// 1991). Q corrects for how many candidates there are (Benjamini and Hochberg,
// 1995): of the relations with a Q up to 0.05, the default of [WithRate], one in
// twenty, on average, is there by chance. Candidates that depend on each other,
// as those of one machine do, do not break that as long as they do so positively.
//
// # How often it is wrong
//
// Of pairs of 120 values that are unrelated, five lags either way, 5 % are due at
// a P of 0.05. In the tests 3 to 5.5 % were found of noise, dependent noise, random
// walks, growth straight and bent, steps and heavy tails; 1.5 to 6.2 % of series
// with a season, with gaps and of rare counts, in fewer pairs.
//
// Of series that share a part of their moves, a correlation of 0.45, 85 % were
// found with a Q up to 0.05 among 36 that do not, all of them with the right lag and
// sign; 4.5 % of what was found was by chance.
//
// Moving together is not causing, and moving first is only a hint. What the two
// have in common with a third, the hour's load for one, moves both.
//
// # What to ask for
//
// Ask for what moves: the rate of a counter, not the counter. A window of a
// hundred steps mostly shows a correlation of 0.5; less than 20 pairs of moves are
// refused. One slow rise of two series in the window is one event, and proves
// nothing however alike the pictures look.
package correlation
