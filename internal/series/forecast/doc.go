// Package forecast holds the methods that anomaly/trend forecasts with, and lets
// them compete: [Forecast] has each forecast the end of a series from earlier
// origins, weighs it by its errors, and takes the spread of what comes from the
// errors of all together.
//
// A method estimates its parameters once on what was known at the first origin,
// and once on everything; from the origins in between it only runs on. That keeps
// twenty methods and ten origins within some tens of milliseconds.
package forecast
