package anomaly_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/anomaly/evidence"
	"github.com/chronoretrace/chronomon/internal/journal"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// An anomaly that opens has a bundle made, which its record, its event and its row
// link to, in the next process too.
func TestEvidenceIsLinked(t *testing.T) {
	t.Parallel()
	var events monitortest.Sink
	m := monitortest.New(t, monitor.WithSink("s", &events, monitor.WithKinds(monitor.KindAnomaly)))
	recorder, err := evidence.New(m, t.TempDir(), evidence.WithProfile(0))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- recorder.Run(ctx) }()
	defer func() {
		stop()
		require.ErrorIs(t, <-done, context.Canceled)
	}()
	state, err := journal.Open(journal.Config{Dir: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, state.Close()) }()
	capture := anomaly.WithEvidence(func(ctx context.Context, a anomaly.Anomaly) (string, error) {
		return recorder.Capture(ctx, evidence.Subject{Kind: "anomaly", Name: a.Watch + a.Labels.String(), Time: a.Started, Explanation: a.Explanation})
	})
	opts := []anomaly.EngineOption{anomaly.WithWatch(watchOf(ewma)), anomaly.WithState(state), capture}
	e := newEngine(t, m, only(calm([2]time.Duration{time.Minute, 3 * time.Minute})), opts...)
	detect(t, e, 0, 2*time.Minute)
	require.Len(t, e.Active(), 1)
	a := e.Active()[0]
	require.NotEmpty(t, a.Evidence)
	require.Equal(t, a.Evidence, a.Row().Context["evidence"])
	require.Eventually(t, func() bool { return len(events.Events()) == 1 }, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, a.Evidence, attr(events.Events()[0], "evidence"))

	var files []string
	require.Eventually(t, func() bool {
		bundle, err := recorder.Open(a.Evidence)
		if err != nil {
			return false
		}
		defer func() { require.NoError(t, bundle.Close()) }()
		files = explanationIn(t, bundle)
		return true
	}, 20*time.Second, 20*time.Millisecond)
	require.NotEmpty(t, files)

	again := newEngine(t, monitortest.New(t), only(calm()), anomaly.WithWatch(watchOf(ewma)), anomaly.WithState(state))
	detect(t, again, 2*time.Minute, 2*time.Minute)
	require.Len(t, again.Active(), 1)
	require.Equal(t, a.Evidence, again.Active()[0].Evidence)
}

// explanationIn returns the files of a bundle that tell what was observed.
func explanationIn(t *testing.T, bundle io.Reader) (out []string) {
	t.Helper()
	z, err := gzip.NewReader(bundle)
	require.NoError(t, err)
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		if strings.Contains(string(text), `"observed": 1000`) || strings.Contains(string(text), `"observed":1000`) {
			out = append(out, h.Name)
		}
	}
}

// Without evidence, or with a capture that fails or panics, the anomaly opens as ever.
func TestEvidenceThatFails(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(context.Context, anomaly.Anomaly) (string, error){
		"error": func(context.Context, anomaly.Anomaly) (string, error) { return "lost", errors.New("no room") },
		"panic": func(context.Context, anomaly.Anomaly) (string, error) { panic("no") },
		"none":  nil,
	} {
		e := newEngine(t, monitortest.New(t), only(calm([2]time.Duration{time.Minute, 3 * time.Minute})), anomaly.WithWatch(watchOf(ewma)), anomaly.WithEvidence(f))
		detect(t, e, 0, 2*time.Minute)
		require.Len(t, e.Active(), 1, name)
		require.Empty(t, e.Active()[0].Evidence, name)
		require.NotContains(t, e.Active()[0].Row().Context, "evidence", name)
	}
}
