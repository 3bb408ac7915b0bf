//go:build !race

package apimon_test

const raceEnabled = false
