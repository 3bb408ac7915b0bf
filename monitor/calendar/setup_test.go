package calendar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/monitor/calendar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// at reads a time on the exchange's clock.
func at(t testing.TB, c *calendar.Calendar, s string) time.Time {
	t.Helper()
	out, err := time.ParseInLocation("2006-01-02 15:04:05", s, c.Location())
	require.NoError(t, err)
	return out
}

func parse(t testing.TB, text string) *calendar.Calendar {
	t.Helper()
	c, err := calendar.Parse(strings.NewReader(text))
	require.NoError(t, err)
	return c
}
