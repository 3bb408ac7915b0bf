//go:build !race

package keypattern_test

const raceEnabled = false
