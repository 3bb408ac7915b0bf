package testenv

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// readyTimeout bounds a start. The slowest server is ready within a second on an
// idle machine; the rest is for machines that are not.
const readyTimeout = 60 * time.Second

// Server is a server that belongs to one test, or an external one that the test
// may only talk to. Its methods end the test when they fail, and so belong in
// the goroutine of the test that asked for the server.
type Server struct {
	t        testing.TB
	spec     spec
	addr     string
	external string   // how the environment names it, "" for a server of our own
	dir      string   // "" for an external server
	proc     *process // nil while stopped, and for an external server
}

// spec is what differs between servers.
type spec struct {
	name    string         // as CHRONOMON_REQUIRE_SERVERS has it
	ready   string         // what the server logs once it accepts connections
	stop    syscall.Signal // asks for a quick and clean end
	quit    syscall.Signal // ends it when the test binary dies
	owner   *owner         // the user it runs as, nil for the current one
	prepare func(dir string) error
	argv    func(dir, addr string) []string
}

// external returns the server that the environment variable key names, or nil.
// It ends a test that has needs of its own, which a shared server cannot meet.
func external(t testing.TB, name, key string, needs ...string) *Server {
	t.Helper()
	value := os.Getenv(key)
	if value == "" {
		return nil
	}
	if strings.Join(needs, "") != "" {
		unavailable(t, name, "the test brings its own settings, which the server of "+key+" does not have")
	}
	addr := value
	if u, err := url.Parse(value); err == nil && u.Host != "" {
		addr = u.Host
	}
	return &Server{t: t, spec: spec{name: name}, addr: addr, external: value}
}

// newServer reserves a port, makes and prepares a directory, and starts the server.
func newServer(t testing.TB, s spec) *Server {
	t.Helper()
	addr, release, err := reserveAddr()
	if err != nil {
		t.Fatalf("testenv: reserve a port for %s: %v", s.name, err)
	}
	t.Cleanup(release)

	srv := &Server{t: t, spec: s, addr: addr, dir: makeDir(t, s)}
	if s.prepare != nil {
		if err := s.prepare(srv.dir); err != nil {
			t.Fatalf("testenv: prepare %s: %v", s.name, err)
		}
	}
	t.Cleanup(srv.close)
	srv.Start()
	return srv
}

// makeDir makes the server's directory. It can be entered by everyone, which
// t.TempDir cannot: a server that runs as another user has to.
func makeDir(t testing.TB, s spec) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chronomon-"+s.name+"-") //nolint:usetesting // see above
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("testenv: %v", err)
		}
	})
	if err := s.owner.give(dir); err != nil {
		t.Fatalf("testenv: %v", err)
	}
	return dir
}

// Addr returns the host:port that the server listens on, whether it runs or not.
func (s *Server) Addr() string { return s.addr }

// Start starts the server again after a Stop: on the same port, with the same
// data. It returns when the server is ready.
func (s *Server) Start() {
	s.t.Helper()
	s.mustOwn("start")
	if s.proc != nil {
		s.t.Fatalf("testenv: %s runs already", s.spec.name)
	}
	cmd := s.spec.owner.command(s.dir, s.spec.argv(s.dir, s.addr))
	proc, err := startProcess(cmd, s.spec.quit, s.logFile())
	if err != nil {
		s.t.Fatalf("testenv: start %s: %v", s.spec.name, err)
	}
	s.proc = proc
	s.awaitReady()
}

// awaitReady waits for the line by which the server itself says that it is
// ready: unlike an answer on its port, that cannot be another server's.
func (s *Server) awaitReady() {
	s.t.Helper()
	deadline := time.Now().Add(readyTimeout)
	for !strings.Contains(s.log(), s.spec.ready) {
		select {
		case <-s.proc.done:
			s.t.Fatalf("testenv: %s ended instead of starting", s.spec.name)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("testenv: %s was not ready after %v", s.spec.name, readyTimeout)
		}
	}
}

// Stop stops the server and waits for its end. Its connections break, new ones
// are refused.
func (s *Server) Stop() {
	s.t.Helper()
	s.mustRun("stop")
	s.proc.stop(s.spec.stop)
	s.proc = nil
}

// Pause freezes the server, which keeps its connections and answers nothing.
func (s *Server) Pause() {
	s.t.Helper()
	s.mustRun("pause")
	if err := s.proc.pause(); err != nil {
		s.t.Fatalf("testenv: pause %s: %v", s.spec.name, err)
	}
}

// Resume ends a Pause.
func (s *Server) Resume() {
	s.t.Helper()
	s.mustRun("resume")
	if err := s.proc.resume(); err != nil {
		s.t.Fatalf("testenv: resume %s: %v", s.spec.name, err)
	}
}

// mustOwn ends the test when the server is an external one.
func (s *Server) mustOwn(verb string) {
	s.t.Helper()
	if s.external != "" {
		unavailable(s.t, s.spec.name, "the test has to "+verb+" the server, which is an external one")
	}
}

// mustRun ends the test when the server is not ours or not running.
func (s *Server) mustRun(verb string) {
	s.t.Helper()
	s.mustOwn(verb)
	if s.proc == nil {
		s.t.Fatalf("testenv: %s %s: it is stopped", verb, s.spec.name)
	}
}

// close stops the server at the end of the test. When the test failed, perhaps
// because the server did not start, it shows what the server had to say.
func (s *Server) close() {
	if s.proc != nil {
		s.proc.stop(s.spec.stop)
		s.proc = nil
	}
	if s.t.Failed() {
		const most = 16 << 10
		log := s.log()
		s.t.Logf("output of %s:\n%s", s.spec.name, log[max(0, len(log)-most):])
	}
}

// log returns what the server wrote since its last start.
func (s *Server) log() string {
	text, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "server.log") }

// baseURL returns the URL of a server that speaks HTTP.
func (s *Server) baseURL() string {
	if s.external != "" {
		return strings.TrimSuffix(s.external, "/")
	}
	return "http://" + s.addr
}

// configFile is the name of a server's configuration in its directory.
const configFile = "config.yml"

// writeConfig writes configFile.
func writeConfig(dir, config string) error {
	return os.WriteFile(filepath.Join(dir, configFile), []byte(config), 0o600)
}
