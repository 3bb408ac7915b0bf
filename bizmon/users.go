package bizmon

import (
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/monitor"
)

// Users counts who is active, what they use and how they move. No id, address
// or user agent is kept: sketches and tables hold hashes under the monitor's
// pseudonym key.
type Users struct {
	core     *core
	windows  *windows
	sessions *sessions
	features *features
	journeys *journeys
	logins   *logins
	fleet    fleet
}

func newUsers(c *core) *Users {
	u := &Users{core: c, windows: newWindows(c.config.location), features: newFeatures(c), logins: newLogins(c)}
	u.journeys = newJourneys(c.config.featureCount() + 1) // and "other"
	u.sessions = newSessions(c, u.journeys)
	u.fleet.last.Store(c.m.Now().UnixNano())
	return u
}

func (u *Users) register() error {
	in := u.core.in
	if err := in.gauge(catalog.ActiveUsers, func(e emit) {
		now := u.core.m.Now()
		for _, sp := range spans {
			e(whole(u.windows.estimate(sp, now)), sp.name)
		}
	}); err != nil {
		return err
	}
	if err := in.gauge(catalog.ConcurrentUsers, func(e emit) { e(whole(u.windows.estimate(concurrent, u.core.m.Now()))) }); err != nil {
		return err
	}
	if err := in.gauge(catalog.UserSessionsOpen, func(e emit) { e(float64(u.sessions.open(u.core.m.Now()))) }); err != nil {
		return err
	}
	if err := in.gauge(catalog.LoginFailuresHottestNetwork, func(e emit) { e(u.logins.hottest(u.core.m.Now())) }); err != nil {
		return err
	}
	if u.core.config.store == nil {
		return nil
	}
	return in.gauge(catalog.UserSketchSyncAge, u.fleet.age(u.core))
}

// whole rounds an estimate to users.
func whole(v float64) float64 { return float64(int64(v + 0.5)) }

// Active says that the user did something just now, in whichever session. It
// allocates nothing.
func (u *Users) Active(user string) {
	if u.core.m.Off() || user == "" {
		return
	}
	hash, now := u.core.key.Hash(user), u.core.m.Now()
	u.windows.add(hash, now)
	u.sessions.touch(hash, hash, none, now)
}

// An Action is something that a user did.
type Action struct {
	User string // an id; empty for somebody unknown, who is counted in features only
	Name string // the feature that was used, such as "screener.run"

	// Session tells apart the sessions of one user. Empty: all that the user does
	// without one within the idle time is one session.
	Session string

	IP        netip.Addr // reaches events as its /24 or /48
	UserAgent string     // reaches events as the browser's name
	TraceID   string
}

// Track counts the user as active, the feature as used, and the step from the
// session's last feature to this one. A sink that wants [monitor.KindUser] gets
// an event. Without one it allocates nothing.
func (u *Users) Track(a Action) {
	if u.core.m.Off() {
		return
	}
	f := u.features.find(a.Name)
	add(f.cell, 0, 1)
	if a.User != "" {
		hash, now := u.core.key.Hash(a.User), u.core.m.Now()
		session := hash
		if a.Session != "" {
			session ^= u.core.key.Hash(a.Session)*2 + 1
		}
		u.windows.add(hash, now)
		u.sessions.touch(session, hash, f.id, now)
	}
	if u.core.m.Enabled(monitor.KindUser) {
		u.report(a, f)
	}
}

func (u *Users) report(a Action, f *feature) {
	e := monitor.Event{Kind: monitor.KindUser, Name: f.name, User: u.core.m.Pseudonym(a.User), TraceID: a.TraceID}
	if a.Session != "" {
		e.Add(slog.String("session", u.core.m.Pseudonym(a.Session)))
	}
	if p := monitor.TruncateIP(a.IP); p.IsValid() {
		e.Add(slog.String("client_net", p.String()))
	}
	if a.UserAgent != "" {
		e.Add(slog.String("browser", browser(a.UserAgent)))
	}
	u.core.m.Record(e)
}

// browsers are looked for in this order, since most claim to be the later ones.
var browsers = []struct{ mark, name string }{
	{"bot", "bot"},
	{"spider", "bot"},
	{"MicroMessenger", "WeChat"},
	{"DingTalk", "DingTalk"},
	{"Edg", "Edge"},
	{"OPR/", "Opera"},
	{"Firefox/", "Firefox"},
	{"FxiOS/", "Firefox"},
	{"Chrome/", "Chrome"},
	{"CriOS/", "Chrome"},
	{"Safari/", "Safari"},
	{"curl/", "curl"},
	{"python", "Python"},
	{"Go-http-client", "Go"},
}

// browser is what is left of a user agent: with versions and devices it
// would be a fingerprint.
func browser(userAgent string) string {
	userAgent = userAgent[:min(len(userAgent), 512)]
	for _, b := range browsers {
		if strings.Contains(userAgent, b.mark) {
			return b.name
		}
	}
	return "other"
}

// ActiveUsers is how many distinct users were active in each window.
type ActiveUsers struct {
	Window string  // "1m", "5m", "1h", "24h", "7d" or "30d"
	Users  float64 // an estimate
	Error  float64 // its standard error, in users
}

// ActiveUsers returns the windows' estimates, the shortest first. 95 of 100 are
// within twice the error.
func (u *Users) ActiveUsers() []ActiveUsers {
	if u.core.m.Off() {
		return nil
	}
	now := u.core.m.Now()
	out := []ActiveUsers{u.activeUsers(concurrent, now)}
	for _, sp := range spans {
		out = append(out, u.activeUsers(sp, now))
	}
	return out
}

func (u *Users) activeUsers(sp span, now time.Time) ActiveUsers {
	n := whole(u.windows.estimate(sp, now))
	return ActiveUsers{sp.name, n, n * StandardError}
}

// Forget erases the user's sessions and the step they have not finished, and
// reports whether there were any. Sketches need no erasing, and cannot be: they
// hold no ids, from which nobody can be told without the pseudonym key, and are
// gone after 30 days. Events that sinks have taken are the sinks' to erase, under
// the user's [monitor.Monitor.Pseudonym].
func (u *Users) Forget(user string) bool {
	if u.core.m.Off() || user == "" {
		return false
	}
	return u.sessions.forget(u.core.key.Hash(user))
}

// Memory returns how many bytes the sketches of active users take now. Each of
// the 76 slots and 6 unions takes between nothing and 64 KiB.
func (u *Users) Memory() int { return u.windows.bytes() }
