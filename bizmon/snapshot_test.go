package bizmon_test

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/monitor"
)

func snapshotter(t testing.TB, m *monitor.Monitor) monitor.Snapshotter {
	t.Helper()
	all := m.Snapshotters()
	require.Len(t, all, 1)
	require.Equal(t, "bizmon", all[0].SnapshotName())
	return all[0]
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	a := setup(t, nil)
	for i := range 5000 {
		a.Users.Track(bizmon.Action{User: strconv.Itoa(i), Name: []string{"home", "search"}[i%2]})
		a.Users.Track(bizmon.Action{User: strconv.Itoa(i), Name: "buy"})
		if i%100 == 0 {
			a.clock.Add(20 * time.Minute)
		}
	}
	var backup bytes.Buffer
	require.NoError(t, snapshotter(t, a.m).Snapshot(t.Context(), &backup))
	for _, id := range []string{"4999", a.m.Pseudonym("4999")} {
		require.NotContains(t, backup.String(), `"`+id+`"`)
	}

	b := setup(t, nil)
	b.clock.Set(a.clock.Now())
	require.NoError(t, snapshotter(t, b.m).Restore(t.Context(), bytes.NewReader(backup.Bytes())))
	require.Equal(t, a.users(t), b.users(t))
	require.Equal(t, a.Users.Journeys(100), b.Users.Journeys(100))
	b.Users.Active("4999")
	require.Equal(t, a.users(t)["30d"], b.users(t)["30d"], "the same user is the same")

	late := setup(t, nil)
	late.clock.Set(a.clock.Now().AddDate(1, 0, 0))
	require.NoError(t, snapshotter(t, late.m).Restore(t.Context(), bytes.NewReader(backup.Bytes())))
	require.Zero(t, late.users(t)["30d"])

	other := setup(t, []monitor.Option{monitor.WithPseudonymKey([]byte("another key here"))})
	require.ErrorIs(t, snapshotter(t, other.m).Restore(t.Context(), bytes.NewReader(backup.Bytes())), bizmon.ErrOtherKey)
	for _, wrong := range []string{"", "{", `{"version":1}`, `{"version":3}`, backup.String()[:backup.Len()/2]} {
		require.ErrorContains(t, snapshotter(t, b.m).Restore(t.Context(), bytes.NewReader([]byte(wrong))), "bizmon: restore")
	}
	bad := bytes.Replace(backup.Bytes(), []byte(`"level":"1h"`), []byte(`"level":"9h"`), 1)
	require.ErrorContains(t, snapshotter(t, b.m).Restore(t.Context(), bytes.NewReader(bad)), `slot level "9h"`)
	bad = bytes.Replace(backup.Bytes(), []byte(`"sketch":"`), []byte(`"sketch":"AAAA`), 1)
	require.ErrorContains(t, snapshotter(t, b.m).Restore(t.Context(), bytes.NewReader(bad)), "not a sketch")
}

// TestRestoreReplaces: what was counted since is gone, and nothing counts twice.
func TestRestoreReplaces(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	track := func(users int) {
		for i := range users {
			s.Users.Track(bizmon.Action{User: strconv.Itoa(i), Name: "home"})
			s.Users.Track(bizmon.Action{User: strconv.Itoa(i), Name: "buy"})
		}
	}
	track(10)
	var backup bytes.Buffer
	require.NoError(t, snapshotter(t, s.m).Snapshot(t.Context(), &backup))
	users, journeys := s.users(t), s.Users.Journeys(100)
	for range 2 {
		track(1000)
		s.Users.Track(bizmon.Action{User: "0", Name: "another"})
		require.NotEqual(t, users["5m"], s.users(t)["5m"])
		require.NoError(t, snapshotter(t, s.m).Restore(t.Context(), bytes.NewReader(backup.Bytes())))
		require.Equal(t, users, s.users(t))
		require.Equal(t, journeys, s.Users.Journeys(100))
	}
}

// TestSnapshotAtWorst: what can be written can be read.
func TestSnapshotAtWorst(t *testing.T) {
	t.Parallel()
	if raced {
		t.Skip("the same, ten times slower")
	}
	a, b := setup(t, nil, bizmon.WithFeatureLimit(1000)), setup(t, nil, bizmon.WithFeatureLimit(1000))
	name := func(i int) string { return strconv.Itoa(i) + strings.Repeat("\x00", 190) } // six bytes each, in JSON
	for i := range 1000 {
		for j := range 1000 {
			a.Users.Track(bizmon.Action{User: "u", Name: name(i)})
			a.Users.Track(bizmon.Action{User: "u", Name: name(j)})
		}
	}
	var backup bytes.Buffer
	require.NoError(t, snapshotter(t, a.m).Snapshot(t.Context(), &backup))
	t.Logf("%d bytes", backup.Len())
	require.NoError(t, snapshotter(t, b.m).Restore(t.Context(), &backup))
	require.True(t, slices.Equal(a.Users.Journeys(1<<20), b.Users.Journeys(1<<20)))

	long := io.MultiReader(strings.NewReader(`{"version":2,"features":["`), endless{})
	require.ErrorContains(t, snapshotter(t, b.m).Restore(t.Context(), long), "bizmon: restore: more than 64 MiB")
	require.ErrorContains(t, snapshotter(t, b.m).Restore(t.Context(), restorable(t, a, `[[0,9,1]]`)), "a step of 0 to 9: there are 1 features")
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return copy(b, "xxxxxxxx"), nil }

// restorable is an archive of a with these steps of one feature.
func restorable(t testing.TB, a site, steps string) io.Reader {
	t.Helper()
	var backup bytes.Buffer
	require.NoError(t, snapshotter(t, a.m).Snapshot(t.Context(), &backup))
	var archive map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(backup.Bytes(), &archive))
	archive["features"], archive["steps"] = json.RawMessage(`["home"]`), json.RawMessage(steps)
	b, err := json.Marshal(archive)
	require.NoError(t, err)
	return bytes.NewReader(b)
}

func FuzzRestore(f *testing.F) {
	a := setup(f, nil)
	a.Users.Track(bizmon.Action{User: "a", Name: "home"})
	var backup bytes.Buffer
	require.NoError(f, snapshotter(f, a.m).Snapshot(f.Context(), &backup))
	f.Add(backup.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = snapshotter(t, a.m).Restore(t.Context(), bytes.NewReader(b))
		require.GreaterOrEqual(t, a.users(t)["30d"], 0.)
	})
}
