package monitor

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
)

// Pseudonym returns a stand-in for a user's id: 16 characters of an
// HMAC-SHA-256 under the monitor's key, the same for the same id and key. It
// de-identifies, it does not anonymise: who holds the key and a list of ids can
// link them. An empty id stays empty.
func (m *Monitor) Pseudonym(id string) string {
	if id == "" || m.off {
		return ""
	}
	h := hmac.New(sha256.New, m.pseudonymKey)
	h.Write([]byte(id))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12])
}

// StablePseudonyms reports whether pseudonyms stay the same across restarts and
// replicas: whether [WithPseudonymKey] was given.
func (m *Monitor) StablePseudonyms() bool { return m.ownKey }

// TruncateIP returns the network an address belongs to: a /24 for IPv4 and a
// /48 for IPv6, which tells a region or provider but not a household. An
// invalid address gives an invalid prefix.
func TruncateIP(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
