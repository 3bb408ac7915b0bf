//go:build race

package iforest_test

const raceEnabled = true
