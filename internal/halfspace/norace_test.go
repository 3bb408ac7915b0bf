//go:build !race

package halfspace_test

const raceEnabled = false
