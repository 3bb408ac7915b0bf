package capacity

import (
	"fmt"
	"math"

	"github.com/chronoretrace/chronomon/internal/series"
)

// Recommendation is what to do.
type Recommendation struct {
	// Demand suffices for the highest peak of the horizon, with the probability of
	// WithDemand; Size is Demand and headroom.
	Demand, Size float64
	// Instances is how many of them bear Size; 0 if nothing says what one bears, or
	// if no number does.
	Instances int
	// Order is when to order more, WithLeadTime before the earliest date of the
	// limit; From if that is past. It knows of no limit beyond the horizon, which
	// should be longer than that.
	Order Date
	Why   []string // in words
}

func (c config) recommend(o *outlook, a Analysis) Recommendation {
	r := Recommendation{Demand: series.Quantile(o.highest(), c.demand)}
	r.Size = r.Demand
	if r.Demand > 0 {
		r.Size = min(r.Demand*(1+c.headroom), math.MaxFloat64)
	}
	say := func(format string, args ...any) { r.Why = append(r.Why, fmt.Sprintf(format, args...)) }
	say("the highest daily peak of the next %d days is at most %s with a probability of %.5g %%, and %.4g %% of headroom make %s",
		a.Horizon/day, number(r.Demand), 100*c.demand, 100*c.headroom, number(r.Size))
	c.instances(&r, say)
	switch {
	case a.Limit.Reached:
		r.Order = Date{a.From, true}
		say("the limit of %s is reached: more is needed now", number(a.Limit.Value))
	case a.Limit.P10.Within:
		r.Order = Date{a.Limit.P10.Time.Add(-c.lead), true}
		if r.Order.Time.Before(a.From) {
			r.Order.Time = a.From
		}
		say("order by %v: the limit of %s may be reached on %v, and more takes %.3g days", r.Order, number(a.Limit.Value), a.Limit.P10, c.lead.Hours()/24)
	case math.IsInf(a.Limit.Value, 1):
	case c.lead > a.Horizon:
		say("whether more is to be ordered is not known: it takes %.3g days, and the plan looks %d ahead, within which the limit of %s is not reached, but for one case in twenty at most",
			c.lead.Hours()/24, a.Horizon/day, number(a.Limit.Value))
	default:
		say("nothing is to be ordered: the limit of %s is not reached within the horizon, but for one case in twenty at most", number(a.Limit.Value))
	}
	return r
}

// instances fills in how many bear the size, by the first model that there is.
func (c config) instances(r *Recommendation, say func(string, ...any)) {
	size := max(r.Size, 0)
	switch {
	case c.scalability != nil:
		n, ok := c.scalability.Instances(size)
		if !ok {
			most, peak := c.scalability.Peak()
			say("no number of instances bears %s: by the scalability law they do %s at most, %s of them", number(size), number(peak), number(most))
			return
		}
		r.Instances = max(n, 1)
		say("%d instances bear it by the scalability law", r.Instances)
	case !math.IsNaN(c.service):
		n, err := ServersForWait(size, c.service, c.wait)
		if err != nil {
			say("no number of servers: %v", err)
			return
		}
		r.Instances = n
		say("with %d servers the mean wait is at most %s s, by M/M/c", n, number(c.wait))
	case !math.IsNaN(c.perInstance):
		n := math.Ceil(size / c.perInstance * (1 - 1e-12))
		if n > maxServers {
			say("more than %d instances of %s", maxServers, number(c.perInstance))
			return
		}
		r.Instances = max(int(n), 1)
		say("%d instances of %s bear it", r.Instances, number(c.perInstance))
	}
}

// number writes a value to four digits, large ones in millions (M), 1e9 (G), 1e12
// (T) and 1e15 (P).
func number(v float64) string {
	a := math.Abs(v)
	switch {
	case a >= 999_950 && a < 1e18:
		at := min(int(math.Log10(a*1.00005)/3), 5)
		return fmt.Sprintf("%.4g%c", v/math.Pow10(3*at), "  MGTP"[at])
	case a >= 1000 && a < 1e6:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}
