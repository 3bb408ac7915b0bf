package anomaly_test

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/monitor"
)

var lstmStart = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)

// lstmPoint is a wave of 48 steps of a minute, with noise of 1.
func lstmPoint(i int) anomaly.Point {
	random := rand.New(rand.NewPCG(uint64(i), 5))
	return anomaly.Point{
		Time:  lstmStart.Add(time.Duration(i) * time.Minute),
		Value: 100 + 20*math.Sin(2*math.Pi*float64(i)/48) + random.NormFloat64(),
	}
}

// newLSTM returns a small one that trains at full speed.
func newLSTM(t testing.TB, opts ...anomaly.LSTMOption) *anomaly.LSTM {
	t.Helper()
	d, err := anomaly.NewLSTM(append([]anomaly.LSTMOption{
		anomaly.WithLSTMUnits(8), anomaly.WithLSTMHistory(256), anomaly.WithLSTMBudget(1),
	}, opts...)...)
	require.NoError(t, err)
	return d
}

// watched returns one that has seen points, with training after each.
func watched(t testing.TB, points int, opts ...anomaly.LSTMOption) *anomaly.LSTM {
	t.Helper()
	d := newLSTM(t, opts...)
	for i := range points {
		d.Observe(lstmPoint(i))
		require.NoError(t, d.Train(context.Background())) //nolint:usetesting // of benchmarks too
	}
	return d
}

// A detector is not ready until it is trained and has seen how far off it is; then
// it finds what leaves the wave, and little else.
func TestLSTM(t *testing.T) {
	t.Parallel()
	d := newLSTM(t)
	for i := range 300 {
		require.False(t, d.Observe(lstmPoint(i)).Ready, "not trained yet")
	}
	require.NoError(t, d.Train(t.Context()))
	alarms := 0
	for i := 300; i < 600; i++ {
		p := lstmPoint(i)
		if i == 500 {
			p.Value -= 20
		}
		s := d.Observe(p)
		require.Equal(t, i >= 350, s.Ready, "point %d", i)
		switch {
		case !s.Ready:
			require.Zero(t, s.Value)
			require.True(t, math.IsNaN(s.Expected))
		case i == 500:
			require.True(t, s.Anomalous())
			require.Less(t, p.Value, s.Low)
			require.InDelta(t, s.Expected, lstmPoint(i).Value, 5)
		default:
			require.Equal(t, s.Anomalous(), p.Value <= s.Low || p.Value >= s.High, "point %d", i)
			require.InDelta(t, s.Expected, (s.Low+s.High)/2, 1e-9)
			if s.Anomalous() {
				alarms++
			}
		}
	}
	require.LessOrEqual(t, alarms, 1)
}

// Its own options decide when it learns anew, and only then.
func TestLSTMLearnsAnew(t *testing.T) {
	t.Parallel()
	d := watched(t, 300, anomaly.WithLSTMEvery(100))
	network := func(d *anomaly.LSTM) []byte {
		b, err := d.MarshalBinary()
		require.NoError(t, err)
		return b[len(b)-2000:]
	}
	twin := newLSTM(t)
	saved, err := d.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, twin.UnmarshalBinary(saved))
	for i := 300; i < 356; i++ {
		if i == 355 {
			require.Equal(t, network(twin), network(d), "100 points after the 256th have not passed")
		}
		d.Observe(lstmPoint(i))
		twin.Observe(lstmPoint(i))
		require.NoError(t, d.Train(t.Context()))
	}
	require.NotEqual(t, network(twin), network(d))
}

// The same points and trainings give the same scores; another seed does not.
func TestLSTMIsDeterministic(t *testing.T) {
	t.Parallel()
	a, b, c := watched(t, 310), watched(t, 310), watched(t, 310, anomaly.WithLSTMSeed(2))
	differ := false
	for i := 310; i < 400; i++ {
		sa, sb, sc := a.Observe(lstmPoint(i)), b.Observe(lstmPoint(i)), c.Observe(lstmPoint(i))
		require.Equal(t, sa, sb)
		differ = differ || sa.Expected != sc.Expected
	}
	require.True(t, differ)
}

// A training whose context ends goes on with the next call, and comes to the same.
func TestLSTMTrainingGoesOn(t *testing.T) {
	t.Parallel()
	whole, parts := newLSTM(t), newLSTM(t)
	for i := range 256 {
		whole.Observe(lstmPoint(i))
		parts.Observe(lstmPoint(i))
	}
	require.NoError(t, whole.Train(t.Context()))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, parts.Train(ended), context.Canceled)
	calls := 0
	for err := context.Canceled; err != nil; calls++ {
		require.Less(t, calls, 10000)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err = parts.Train(ctx)
		cancel()
	}
	require.Equal(t, lstmBytes(t, whole), lstmBytes(t, parts))
}

// A network knows of the points that came while it was trained, as if it had been
// there.
func TestLSTMKnowsWhatCameMeanwhile(t *testing.T) {
	t.Parallel()
	const units = 8
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	state := func(at int) (out []float64) { // trained on the first 256 points, from when that many were seen
		d := newLSTM(t, anomaly.WithLSTMUnits(units))
		for i := range 300 {
			if i == 256 {
				require.ErrorIs(t, d.Train(ended), context.Canceled)
			}
			if i == at {
				require.NoError(t, d.Train(t.Context()))
			}
			d.Observe(lstmPoint(i))
		}
		if at == 300 {
			require.NoError(t, d.Train(t.Context()))
		}
		b := lstmBytes(t, d)
		for b = b[len(b)-8-2*units*8:]; len(b) > 8; b = b[8:] { // two checksums end it
			out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
		return out
	}
	require.InDeltaSlice(t, state(256), state(300), 1e-3)
}

func lstmBytes(t testing.TB, d *anomaly.LSTM) []byte {
	t.Helper()
	b, err := d.MarshalBinary()
	require.NoError(t, err)
	return b
}

// Training beside Observe, and saving beside both.
func TestLSTMTrainsBeside(t *testing.T) {
	t.Parallel()
	d := newLSTM(t, anomaly.WithLSTMEvery(200), anomaly.WithLSTMUnits(4))
	for i := range 256 {
		d.Observe(lstmPoint(i))
	}
	done := make(chan struct{})
	var trainer sync.WaitGroup
	trainer.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if err := d.Train(t.Context()); err != nil {
					t.Error(err)
					return
				}
				runtime.Gosched()
			}
		}
	})
	ready, i := 0, 256
	for began := time.Now(); ready < 500 && time.Since(began) < time.Minute; i++ {
		s := d.Observe(lstmPoint(i))
		if s.Ready {
			ready++
			require.InDelta(t, 100, s.Expected, 60)
		}
		if i%64 == 0 {
			require.NotEmpty(t, lstmBytes(t, d))
			time.Sleep(time.Millisecond)
		}
	}
	close(done)
	trainer.Wait()
	require.Equal(t, 500, ready)
}

// The rests make a training last as many times longer as the budget is smaller.
func TestLSTMBudget(t *testing.T) { //nolint:paralleltest // it takes the time
	training := func(share float64) time.Duration {
		d := newLSTM(t, anomaly.WithLSTMBudget(share), anomaly.WithLSTMUnits(16))
		for i := range 256 {
			d.Observe(lstmPoint(i))
		}
		began := time.Now()
		require.NoError(t, d.Train(t.Context()))
		return time.Since(began)
	}
	full := min(training(1), training(1), training(1))
	require.Greater(t, training(0.1), 5*full)
}

// What was saved goes on with the very scores, and learns anew when the other does.
func TestLSTMSavedGoesOn(t *testing.T) {
	t.Parallel()
	for _, points := range []int{0, 1, 100, 256, 280, 400, 700} {
		d := watched(t, points, anomaly.WithLSTMEvery(60))
		b := lstmBytes(t, d)
		restored := newLSTM(t, anomaly.WithLSTMEvery(60))
		require.NoError(t, restored.UnmarshalBinary(b))
		require.Equal(t, b, lstmBytes(t, restored))
		for i := points; i < points+100; i++ {
			want, got := d.Observe(lstmPoint(i)), restored.Observe(lstmPoint(i))
			if !want.Ready {
				require.False(t, got.Ready)
				continue
			}
			require.Equal(t, want, got)
			require.NoError(t, d.Train(t.Context()))
			require.NoError(t, restored.Train(t.Context()))
		}
	}
}

// With a shorter history than the one that was saved, the last points are kept.
func TestLSTMSavedWithOtherOptions(t *testing.T) {
	t.Parallel()
	d := watched(t, 400)
	short := newLSTM(t, anomaly.WithLSTMHistory(128), anomaly.WithLSTMUnits(4))
	require.NoError(t, short.UnmarshalBinary(lstmBytes(t, d)))
	require.Len(t, lstmBytes(t, short), len(lstmBytes(t, d))-128*16)
	for i := 400; i < 500; i++ {
		require.Equal(t, d.Observe(lstmPoint(i)), short.Observe(lstmPoint(i)))
	}
}

func TestLSTMDamaged(t *testing.T) {
	t.Parallel()
	good := lstmBytes(t, watched(t, 400, anomaly.WithLSTMUnits(1), anomaly.WithLSTMHistory(128)))
	d := newLSTM(t)
	require.NoError(t, d.UnmarshalBinary(good))
	refuses := func(b []byte, says string) {
		t.Helper()
		require.ErrorContains(t, d.UnmarshalBinary(b), "anomaly: LSTM: restore: "+says)
		require.Equal(t, good, lstmBytes(t, d), "it is what it was")
	}
	refuses(nil, "0 bytes are not of version 1")
	for i := 0; i < len(good); i += 7 {
		refuses(good[:i], "")
		b := slices.Clone(good)
		b[i] ^= 16
		refuses(b, "")
	}
	const points, network = 50, 50 + 128*16 + 256*8 // where the header ends, and the errors
	nan := binary.LittleEndian.AppendUint64(nil, math.Float64bits(math.NaN()))
	changed := func(at int, to ...byte) []byte {
		b := slices.Clone(good[:len(good)-4])
		copy(b[at:], to)
		return lstmSealed(b)
	}
	require.NoError(t, d.UnmarshalBinary(changed(0)))
	refuses(changed(0, 2), "")
	refuses(changed(1, 31), "128 points of 400")
	refuses(changed(14, 1, 0), "128 points of 1")
	refuses(changed(22, 145, 1), "128 points of 400, of which 401")
	refuses(changed(37, 128), "128 points")
	refuses(changed(38, 129), "129 points, 256 errors")
	refuses(changed(38, 0, 0, 0, 255), "")
	refuses(changed(points+128*8, nan...), "point 0 is NaN")
	refuses(changed(points+128*16, nan...), "error 0 is NaN")
	refuses(changed(network, 9), "not a state of a network")
}

// Whatever comes, scores are between 0 and 1 and bands are finite.
func TestLSTMBadInput(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]func(i int) float64{
		"constant": func(int) float64 { return 42 },
		"zero":     func(int) float64 { return 0 },
		"largest":  func(i int) float64 { return []float64{1e308, -1e308}[i%2] },
		"smallest": func(i int) float64 { return []float64{5e-324, 0}[i%2] },
		"outliers": func(i int) float64 {
			if i%97 == 0 {
				return math.MaxFloat64
			}
			return float64(i % 5)
		},
		"holes": func(i int) float64 {
			return []float64{1, 2, math.NaN(), math.Inf(1), 3, math.Inf(-1)}[i%6]
		},
		"reset counter": func(i int) float64 { return float64(i % 100 * 1000) },
	} {
		d := newLSTM(t, anomaly.WithLSTMHistory(128), anomaly.WithLSTMEvery(128), anomaly.WithLSTMUnits(2))
		alarms := 0
		for i := range 500 {
			p := anomaly.Point{Time: lstmStart.Add(time.Duration(i) * time.Minute), Value: value(i)}
			s := d.Observe(p)
			require.True(t, s.Value >= 0 && s.Value <= 1, "%s, point %d: %v", name, i, s.Value)
			if s.Ready {
				for _, v := range []float64{s.Expected, s.Low, s.High} {
					require.False(t, math.IsNaN(v) || math.IsInf(v, 0), "%s, point %d: %+v", name, i, s)
				}
			}
			if s.Anomalous() {
				alarms++
			}
			if again := d.Observe(p); again.Value != 0 || again.Ready {
				require.Fail(t, "a time that is no later", "%s, point %d", name, i)
			}
			require.NoError(t, d.Train(t.Context()))
		}
		require.False(t, d.Observe(anomaly.Point{Time: lstmStart, Value: 1}).Ready, "%s: backward", name)
		if name == "constant" || name == "zero" {
			require.Zero(t, alarms, name)
			require.Zero(t, d.Observe(anomaly.Point{Time: lstmStart.Add(1000 * time.Minute), Value: 50}).Value, "%s: after a gap", name)
		}
	}
}

// A constant series that jumps is an anomaly; times may be any.
func TestLSTMJump(t *testing.T) {
	t.Parallel()
	for _, start := range []time.Time{lstmStart, {}, time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(1<<55, 0)} {
		d := newLSTM(t, anomaly.WithLSTMHistory(128), anomaly.WithLSTMUnits(2))
		for i := range 200 {
			d.Observe(anomaly.Point{Time: start.Add(time.Duration(i) * time.Nanosecond), Value: 42})
			require.NoError(t, d.Train(t.Context()))
		}
		s := d.Observe(anomaly.Point{Time: start.Add(time.Hour), Value: 50})
		require.True(t, s.Ready, "%v", start)
		require.True(t, s.Anomalous(), "%v: %+v", start, s)
	}
}

// After a long gap it waits, after a short one it does not.
func TestLSTMGap(t *testing.T) {
	t.Parallel()
	d := watched(t, 400)
	at := 400
	next := func(skip int) anomaly.Score {
		at += skip
		s := d.Observe(lstmPoint(at))
		at++
		return s
	}
	require.True(t, next(0).Ready)
	require.True(t, next(58).Ready)
	require.False(t, next(59).Ready, "60 steps")
	for range 29 {
		require.False(t, next(0).Ready)
	}
	require.True(t, next(0).Ready)
}

func TestLSTMRefuses(t *testing.T) {
	t.Parallel()
	_, err := anomaly.NewLSTM(nil)
	require.NoError(t, err)
	_, err = anomaly.NewLSTM(anomaly.WithLSTMLimit(0), anomaly.WithLSTMBudget(1.1), anomaly.WithLSTMHistory(127),
		anomaly.WithLSTMEvery(0), anomaly.WithLSTMUnits(257))
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	for _, says := range []string{
		"WithLSTMLimit(0) is not a number above 0", "WithLSTMBudget(1.1) is not from 0.001 to 1",
		"WithLSTMHistory(127) is not from 128 to 65536", "WithLSTMEvery(0) is less than 1", "WithLSTMUnits(257) is not from 1 to 256",
	} {
		require.ErrorContains(t, err, says)
	}
	for _, o := range []anomaly.LSTMOption{
		anomaly.WithLSTMLimit(math.NaN()), anomaly.WithLSTMLimit(math.Inf(1)), anomaly.WithLSTMBudget(math.NaN()), anomaly.WithLSTMBudget(0.0009),
		anomaly.WithLSTMHistory(65537), anomaly.WithLSTMUnits(0),
	} {
		_, err = anomaly.NewLSTM(o)
		require.ErrorIs(t, err, monitor.ErrInvalidOption)
	}
}

// What a series keeps in memory, with the defaults: as the doc says.
func TestLSTMMemory(t *testing.T) { //nolint:paralleltest // it counts all memory
	d, err := anomaly.NewLSTM(anomaly.WithLSTMBudget(1))
	require.NoError(t, err)
	for i := range 4000 {
		p := lstmPoint(i)
		p.Time = lstmStart.Add(time.Duration(i) * time.Hour) // weeks: with all inputs
		d.Observe(p)
	}
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	idle := heap()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	require.Error(t, d.Train(ctx))
	cancel()
	during := heap() - idle
	t.Logf("a training keeps %d KiB", during>>10)
	require.LessOrEqual(t, during, int64(400<<10))
	require.NoError(t, d.Train(t.Context()))
	for i := 4000; i < 4300; i++ {
		p := lstmPoint(i)
		p.Time = lstmStart.Add(time.Duration(i) * time.Hour)
		d.Observe(p)
	}
	saved := lstmBytes(t, d)
	before := heap()
	var all [64]*anomaly.LSTM
	for i := range all {
		all[i], err = anomaly.NewLSTM()
		require.NoError(t, err)
		require.NoError(t, all[i].UnmarshalBinary(saved))
	}
	each := (heap() - before) / int64(len(all))
	runtime.KeepAlive(all)
	t.Logf("a series keeps %d KiB, %d KiB when saved", each>>10, len(saved)>>10)
	require.LessOrEqual(t, each, int64(80<<10))
}

func TestLSTMAllocations(t *testing.T) { //nolint:paralleltest // it counts all allocations
	d := watched(t, 400, anomaly.WithLSTMUnits(32))
	i := 400
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		p := anomaly.Point{Time: lstmStart.Add(time.Duration(i) * time.Minute), Value: float64(i % 48)}
		if !d.Observe(p).Ready {
			t.Error("not ready")
		}
		i++
	}))
	require.Zero(t, testing.AllocsPerRun(100, func() { require.NoError(t, d.Train(t.Context())) }), "nothing to be done")
}

// Bytes that are none of its own restore nothing that cannot go on.
func FuzzLSTMRestore(f *testing.F) {
	f.Add(lstmBytes(f, watched(f, 400, anomaly.WithLSTMUnits(1), anomaly.WithLSTMHistory(128))))
	f.Add(lstmBytes(f, newLSTM(f)))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := newLSTM(t, anomaly.WithLSTMUnits(1))
		if len(b) > 4 {
			b = lstmSealed(b[:len(b)-4])
		}
		if d.UnmarshalBinary(b) != nil {
			return
		}
		s := d.Observe(anomaly.Point{Time: time.Now().Add(1e6 * time.Hour), Value: 1})
		require.True(t, s.Value >= 0 && s.Value <= 1)
	})
}

// lstmSealed appends the right checksum.
func lstmSealed(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clone(b), crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func BenchmarkLSTMObserve(b *testing.B) {
	d := watched(b, 400, anomaly.WithLSTMUnits(32))
	b.ReportAllocs()
	for i := 400; b.Loop(); i++ {
		d.Observe(anomaly.Point{Time: lstmStart.Add(time.Duration(i) * time.Minute), Value: float64(i % 48)})
	}
}
