package anomaly_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/monitor"
)

// noise answers with whatever its bytes say: labels, times and values.
type noise struct{ rest []byte }

func (n *noise) byte() byte {
	if len(n.rest) == 0 {
		return 0
	}
	b := n.rest[0]
	n.rest = n.rest[1:]
	return b
}

func (n *noise) text() string {
	k := min(int(n.byte()%8), len(n.rest))
	out := string(n.rest[:k])
	n.rest = n.rest[k:]
	return out
}

func (n *noise) value() float64 {
	var b [8]byte
	for i := range b {
		b[i] = n.byte()
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b[:]))
}

func (n *noise) Query(context.Context, string, time.Time) ([]monitor.Sample, error) { return nil, nil }

func (n *noise) QueryRange(_ context.Context, _ string, r monitor.Range) (out []monitor.Series, err error) {
	for range n.byte() % 5 {
		s := monitor.Series{Labels: monitor.Labels{}}
		for range n.byte() % 4 {
			s.Labels[n.text()] = n.text()
		}
		for range n.byte() % 6 {
			s.Points = append(s.Points, monitor.Point{Time: r.To.Add(time.Duration(int8(n.byte())) * time.Second), Value: n.value()})
		}
		out = append(out, s)
	}
	return out, nil
}

// Whatever a querier answers, the metrics can be gathered and the state can be read
// back.
func FuzzEngine(f *testing.F) {
	f.Add([]byte("\x02\x01\x05watch\x03own\x03\x00aaaaaaaa\x0abbbbbbbb\x14cccccccc\x01\x00\x02\x00dddddddd\x0aeeeeeeee"))
	f.Add([]byte{4, 2, 1, 0xff, 1, 0xff, 1, 0xfe, 1, 0xfe, 1, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := monitor.New()
		require.NoError(t, err)
		q := &noise{b}
		e := newEngine(t, m, q, anomaly.WithWatch(anomaly.Watch{Name: "a", Expr: "x", Step: step, Lookback: -1, New: distance}),
			anomaly.WithWatch(anomaly.Watch{Name: "b", Expr: "x", Step: 2 * step, Lookback: time.Minute, New: ewma}),
			anomaly.WithSeriesLimit(6), anomaly.WithQuiet(0))
		for i := 0; i < 40 && len(q.rest) > 0; i++ {
			require.NoError(t, e.Detect(t.Context(), noon.Add(time.Duration(i)*step)))
			got := shown(t, m)
			require.LessOrEqual(t, got[`anomaly_series{watch="a"}`]+got[`anomaly_series{watch="b"}`], 6.0)
			for _, a := range e.Active() {
				require.GreaterOrEqual(t, a.Score, anomaly.Threshold)
				require.LessOrEqual(t, a.Score, 1.0)
			}
		}
		var state bytes.Buffer
		require.NoError(t, e.Snapshot(t.Context(), &state))
		active := e.Active()
		require.NoError(t, e.Restore(t.Context(), &state))
		require.Len(t, e.Active(), len(active))
	})
}
