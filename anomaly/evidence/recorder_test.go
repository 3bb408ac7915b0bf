package evidence_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/evidence"
	"github.com/chronoretrace/chronomon/monitor"
)

// query is a statement as dbmon has it.
type query struct {
	Text  string
	Calls int
}

// queries is a source of them.
type queries func(n int) []query

func (q queries) TopQueries(n int) []query { return q(n) }

// Everything is in a bundle, and the tools of the Go distribution read it. It is
// not parallel: a process has one flight recorder and one CPU profile.
func TestBundle(t *testing.T) { //nolint:paralleltest // see above
	failures := evidence.NewErrors()
	b := setup(
		t, evidence.WithTrace(5*time.Second, 4<<20), evidence.WithProfile(300*time.Millisecond), evidence.WithErrors(failures),
		evidence.WithTopQueries(queries(func(n int) []query {
			require.Equal(t, 7, n)
			return []query{{Text: "select ?", Calls: 3}}
		}), 7),
	)
	e := monitor.Event{Time: b.clock.Now(), Kind: monitor.KindRequest, Name: "/quotes", Failed: true}
	e.Add(slog.String("detail", "dial postgres://u:hunter2@db/x"), slog.String("api_token", "hunter2"))
	require.NoError(t, failures.Write(t.Context(), []monitor.Event{e, {Kind: monitor.KindRequest, Name: "/fine"}}))
	b.m.Mark(t.Context(), monitor.MarkDeploy, "v2 password=hunter2")

	// work of a route, to be seen by its label
	var over atomic.Bool
	var work sync.WaitGroup
	work.Go(func() {
		pprof.Do(t.Context(), pprof.Labels("route", "/busy"), func(context.Context) {
			for n := 0; !over.Load(); n++ {
				_ = strconv.Itoa(n)
			}
		})
	})
	defer work.Wait()
	defer over.Store(true)

	stop := b.run(t)
	id, err := b.Capture(t.Context(), evidence.Subject{
		Kind: "anomaly", Name: `latency{dsn="token=hunter2"}`, Time: b.clock.Now().Add(-time.Minute),
		Explanation: map[string]any{"expected": 1.5, "secret": "hunter2", "series": []any{map[string]any{"why": "Bearer hunter2hunter2"}}},
	})
	require.NoError(t, err)
	require.Regexp(t, `^20260302T100000Z-[0-9a-f]{8}$`, id)
	files := b.files(t, id)
	over.Store(true)
	stop()

	for file, result := range results(t, files) {
		require.Equal(t, "ok", result, file)
	}
	require.Len(t, files, 10)
	for name, content := range files {
		require.NotContains(t, string(content), "hunter2", name)
	}
	var subject struct {
		ID, Kind, Name   string
		Opened, Captured time.Time
	}
	require.NoError(t, json.Unmarshal(files["subject.json"], &subject))
	require.Equal(t, []any{id, "anomaly", b.clock.Now().Add(-time.Minute), b.clock.Now()}, []any{subject.ID, subject.Kind, subject.Opened, subject.Captured})
	require.JSONEq(t, `{"expected":1.5,"secret":"[redacted]","series":[{"why":"Bearer [redacted]"}]}`, string(files["explanation.json"]))
	require.JSONEq(t, `[{"Text":"select ?","Calls":3}]`, string(files["queries.json"]))
	require.Contains(t, string(files["marks.json"]), "v2 password=[redacted]")
	require.Equal(t, 1, strings.Count(string(files["errors.jsonl"]), "\n"))
	require.Contains(t, string(files["errors.jsonl"]), "/quotes")

	dir := t.TempDir()
	read := func(file string, args ...string) string {
		path := filepath.Join(dir, file)
		require.NoError(t, os.WriteFile(path, files[file], 0o600))
		out, err := exec.Command("go", append(append([]string{"tool"}, args...), path)...).CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	require.Contains(t, read("cpu.pb.gz", "pprof", "-tags"), "/busy")
	require.Contains(t, read("goroutine.pb.gz", "pprof", "-tags"), "/busy")
	require.Contains(t, read("heap.pb.gz", "pprof", "-top"), "inuse_space")
	require.Contains(t, read("trace.out", "trace", "-d=parsed"), "StateTransition")

	require.EqualValues(t, 1, b.value(t, "anomaly_evidence_bundles_total", "ok"))
	require.EqualValues(t, 9, b.value(t, "anomaly_evidence_parts_total", "ok"))
	info, err := os.Stat(filepath.Join(b.dir, id+".tar.gz"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
	require.EqualValues(t, info.Size(), b.value(t, "anomaly_evidence_written_bytes_total"))
	require.Contains(t, b.log.String(), "evidence: captured")
	require.NotContains(t, b.log.String(), "hunter2")
}

// What a process has one of may be in use: the rest stands.
func TestOthersAtWork(t *testing.T) { //nolint:paralleltest // a process has one CPU profile
	var host bytes.Buffer
	require.NoError(t, pprof.StartCPUProfile(&host))
	defer pprof.StopCPUProfile()
	first := setup(t, evidence.WithTrace(time.Second, 1<<20))
	defer first.run(t)()
	first.files(t, first.capture(t, "a")) // it runs

	b := setup(t, evidence.WithTrace(time.Second, 1<<20), evidence.WithProfile(10*time.Millisecond))
	stop := b.run(t)
	files := b.files(t, b.capture(t, "a"))
	stop()
	got := results(t, files)
	require.Contains(t, got["cpu.pb.gz"], "failed: ")
	require.Contains(t, got["trace.out"], "failed: the execution trace is not recorded")
	require.Equal(t, "ok", got["heap.pb.gz"])
	require.NotContains(t, files, "cpu.pb.gz")
	require.EqualValues(t, 1, b.value(t, "anomaly_evidence_bundles_total", "partial"))
	require.EqualValues(t, 1, b.value(t, "anomaly_evidence_parts_total", "cpu", "failed"))
	require.Contains(t, b.log.String(), "no execution trace")
}

// panicky cannot be written.
type panicky struct{}

func (panicky) MarshalJSON() ([]byte, error) { panic("hunter2") }

// A part that panics, fails or is too large is missing; the rest stands.
func TestBadParts(t *testing.T) {
	t.Parallel()
	failures := evidence.NewErrors()
	var bad, good monitor.Event
	bad = monitor.Event{Kind: monitor.KindLog, Name: "bad"}
	bad.Add(slog.Any("v", panicky{}))
	good = monitor.Event{Kind: monitor.KindLog, Name: "good"}
	require.NoError(t, failures.Write(t.Context(), []monitor.Event{bad, good}))
	b := setup(
		t, evidence.WithErrors(failures), evidence.WithBundleSize(256<<10),
		evidence.WithTopQueries(queries(func(int) []query { return []query{{Text: strings.Repeat("x", 1<<20)}} }), 1),
	)
	stop := b.run(t)
	for name, explanation := range map[string]any{"panicked": panicky{}, "failed: json": func() {}} {
		id, err := b.Capture(t.Context(), evidence.Subject{Kind: "alert", Name: name, Explanation: explanation})
		require.NoError(t, err)
		files := b.files(t, id)
		got := results(t, files)
		require.Contains(t, got["explanation.json"], name)
		require.Equal(t, "large: it does not fit into the bundle", got["queries.json"])
		require.NotContains(t, files, "queries.json")
		require.Equal(t, "ok", got["goroutine.pb.gz"])
		require.Equal(t, "ok", got["errors.jsonl"])
		require.Contains(t, string(files["errors.jsonl"]), `"name":"bad"`)
		require.Contains(t, string(files["errors.jsonl"]), `"name":"good"`)
		info, err := os.Stat(filepath.Join(b.dir, id+".tar.gz"))
		require.NoError(t, err)
		require.Less(t, info.Size(), int64(256<<10))
	}
	stop()
	require.EqualValues(t, 2, b.value(t, "anomaly_evidence_bundles_total", "partial"))
	require.EqualValues(t, 1, b.value(t, "anomaly_evidence_parts_total", "explanation", "panicked"))
	require.EqualValues(t, 2, b.value(t, "anomaly_evidence_parts_total", "queries", "large"))
	require.NotContains(t, b.log.String(), "hunter2")
}

// A subject has one bundle within the cooldown, however often and by how many it is
// asked for.
func TestCooldown(t *testing.T) {
	t.Parallel()
	b := setup(t, evidence.WithCooldown(time.Hour))
	b.run(t)
	var asked sync.WaitGroup
	got := make([]string, 20)
	for i := range got {
		asked.Go(func() { got[i], _ = b.Capture(t.Context(), evidence.Subject{Kind: "alert", Name: "x"}) })
	}
	asked.Wait()
	for _, id := range got {
		require.NotEmpty(t, id)
		require.Equal(t, got[0], id)
	}
	b.files(t, got[0])
	require.EqualValues(t, 19, b.value(t, "anomaly_evidence_skipped_total", "cooldown"))
	other, err := b.Capture(t.Context(), evidence.Subject{Kind: "anomaly", Name: "x"})
	require.NoError(t, err)
	require.NotEqual(t, got[0], other)

	b.clock.Add(59 * time.Minute)
	require.Equal(t, got[0], b.capture(t, "x"))
	b.clock.Add(-90 * time.Minute) // set back: the cooldown is neither over nor endless
	require.Equal(t, got[0], b.capture(t, "x"))
	b.clock.Add(91 * time.Minute)
	again := b.capture(t, "x")
	require.NotEqual(t, got[0], again)
	b.files(t, again)
	all, err := b.List()
	require.NoError(t, err)
	require.Len(t, all, 3)
	require.Equal(t, []string{again, "alert", "x"}, []string{all[0].ID, all[0].Kind, all[0].Name}, "newest first")
}

func TestHourly(t *testing.T) {
	t.Parallel()
	b := setup(t, evidence.WithHourly(3))
	b.run(t)
	for i := range 3 {
		b.files(t, b.capture(t, strconv.Itoa(i)))
		b.clock.Add(time.Minute)
	}
	id, err := b.Capture(t.Context(), evidence.Subject{Kind: "alert", Name: "one too many"})
	require.ErrorIs(t, err, evidence.ErrSkipped)
	require.ErrorContains(t, err, "hourly")
	require.Empty(t, id)
	require.EqualValues(t, 1, b.value(t, "anomaly_evidence_skipped_total", "hourly"))
	b.clock.Add(57*time.Minute + 30*time.Second) // the first alone is more than an hour ago
	b.files(t, b.capture(t, "one too many"))
	_, err = b.Capture(t.Context(), evidence.Subject{Kind: "alert", Name: "again"})
	require.ErrorIs(t, err, evidence.ErrSkipped)
}

// The time for CPU profiles is bounded; bundles past it have none.
func TestProfileBudget(t *testing.T) { //nolint:paralleltest // a process has one CPU profile
	b := setup(t, evidence.WithProfile(20*time.Millisecond), evidence.WithProfileBudget(50*time.Millisecond))
	b.run(t)
	for i, want := range []string{"ok", "ok", "skipped: the hour's time for CPU profiles is spent"} {
		require.Equal(t, want, results(t, b.files(t, b.capture(t, strconv.Itoa(i))))["cpu.pb.gz"])
	}
	require.EqualValues(t, 3, b.value(t, "anomaly_evidence_bundles_total", "ok"), "that is no fault of a bundle")
	require.EqualValues(t, 1, b.value(t, "anomaly_evidence_parts_total", "cpu", "skipped"))
	b.clock.Add(time.Hour)
	require.Equal(t, "ok", results(t, b.files(t, b.capture(t, "later")))["cpu.pb.gz"])
}

// The oldest bundles make room, by number and by size, and nothing else in the
// directory is touched.
func TestStorage(t *testing.T) {
	t.Parallel()
	const size = 256 << 10
	for name, opt := range map[string]evidence.Option{
		"number": evidence.WithStorage(3, 1<<30),
		"bytes":  evidence.WithStorage(1000, 3*size),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, evidence.WithBundleSize(size), evidence.WithHourly(100), opt)
			require.NoError(t, os.MkdirAll(b.dir, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(b.dir, "notes.txt"), []byte("the host's"), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(b.dir, ".evidence-left"), []byte("half a bundle"), 0o600))
			stop := b.run(t)
			var ids []string
			noise := make([]byte, 100<<10) // is not compressed
			_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
			for i := range 8 {
				id, err := b.Capture(t.Context(), evidence.Subject{Kind: "alert", Name: strconv.Itoa(i), Explanation: noise})
				require.NoError(t, err)
				b.files(t, id)
				ids = append(ids, id)
				b.clock.Add(time.Second)
				entries, err := os.ReadDir(b.dir)
				require.NoError(t, err)
				var sum int64
				for _, e := range entries {
					info, err := e.Info()
					require.NoError(t, err)
					sum += info.Size()
				}
				require.LessOrEqual(t, sum, int64(3*size)+10)
			}
			stop()
			all, err := b.List()
			require.NoError(t, err)
			require.Less(t, len(all), 8)
			require.Equal(t, ids[7], all[0].ID)
			b.gone(t, ids[0])
			require.EqualValues(t, 8-len(all), b.value(t, "anomaly_evidence_deleted_total"))
			require.FileExists(t, filepath.Join(b.dir, "notes.txt"))
			require.NoFileExists(t, filepath.Join(b.dir, ".evidence-left"))
		})
	}
}

// A disk that does not take a bundle costs that bundle, and the subject may be
// captured again.
func TestDirectoryFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, os.WriteFile(b.dir, []byte("a file, where the directory is to be"), 0o600))
	stop := b.run(t)
	id := b.capture(t, "x")
	require.Eventually(t, func() bool { return b.value(t, "anomaly_evidence_bundles_total", "failed") == 1 }, 10*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { _, err := b.Open(id); return !errors.Is(err, evidence.ErrPending) }, 10*time.Second, time.Millisecond)

	require.NoError(t, os.Remove(b.dir))
	again := b.capture(t, "x")
	require.NotEqual(t, id, again)
	b.files(t, again)

	require.NoError(t, os.RemoveAll(b.dir)) // while it runs
	all, err := b.List()
	require.NoError(t, err)
	require.Empty(t, all)
	b.gone(t, again)
	b.files(t, b.capture(t, "y"))
	stop()
	require.Contains(t, b.log.String(), "a bundle was not stored")
}

// No id leads out of the directory, or to what is not a bundle.
func TestHostileIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	id := b.capture(t, "x")
	b.files(t, id)
	outside := filepath.Join(filepath.Dir(b.dir), "secret.tar.gz")
	require.NoError(t, os.WriteFile(outside, []byte("hunter2"), 0o600))
	link := "20260302T100001Z-00000000"
	require.NoError(t, os.Symlink(outside, filepath.Join(b.dir, link+".tar.gz")))
	require.NoError(t, os.Mkdir(filepath.Join(b.dir, "20260302T100001Z-00000001.tar.gz"), 0o700))
	for _, hostile := range []string{
		"", ".", "..", "../secret", "..%2fsecret", "/etc/passwd", id + "/../../secret", id + ".tar.gz", id + "\x00", "\x00", strings.Repeat("a", 1<<16),
		strings.ToLower(id), id + "\n", link, "20260302T100001Z-00000001", "20260302T100001Z-ffffffff", `..\secret`,
	} {
		b.gone(t, hostile)
	}
	all, err := b.List()
	require.NoError(t, err)
	require.Len(t, all, 1)
}

// What waits when the recorder stops is counted, and no new one is taken.
func TestStop(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	b := setup(t, evidence.WithHourly(100), evidence.WithTopQueries(queries(func(int) []query {
		entered <- struct{}{}
		<-leave
		return nil
	}), 1))
	stop := b.run(t)
	first := b.capture(t, "first")
	<-entered
	var ids []string
	for i := range 8 {
		ids = append(ids, b.capture(t, strconv.Itoa(i)))
	}
	_, err := b.Open(first)
	require.ErrorIs(t, err, evidence.ErrPending)
	_, err = b.Capture(t.Context(), evidence.Subject{Kind: "alert", Name: "too many"})
	require.ErrorIs(t, err, evidence.ErrSkipped)
	require.ErrorContains(t, err, "busy")
	go func() { close(leave) }()
	go func() {
		for range entered {
		}
	}()
	stop()
	close(entered)
	b.files(t, first)
	stored := b.value(t, "anomaly_evidence_bundles_total", "ok")
	require.Equal(t, 9-stored, b.value(t, "anomaly_evidence_skipped_total", "shutdown"))
	require.EqualValues(t, 1, b.value(t, "anomaly_evidence_skipped_total", "busy"))
	_, err = b.Capture(t.Context(), evidence.Subject{Kind: "alert", Name: "late"})
	require.ErrorContains(t, err, "stopped")
	for _, id := range ids {
		_, err := b.Open(id)
		require.NotErrorIs(t, err, evidence.ErrPending)
	}
}

// A profile under way ends with the recorder, and its bundle is stored.
func TestStopIsQuick(t *testing.T) { //nolint:paralleltest // a process has one CPU profile
	b := setup(t, evidence.WithProfile(time.Minute), evidence.WithProfileBudget(time.Hour))
	stop := b.run(t)
	id := b.capture(t, "x")
	require.Eventually(t, func() bool { return b.value(t, "anomaly_evidence_parts_total", "heap") == 1 }, 10*time.Second, time.Millisecond)
	begin := time.Now()
	stop()
	require.Less(t, time.Since(begin), 20*time.Second)
	require.Equal(t, "ok", results(t, b.files(t, id))["cpu.pb.gz"])
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, s := range []evidence.Subject{{}, {Kind: "alert"}, {Name: "x"}} {
		_, err := b.Capture(t.Context(), s)
		require.ErrorContains(t, err, "needs a kind and a name")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Capture(ctx, evidence.Subject{Kind: "alert", Name: "x"})
	require.ErrorIs(t, err, context.Canceled)
	b.run(t)
	id := b.capture(t, strings.Repeat("é", 1<<20)+"\x00")
	b.files(t, id)
	all, err := b.List()
	require.NoError(t, err)
	require.LessOrEqual(t, len(all[0].Name), 1003)
}

// Whatever the clock says, a bundle is found again.
func TestStrangeClock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	var ids []string
	for i, at := range []time.Time{{}, time.Unix(1<<40, 0), time.Unix(-1<<40, 0), time.Unix(0, 0)} {
		b.clock.mu.Lock()
		b.clock.now = at
		b.clock.mu.Unlock()
		ids = append(ids, b.capture(t, strconv.Itoa(i)))
		b.files(t, ids[i])
	}
	all, err := b.List()
	require.NoError(t, err)
	require.Len(t, all, len(ids))
}

func TestOff(t *testing.T) {
	t.Parallel()
	m, err := monitor.New(monitor.WithDisabled())
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "never")
	r, err := evidence.New(m, dir)
	require.NoError(t, err)
	id, err := r.Capture(t.Context(), evidence.Subject{Kind: "alert", Name: "x"})
	require.NoError(t, err)
	require.Empty(t, id)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, r.Run(ctx), context.DeadlineExceeded)
	require.NoDirExists(t, dir)
}

func TestErrorsAreBounded(t *testing.T) {
	t.Parallel()
	failures := evidence.NewErrors()
	for i := range 1000 {
		require.NoError(t, failures.Write(t.Context(), []monitor.Event{{Kind: monitor.KindLog, Name: fmt.Sprintf("e%d", i)}}))
	}
	b := setup(t, evidence.WithErrors(failures))
	b.run(t)
	lines := strings.Split(strings.TrimSpace(string(b.files(t, b.capture(t, "x"))["errors.jsonl"])), "\n")
	require.Len(t, lines, 200)
	require.Contains(t, lines[0], `"e800"`)
	require.Contains(t, lines[199], `"e999"`)
}

// The monitor runs a recorder among engines, and hands errors to its ring.
func TestRunsInAMonitor(t *testing.T) {
	t.Parallel()
	failures := evidence.NewErrors()
	m, err := monitor.New(monitor.WithSink("evidence", failures, monitor.WithKinds(monitor.KindLog), monitor.WithBatch(1, time.Millisecond)))
	require.NoError(t, err)
	r, err := evidence.New(m, t.TempDir(), evidence.WithErrors(failures), evidence.WithTrace(0, 0), evidence.WithProfile(0))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, r) }()
	slog.New(m.LogHandler(nil)).Error("quotes are late")
	b := bench{Recorder: r, m: m}
	for i := 0; ; i++ { // the event comes through a queue
		require.Less(t, i, 10)
		if files := b.files(t, b.capture(t, strconv.Itoa(i))); strings.Contains(string(files["errors.jsonl"]), "quotes are late") {
			require.Contains(t, string(files["marks.json"]), `"deploy"`)
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
	require.NoError(t, <-done)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	m, err := monitor.New()
	require.NoError(t, err)
	for want, opt := range map[string]evidence.Option{
		"WithErrors = <nil>":         evidence.WithErrors(nil),
		"WithTopQueries = <nil>":     evidence.WithTopQueries[query](nil, 5),
		"WithTopQueries n = 0":       evidence.WithTopQueries(queries(nil), 0),
		"WithTrace window = 1ms":     evidence.WithTrace(time.Millisecond, 1<<20),
		"WithTrace bytes = 0":        evidence.WithTrace(time.Second, 0),
		"WithProfile = -1s":          evidence.WithProfile(-time.Second),
		"WithProfileBudget = 2h0m0s": evidence.WithProfileBudget(2 * time.Hour),
		"WithCooldown = 0s":          evidence.WithCooldown(0),
		"WithHourly = 0":             evidence.WithHourly(0),
		"WithBundleSize = 1":         evidence.WithBundleSize(1),
		"WithStorage bundles = 0":    evidence.WithStorage(0, 1<<30),
		"WithStorage bytes = 1":      evidence.WithStorage(1, 1),
		`WithSecretNames = "-"`:      evidence.WithSecretNames("-"),
	} {
		_, err := evidence.New(m, "x", nil, opt)
		require.ErrorIs(t, err, monitor.ErrInvalidOption, want)
		require.ErrorContains(t, err, want)
	}
	_, err = evidence.New(nil, "", evidence.WithHourly(0))
	require.ErrorContains(t, err, "monitor = <nil>")
	require.ErrorContains(t, err, "directory")
	require.ErrorContains(t, err, "WithHourly")
}
