//go:build race

package sqltext_test

const raceEnabled = true
