//go:build race

package monitor_test

const logRace = true
