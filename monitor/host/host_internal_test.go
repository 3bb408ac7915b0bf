package host

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
)

var update = flag.Bool("update", false, "rewrite the golden exposition")

// machine is a source whose numbers the test says.
type machine struct {
	mu     sync.Mutex
	cpu    []cpuTimes              // guarded by mu
	disks  []mount                 // guarded by mu
	reads  int                     // guarded by mu; of all parts
	broken error                   // guarded by mu
	odd    bool                    // guarded by mu; reading panics
	answer func(path string) error // may block
}

func (s *machine) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.odd {
		panic("an odd line")
	}
	return s.broken
}

func (s *machine) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *machine) cpus() ([]cpuTimes, error) {
	err := s.begin()
	return append([]cpuTimes(nil), s.cpu...), err
}

func (s *machine) memory() ([]*uint64, error) {
	out := make([]*uint64, len(memoryMetrics))
	for i := range out {
		out[i] = new(uint64(1024 * (i + 1)))
	}
	return out, s.begin()
}

func (s *machine) load() ([3]float64, error) { return [3]float64{1, .5, .25}, s.begin() }

func (s *machine) mounts() ([]mount, int, error) { return s.disks, 0, s.begin() }

func (s *machine) stat(path string) (space, error) {
	if s.answer != nil {
		if err := s.answer(path); err != nil {
			return space{}, err
		}
	}
	return space{size: 100 << 30, free: 50 << 30, avail: 45 << 30, files: 6_553_600, filesFree: 6_000_000}, nil
}

func attach(t *testing.T, src *machine) (*monitor.Monitor, *Host) {
	t.Helper()
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	c, err := newConfig(nil)
	require.NoError(t, err)
	h, err := open(m, c, src)
	require.NoError(t, err)
	return m, h
}

func text(t *testing.T, m *monitor.Monitor) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	var b strings.Builder
	for line := range strings.Lines(w.Body.String()) {
		if strings.Contains(line, "node_") || strings.Contains(line, "monitor_host") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestGoldenExposition(t *testing.T) {
	t.Parallel()
	m, _ := attach(t, &machine{
		cpu: []cpuTimes{{id: 0, seconds: [...]float64{1000.25, 3, 0, 1, 2, 0, 40, 80}}, {id: 1, seconds: [...]float64{1100, 4, 0, 1, 2, 5, 41, 81}}},
		disks: []mount{
			{"/dev/sda1", "/", "ext4", false},
			{"/dev/sdb", "/boot", "xfs", true},
			{"tmpfs", "/run", "tmpfs", false},
			{"nas:/x", "/locked", "nfs4", false},
		},
		answer: func(path string) error {
			if path == "/locked" {
				return errors.New("permission denied")
			}
			return nil
		},
	})
	got := text(t, m)
	file := filepath.Join("testdata", "host.prom")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "a difference here is a change of the API; -update rewrites %s", file)
}

// TestOneReadingPerScrape: a part is read once for all its metrics, and anew
// for each scrape, however close they are.
func TestOneReadingPerScrape(t *testing.T) {
	t.Parallel()
	src := &machine{}
	m, _ := attach(t, src)
	for i := range 5 {
		text(t, m)
		require.Equal(t, 4*(i+1), src.reads, "cpu, memory, load and mounts")
	}
	for i := range 5 {
		_, err := m.Gatherer().Gather() // asks for all metrics at once
		require.NoError(t, err)
		require.Equal(t, 20+4*(i+1), src.reads)
	}
}

// TestAReadingGrowsOld: what one scrape left unread is not the next one's.
func TestAReadingGrowsOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, err := monitor.New()
		require.NoError(t, err)
		n := 0
		s := newShared(m, "test", func() (int, error) { n++; return n, nil })
		one, two := s.reader(), s.reader()
		read := func(reader int) int {
			v, err := s.get(reader)
			require.NoError(t, err)
			return v
		}
		require.Equal(t, []int{1, 1}, []int{read(one), read(two)})
		require.Equal(t, 2, read(one))
		time.Sleep(15 * time.Second)
		require.Equal(t, 3, read(two))
		require.Equal(t, 3, read(one))
	})
}

// TestTwoScrapersAtOnce: each sees one reading, and the next scrape a new one.
func TestTwoScrapersAtOnce(t *testing.T) {
	t.Parallel()
	m, err := monitor.New()
	require.NoError(t, err)
	n := 0
	s := newShared(m, "test", func() (int, error) { n++; return n, nil })
	size, avail := s.reader(), s.reader()
	for round := 1; round <= 3; round++ {
		for _, reader := range []int{size, size, avail, avail} { // one's, the other's, one's, the other's
			v, err := s.get(reader)
			require.NoError(t, err)
			require.Equal(t, round, v)
		}
	}
}

func TestCountersDoNotGoBack(t *testing.T) {
	t.Parallel()
	at := func(id int64, idleSeconds, iowait float64) cpuTimes {
		c := cpuTimes{id: id}
		c.seconds[idle], c.seconds[1] = idleSeconds, iowait
		return c
	}
	var h cpuHistory
	for _, step := range []struct {
		name      string
		now, want []cpuTimes
	}{
		{"first", []cpuTimes{at(0, 100, 50), at(1, 100, 50)}, []cpuTimes{at(0, 100, 50), at(1, 100, 50)}},
		{"iowait of one goes back", []cpuTimes{at(0, 101, 49), at(1, 101, 51)}, []cpuTimes{at(0, 101, 50), at(1, 101, 51)}},
		{"idle goes back a little", []cpuTimes{at(0, 99, 50), at(1, 102, 51)}, []cpuTimes{at(0, 101, 50), at(1, 102, 51)}},
		{"CPU 1 is unplugged", []cpuTimes{at(0, 103, 52)}, []cpuTimes{at(0, 103, 52)}},
		{"and comes back anew", []cpuTimes{at(0, 104, 52), at(1, 1, 0)}, []cpuTimes{at(0, 104, 52), at(1, 1, 0)}},
		{"CPU 0 was away between", []cpuTimes{at(0, 2, 1), at(1, 2, 0)}, []cpuTimes{at(0, 2, 1), at(1, 2, 0)}},
	} {
		require.Equal(t, step.want, h.smooth(step.now), step.name)
	}
}

// TestHangingMountIsWaitedForOnce runs in a bubble: what waits is exact.
func TestHangingMountIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dead := make(chan struct{})
		src := &machine{disks: []mount{{"nas:/a", "/a", "nfs4", false}, {"nas:/b", "/b", "nfs4", false}, {"/dev/sda1", "/", "ext4", false}}}
		src.answer = func(path string) error {
			if path != "/" {
				<-dead
			}
			return nil
		}
		m, h := attach(t, src)
		begin := time.Now()
		got := text(t, m)
		require.Equal(t, time.Second, time.Since(begin), "both at once")
		require.Contains(t, got, `node_filesystem_size_bytes{device="/dev/sda1",mountpoint="/",fstype="ext4"} `)
		require.Contains(t, got, `node_filesystem_device_error{device="nas:/a",mountpoint="/a",fstype="nfs4",device_error="mountpoint timeout"} 1`)
		require.Contains(t, got, `monitor_host_filesystems_skipped{reason="hangs"} 2`)
		require.Equal(t, []string{"/a", "/b"}, h.Hanging())
		for range 100 {
			begin = time.Now()
			require.Contains(t, text(t, m), `monitor_host_filesystems_skipped{reason="hangs"} 2`)
			require.Zero(t, time.Since(begin))
		}
		close(dead)
		synctest.Wait()
		require.Empty(t, h.Hanging())
		got = text(t, m)
		require.Contains(t, got, `monitor_host_filesystems_skipped{reason="hangs"} 0`)
		require.Contains(t, got, `node_filesystem_size_bytes{device="nas:/a",mountpoint="/a",fstype="nfs4"} `)
	})
}

// TestHangingMountsAreBounded: mounts that come and go and hang leave no more
// threads behind than may be asked at a time.
func TestHangingMountsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dead := make(chan struct{})
		s := newStatter(func(string) (space, error) { <-dead; return space{}, nil }, time.Second, 8)
		for i := range 50 {
			for _, a := range s.ask([]string{fmt.Sprint("/a", i), fmt.Sprint("/b", i), fmt.Sprint("/c", i)}) {
				require.False(t, a.came)
			}
			require.LessOrEqual(t, len(s.hanging()), 8)
		}
		require.Len(t, s.hanging(), 8)
		close(dead)
		synctest.Wait()
		require.True(t, s.ask([]string{"/a"})[0].came, "there is room again")
	})
}

func TestBrokenAndBackAgain(t *testing.T) {
	t.Parallel()
	src := &machine{cpu: []cpuTimes{{}}, disks: []mount{{"/dev/sda1", "/", "ext4", false}}}
	m, _ := attach(t, src)
	require.Contains(t, text(t, m), `node_scrape_collector_success{collector="cpu"} 1`)
	src.set(func() { src.broken = errors.New("gone") })
	got := text(t, m)
	require.Contains(t, got, `node_scrape_collector_success{collector="filesystem"} 0`)
	require.NotContains(t, got, "node_load1 ")
	require.NotContains(t, got, "node_filesystem_size_bytes{", "an earlier reading's filesystems are not shown")
	src.set(func() { src.odd = true })
	require.Contains(t, text(t, m), `node_scrape_collector_success{collector="meminfo"} 0`, "a panic is a failure")
	src.set(func() { src.broken, src.odd = nil, false })
	require.Contains(t, text(t, m), `node_load1 1`)
}

func TestConcurrentScrapes(t *testing.T) {
	t.Parallel()
	m, _ := attach(t, &machine{cpu: []cpuTimes{{}}, disks: []mount{{"/dev/sda1", "/", "ext4", false}}})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				text(t, m)
				_, _ = m.Gatherer().Gather()
			}
		})
	}
	wg.Wait()
}

func TestMountsThatAreShown(t *testing.T) {
	t.Parallel()
	c, err := newConfig(nil)
	require.NoError(t, err)
	got := c.shown([]mount{
		{"proc", "/proc", "proc", false},
		{"overlay", "/", "overlay", false},
		{"overlay", "/var/lib/docker/overlay2/1/merged", "overlay", false},
		{"shm", "/run/containerd/io.containerd.grpc.v1.cri/sandboxes/1/shm", "tmpfs", false},
		{"tmpfs", "/var/lib/kubelet/pods/1/volumes/x", "tmpfs", false},
		{"/dev/sda1", "/etc/hosts", "ext4", false},
		{"/dev/sda1", "/etc/hostsfile", "ext4", false},
		{"/dev/sdb", `/my\040data\134x`, "xfs", false},
		{"/dev/sdc", "/stacked", "xfs", false},
		{"/dev/sdd", "/stacked", "ext4", true},
		{"/dev/sde", "/covered", "xfs", false},
		{"autofs", "/covered", "autofs", false},
		{"//bob:secret@server/share", "/smb", "cifs", false},
		{"sshfs#bob@server:/x", "/ssh", "fuse.sshfs", false},
	})
	require.Equal(t, []mount{
		{"overlay", "/", "overlay", false},
		{"/dev/sda1", "/etc/hostsfile", "ext4", false},
		{"/dev/sdb", `/my data\x`, "xfs", false},
		{"/dev/sdd", "/stacked", "ext4", true},
		{"//server/share", "/smb", "cifs", false},
		{"sshfs#bob@server:/x", "/ssh", "fuse.sshfs", false},
	}, got)
}

func TestNoSourceIsNoError(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, err)
	h, err := open(m, nil, nil)
	require.NoError(t, err)
	require.Empty(t, h.Hanging())
	require.Empty(t, text(t, m))
	require.Contains(t, log.String(), "no metrics of the machine on this system")
}

func TestLegible(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "/data é": "/data é", "/a\xff": `/a\xff`, "/a\xfe/\ufffd": `/a\xfe/` + "\ufffd"} {
		require.Equal(t, want, legible(in))
	}
}

func FuzzMountText(f *testing.F) {
	f.Add(`/my\040data`, "https://user:pass@nas/x")
	f.Add(`\`, "//")
	f.Add(`\0`, "//@")
	f.Add(`\777`, "a//b@c@d/e")
	f.Fuzz(func(t *testing.T, point, device string) {
		require.LessOrEqual(t, len(unescape(point)), len(point))
		require.True(t, utf8.ValidString(legible(unescape(point))))
		parseMount(point)
		parseMount("1 0 8:1 / " + point + " rw - " + device)
		clean := withoutCredentials(device)
		require.LessOrEqual(t, len(clean), len(device))
		require.Equal(t, clean, withoutCredentials(clean), "nothing is left to cut")
	})
}

func BenchmarkScrape(b *testing.B) {
	m, err := monitor.New()
	require.NoError(b, err)
	_, err = New(m)
	require.NoError(b, err)
	h := m.Handler()
	r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}
