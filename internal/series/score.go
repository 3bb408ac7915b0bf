package series

import "math"

// SMAPE returns the mean of 200 |y-f| / (|y|+|f|), percent from 0 to 200; where
// both are zero the term is zero.
func SMAPE(actual, forecast []float64) float64 {
	var sum float64
	for i, y := range actual {
		if d := math.Abs(y) + math.Abs(forecast[i]); d > 0 {
			sum += 200 * math.Abs(y-forecast[i]) / d
		}
	}
	return sum / float64(len(actual))
}

// MAE returns the mean absolute error.
func MAE(actual, forecast []float64) float64 {
	var sum float64
	for i, y := range actual {
		sum += math.Abs(y - forecast[i])
	}
	return sum / float64(len(actual))
}

// RMSE returns the root of the mean squared error.
func RMSE(actual, forecast []float64) float64 {
	var sum float64
	for i, y := range actual {
		sum += (y - forecast[i]) * (y - forecast[i])
	}
	return math.Sqrt(sum / float64(len(actual)))
}

// WAPE returns the sum of the absolute errors as a share of the sum of the absolute
// values, NaN where all are zero.
func WAPE(actual, forecast []float64) float64 {
	var sum float64
	for _, y := range actual {
		sum += math.Abs(y)
	}
	return MAE(actual, forecast) * float64(len(actual)) / sum
}

// Bias returns by how much the forecast is too high, on average.
func Bias(actual, forecast []float64) float64 {
	var sum float64
	for i, y := range actual {
		sum += forecast[i] - y
	}
	return sum / float64(len(actual))
}

// Pinball returns the mean loss of a forecast of the p-quantile: the error times p
// where it is too low, and times 1-p where it is too high (Koenker and Bassett,
// 1978).
func Pinball(actual, quantile []float64, p float64) float64 {
	var sum float64
	for i, y := range actual {
		sum += max(p*(y-quantile[i]), (1-p)*(quantile[i]-y))
	}
	return sum / float64(len(actual))
}

// NaiveError returns the mean absolute difference of values one period apart:
// what MASE and MSIS are measured in (Hyndman and Koehler, 2006). It is NaN of
// a series that is not longer than the period.
func NaiveError(y []float64, period int) float64 {
	if len(y) <= period {
		return math.NaN()
	}
	return MAE(y[period:], y[:len(y)-period])
}

// IntervalScore returns the mean over the values of the interval's width and of
// what lies outside it, times 2/alpha (Gneiting and Raftery, 2007). Divided by
// [NaiveError] it is the MSIS.
func IntervalScore(actual, low, high []float64, alpha float64) float64 {
	var sum float64
	for i, y := range actual {
		sum += high[i] - low[i] + 2/alpha*(max(low[i]-y, 0)+max(y-high[i], 0))
	}
	return sum / float64(len(actual))
}

// Coverage returns the share of values inside the interval, its ends included.
func Coverage(actual, low, high []float64) float64 {
	inside := 0
	for i, y := range actual {
		if low[i] <= y && y <= high[i] {
			inside++
		}
	}
	return float64(inside) / float64(len(actual))
}
