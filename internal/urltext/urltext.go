// Package urltext shows what somebody gave as a URL, without its secrets.
package urltext

import (
	"net/url"
	"regexp"
	"strings"
)

// place is a host with or without a port and a scheme, and nothing that may be a
// password.
var place = regexp.MustCompile(`^((?:[A-Za-z][A-Za-z0-9+.-]*://)?[A-Za-z0-9.-]*(?::\d+)?)(?:[/?#].*)?$`)

// Show returns the scheme and the host of what is, or should be, a URL: no
// credentials, path or query, and "(not shown)" where they cannot be told apart.
func Show(raw string) string {
	u, err := url.Parse(raw)
	start := place.FindStringSubmatch(raw)
	switch {
	case raw == "":
		return `""`
	case strings.Contains(raw, "@") && (err != nil || u.User == nil): // what is before it may be a password
	case err == nil && u.Host != "":
		return u.Scheme + "://" + u.Host
	case len(start) == 2 && start[1] != "":
		return start[1]
	}
	return "(not shown)"
}
