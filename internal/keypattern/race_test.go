//go:build race

package keypattern_test

const raceEnabled = true
