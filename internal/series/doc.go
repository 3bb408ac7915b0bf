// Package series is the arithmetic of evenly spaced series that trends,
// forecasts, capacity plans and anomaly detectors share: quantiles and robust
// statistics, autocorrelation and spectrum, tests of stationarity, changes of level
// and of distribution, detection of seasons, and their separation from the trend.
//
// Functions take and return plain slices, keep no state and never write to what
// they are given. Values have to be finite; [Regularise] makes such series of
// points at any times. Formulas are those of the papers named at each function,
// and agree with R and statsmodels.
package series
