package catalog

import "fmt"

// Profile is a set of metric names.
type Profile string

// The profiles.
const (
	// Design has the names of Section 6.1, letter for letter.
	Design Profile = "design"
	// ChronoRetrace has the names that the platform's own dashboard and rule
	// files ask for.
	ChronoRetrace Profile = "chronoretrace"
	// OTel has OpenTelemetry's semantic conventions, as Prometheus writes them.
	OTel Profile = "otel"
)

// Profiles lists all profiles.
func Profiles() []Profile { return []Profile{Design, ChronoRetrace, OTel} }

// ParseProfile returns the profile of that name.
func ParseProfile(s string) (Profile, error) {
	for _, p := range Profiles() {
		if string(p) == s {
			return p, nil
		}
	}
	return "", fmt.Errorf("unknown naming profile %q: want one of %v", s, Profiles())
}
