//go:build !race

package cachemon_test

const raceEnabled = false
