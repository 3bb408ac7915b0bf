//go:build race

package cachemon_test

const raceEnabled = true
