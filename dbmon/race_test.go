//go:build race

package dbmon_test

const raceEnabled = true
