package monitortest

import "testing"

// Patience is how long the suites wait.
const Patience = patience

// SinkProblems runs TestSink's checks and returns what is wrong, by check.
func SinkProblems(t testing.TB, newSink NewSink, faults ...SinkFault) map[string]error {
	t.Helper()
	return problems(t, sinkChecks(newSink, faults))
}

// QuerierProblems runs TestQuerier's checks and returns what is wrong, by check.
func QuerierProblems(t testing.TB, newQuerier NewQuerier, traits ...QuerierTrait) map[string]error {
	t.Helper()
	return problems(t, querierChecks(newQuerier, traits))
}

func problems(t testing.TB, checks []check) map[string]error {
	t.Helper()
	out := map[string]error{}
	for _, c := range checks {
		if err := c.run(t); err != nil {
			out[c.name] = err
		}
	}
	return out
}
