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
