package trend_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/trend"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 4))
	at := func(i int) time.Time { return monday.Add(time.Duration(i) * time.Hour) }
	sale := func(i int) bool { return i >= 200 && i < 210 || i >= 300 && i < 310 }
	points := series(480, time.Hour, func(i int) float64 {
		v := 100 + daily(i) + r.NormFloat64()
		if sale(i) {
			v *= 3
		}
		return v
	})
	past := []trend.Event{{Name: "sale", From: at(200), To: at(210)}, {Name: "sale", From: at(300), To: at(310)}}
	next := trend.Event{Name: "sale", From: at(490), To: at(500)}
	f, err := trend.Predict(points, 48, trend.WithEvents(append(past, next)...))
	require.NoError(t, err)
	require.NotEmpty(t, f.Notes, "20 values were set aside")
	for i, p := range f.Points {
		want := 100 + daily(480+i)
		if i >= 10 && i < 20 {
			want *= 3 // as before
		}
		require.InEpsilon(t, want, p.Value, 0.08)
	}

	next.Factor = 0.5
	f, err = trend.Predict(points, 48, trend.WithEvents(append(past, next)...))
	require.NoError(t, err)
	require.InDelta(t, (100+daily(495))/2, f.Points[15].Value, 5)

	f, err = trend.Predict(points, 48, trend.WithEvents(trend.Event{Name: "new", From: at(490), To: at(500)}))
	require.NoError(t, err)
	require.Contains(t, f.Notes, `nothing is known of what "new" does`)
}

// What a sale on a Saturday did is told against other Saturdays, not against the
// days about it.
func TestEventOnAWeekend(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 5))
	usual := func(i int) float64 {
		v := 1000 + 30*daily(i)
		if i/24%7 > 4 {
			v *= 0.4
		}
		return v
	}
	points := series(24*42, time.Hour, func(i int) float64 {
		v := usual(i) + 20*r.NormFloat64()
		if i/24 == 33 {
			v *= 2
		}
		return v
	})
	sale := func(day int) trend.Event {
		return trend.Event{Name: "sale", From: monday.AddDate(0, 0, day), To: monday.AddDate(0, 0, day+1)}
	}
	f, err := trend.Predict(points, 24*7, trend.WithEvents(sale(33), sale(47)))
	require.NoError(t, err)
	for i := 24 * 5; i < 24*6; i++ {
		require.InEpsilon(t, 2*usual(24*42+i), f.Points[i].Value, 0.2)
	}
}

// A plan holds for a series that never moved, too; so do bounds.
func TestEventOnAConstant(t *testing.T) {
	t.Parallel()
	points := series(100, time.Hour, func(int) float64 { return 100 })
	double := trend.Event{Name: "sale", From: monday.Add(101 * time.Hour), To: monday.Add(102 * time.Hour), Factor: 2}
	f, err := trend.Predict(points, 3, trend.WithEvents(double))
	require.NoError(t, err)
	for i, want := range []float64{100, 200, 100} {
		p := f.Points[i]
		require.Equal(t, [3]float64{want, want, want}, [3]float64{p.Low, p.Value, p.High})
	}
	f, err = trend.Predict(points, 1, trend.WithBounds(0, 1))
	require.NoError(t, err)
	require.Equal(t, 1., f.Points[0].Value)
	require.Contains(t, f.Notes, "100 of 100 values are not between the bounds of 0 and 1")
}

// Deployments of years must not cost more than the series.
func TestManyEvents(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 6))
	const n = 50_000
	events := make([]trend.Event, n/5)
	for i := range events {
		from := monday.Add(time.Duration(5*i) * time.Minute)
		events[i] = trend.Event{Name: "deployment", From: from, To: from.Add(time.Minute)}
	}
	points := series(n, time.Minute, func(int) float64 { return r.NormFloat64() })
	began := time.Now()
	_, err := trend.Predict(points, 10, trend.WithSeasons())
	require.NoError(t, err)
	without := time.Since(began)
	began = time.Now()
	_, err = trend.Predict(points, 10, trend.WithSeasons(), trend.WithEvents(events...))
	require.NoError(t, err)
	require.Less(t, time.Since(began), 5*without+4*time.Second)
}
