package forecast

var (
	simple = ETS{Error: Additive, Trend: None, Season: None}
	holt   = ETS{Error: Additive, Trend: Additive, Season: None}
	damped = ETS{Error: Additive, Trend: Additive, Damped: true, Season: None}
)

// plain is the pool of methods that know no season.
func plain() []method {
	const order = 12
	change := differenced(autoregression(order, false), 1)
	return []method{
		naive(1), drift(),
		ets("SES", simple), ets("Holt", holt), ets("damped Holt", damped),
		theta(), dynamicTheta(), complexSmoothing(),
		logged(ets("damped Holt", damped)), logged(dynamicTheta()), logged(complexSmoothing()),
		autoregression(order, true), logged(autoregression(order, true)),
		change, logged(change), differenced(autoregression(order, true), 1),
	}
}

// seasonal is the pool of methods for the seasons, in rising order.
func seasonal(periods []int) []method {
	const order, ridge = 30, 1e-3
	ar := autoregression(order, true)
	parts, logParts := newDecomposition(periods), newDecomposition(periods)
	var pool []method
	for _, p := range periods {
		pool = append(pool, naive(p), differenced(ar, p))
	}
	long := periods[len(periods)-1]
	pool = append(pool,
		seasonMean(long, 2), logged(differenced(ar, long)),
		adjusted(ets("damped Holt", damped), parts), adjusted(theta(), parts), adjusted(ar, parts),
		logged(adjusted(ets("damped Holt", damped), logParts)), logged(adjusted(ar, logParts)),
		smoothed(parts), logged(smoothed(logParts)),
		regression(periods, ridge), logged(regression(periods, ridge)),
	)
	if len(periods) > 1 {
		return append(pool, smoothed(newDecomposition(periods[:1])))
	}
	if p := periods[0]; p <= 24 {
		forms := []ETS{
			{Error: Additive, Trend: None, Season: Additive, Period: p},
			{Error: Additive, Trend: Additive, Season: Additive, Damped: true, Period: p},
			{Error: Multiplicative, Trend: Additive, Season: Multiplicative, Damped: true, Period: p},
		}
		pool = append(pool, ets("Holt-Winters", forms...))
	}
	return pool
}
