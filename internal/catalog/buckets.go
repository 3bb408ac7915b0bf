package catalog

// The default bounds. Each list holds the thresholds of the Section 6.2 rules
// that read it (2 s for requests, 5 s for queries), so that a quantile near a
// threshold is not an interpolation across it.
var (
	requestSeconds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 10, 30}
	querySeconds   = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	streamSeconds  = []float64{1, 5, 15, 60, 300, 900, 3600, 14400, 86400}
	sizeBytes      = []float64{256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216}
)
