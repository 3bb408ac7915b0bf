package bizmon

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// logins finds the networks from which logins fail most.
type logins struct {
	core *core
	cell *instrument.Cell
	heat *heat
}

// Failures from a network are forgotten by half every few minutes: an attack is
// what goes on now.
const (
	loginHalfLife = 5 * time.Minute
	loginNetworks = 1000
)

func newLogins(c *core) *logins {
	l := &logins{core: c, heat: newHeat(loginNetworks, loginHalfLife)}
	if !c.m.Off() {
		l.cell = c.in.logins
	}
	return l
}

func (l *logins) hottest(now time.Time) float64 {
	top := l.heat.top(1, now)
	if len(top) == 0 {
		return 0
	}
	return top[0].Count
}

// LoggedIn counts a login that succeeded, and the user as active.
func (u *Users) LoggedIn(user string) {
	if u.core.m.Off() {
		return
	}
	add(u.logins.cell, loginSucceeded, 1)
	u.Active(user)
	if u.core.m.Enabled(monitor.KindUser) {
		u.core.record(monitor.Event{Kind: monitor.KindUser, Name: "login", User: u.core.m.Pseudonym(user)})
	}
}

// LoginFailed counts a login that failed: who was named, which may be nobody,
// and where it came from, of which the network is kept.
func (u *Users) LoginFailed(user string, from netip.Addr) {
	if u.core.m.Off() {
		return
	}
	add(u.logins.cell, loginFailed, 1)
	network := monitor.TruncateIP(from)
	if network.IsValid() {
		u.logins.heat.add(network.String(), u.core.m.Now())
	}
	if u.core.m.Enabled(monitor.KindUser) {
		e := monitor.Event{Kind: monitor.KindUser, Name: "login", Failed: true, User: u.core.m.Pseudonym(user)}
		if network.IsValid() {
			e.Add(slog.String("client_net", network.String()))
		}
		u.core.m.Record(e)
	}
}

// A Network is where logins fail.
type Network struct {
	Prefix   netip.Prefix // a /24 or a /48
	Failures float64      // of late: each counts half after five minutes
	Error    float64      // by which Failures may be too high
}

// FailingNetworks returns the n networks with most failed logins of late.
func (u *Users) FailingNetworks(n int) []Network {
	if u.core.m.Off() {
		return nil
	}
	var out []Network
	for _, it := range u.logins.heat.top(n, u.core.m.Now()) {
		if p, err := netip.ParsePrefix(it.Key); err == nil {
			out = append(out, Network{p, it.Count, it.Error})
		}
	}
	return out
}
