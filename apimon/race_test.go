//go:build race

package apimon_test

const raceEnabled = true
