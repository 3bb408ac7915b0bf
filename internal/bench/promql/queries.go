package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// longest is the time a query may take.
const longest = 2 * time.Second

func runQueries(ctx context.Context, w io.Writer, o options) ([]goal, error) {
	slowest, err := queryMonth(ctx, w, o)
	if err != nil {
		return nil, err
	}
	goals := []goal{{fmt.Sprintf("%d days of a watched expression", o.days), slowest.Seconds(), longest.Seconds(), " s"}}
	slowest, err = queryRules(ctx, w, o)
	if errors.Is(err, errNoData) {
		fmt.Fprintf(w, "The platform's rules: %v\n\n", err)
		return goals, nil
	}
	return append(goals, goal{fmt.Sprintf("every rule of the platform, %d series", o.series), slowest.Seconds(), longest.Seconds(), " s"}), err
}

// asked is a query of a table.
type asked struct {
	table
	slowest time.Duration
}

// ask asks a few times and adds the longest.
func (a *asked) ask(what string, query func() (points int, err error)) error {
	const times = 5
	var took, used time.Duration
	points := 0
	for range times {
		began, before := time.Now(), cpu()
		n, err := query()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		points, took, used = n, max(took, time.Since(began)), max(used, cpu()-before)
	}
	a.slowest = max(a.slowest, took)
	a.add(what, strconv.Itoa(points), fmt.Sprintf("%.1f", milliseconds(took)), fmt.Sprintf("%.1f", milliseconds(used)))
	return nil
}

// watchStep is the step of the watched expression.
const watchStep = time.Minute

// queryMonth records a watched expression, p95 of ten endpoints, and asks for it.
func queryMonth(ctx context.Context, w io.Writer, o options) (time.Duration, error) {
	const name = "api:p95"
	s, err := newSubject(10*perEndpoint, history.WithInterval(watchStep), history.WithWatch(name,
		`histogram_quantile(0.95, sum by (le, endpoint) (rate(b_duration_seconds_bucket[5m])))`, watchStep))
	if err != nil {
		return 0, err
	}
	end := time.Now().Truncate(watchStep)
	span := time.Duration(o.days) * 24 * time.Hour
	start := end.Add(-span)
	for at := start; !at.After(end); at = at.Add(watchStep) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		s.step()
		if err := s.db.Sample(ctx, at); err != nil {
			return 0, err
		}
	}
	a := asked{table: table{head: []string{fmt.Sprintf("%s of 10 endpoints, %d days every %s", name, o.days, watchStep), "points", "ms, of 5 the longest", "CPU ms"}}}
	between := func(promql string, step time.Duration) func() (int, error) {
		return func() (n int, err error) {
			all, err := s.db.QueryRange(ctx, promql, monitor.Range{From: start, To: end, Step: step})
			for _, one := range all {
				n += len(one.Points)
			}
			return n, err
		}
	}
	instant := func(promql string) func() (int, error) {
		return func() (int, error) {
			all, err := s.db.Query(ctx, promql, end)
			return len(all), err
		}
	}
	span30 := fmt.Sprintf("%dd", o.days)
	for _, q := range []struct {
		what string
		ask  func() (int, error)
	}{
		{"every sample", between(name, watchStep)},
		{"a point an hour", between(name, time.Hour)},
		{"the largest of each hour", between(`max_over_time(`+name+`[1h])`, time.Hour)},
		{"the mean of a day, every hour", between(`avg_over_time(`+name+`[1d])`, time.Hour)},
		{"a quantile of all", instant(`quantile_over_time(0.99, ` + name + `[` + span30 + `])`)},
		{"all, and a trend", instant(`predict_linear(` + name + `[` + span30 + `], 86400)`)},
	} {
		if err := a.ask(q.what, q.ask); err != nil {
			return 0, err
		}
	}
	a.print(w)
	return a.slowest, nil
}

// queryRules asks for the expressions of the platform's rules: over series of
// every selector in them, o.series in all, and then each over as many that it
// selects alone.
func queryRules(ctx context.Context, w io.Writer, o options) (time.Duration, error) {
	file, err := sharedData(filepath.Join("data", "chronoretrace", "alert-rules.yml"))
	if err != nil {
		return 0, err
	}
	groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation)
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	var exprs []string
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			exprs = append(exprs, r.Expr)
		}
	}
	head := func(what string) []string { return []string{what, "points", "ms, of 5 the longest", "CPU ms"} }
	together := asked{table: table{head: head(fmt.Sprintf("%d rules over %d series", len(exprs), o.series))}}
	s, end, err := ruleSeries(ctx, exprs, o.series)
	if err != nil {
		return 0, err
	}
	for _, q := range exprs {
		if err := together.now(ctx, s, q, end); err != nil {
			return 0, err
		}
	}
	together.print(w)
	alone := asked{table: table{head: head(fmt.Sprintf("each rule over %d series of its own", o.series))}}
	for _, q := range exprs {
		s, end, err := ruleSeries(ctx, []string{q}, o.series)
		if err != nil {
			return 0, err
		}
		if err := alone.now(ctx, s, q, end); err != nil {
			return 0, err
		}
	}
	alone.print(w)
	return max(together.slowest, alone.slowest), nil
}

// now asks for an expression at a time.
func (a *asked) now(ctx context.Context, s *subject, promql string, at time.Time) error {
	return a.ask(promql, func() (int, error) {
		all, err := s.db.Query(ctx, promql, at)
		return len(all), err
	})
}

// ruleSeries makes a history with an hour of n series, collected every ten
// seconds, and says when it ends.
func ruleSeries(ctx context.Context, exprs []string, n int) (*subject, time.Time, error) {
	const span, every = time.Hour, 10 * time.Second
	end := time.Now().Truncate(every)
	s, err := newSubject(0)
	if err != nil {
		return nil, end, err
	}
	list, err := selectedSeries(exprs, n)
	if err != nil {
		return nil, end, err
	}
	rng := rand.New(rand.NewPCG(6, 7))
	for at := end.Add(-span); !at.After(end); at = at.Add(every) {
		for i := range list {
			list[i].Time = at
			list[i].Value += float64(rng.IntN(5))
		}
		if err := errors.Join(ctx.Err(), s.db.Append(list...)); err != nil {
			return nil, end, err
		}
	}
	return s, end, nil
}

// selectedSeries makes n series, as many for each selector of the expressions.
// Two that are held against each other have the same labels but the name.
func selectedSeries(exprs []string, n int) ([]monitor.Sample, error) {
	var selectors [][]*labels.Matcher
	known := map[string]bool{}
	for _, expr := range exprs {
		parsed, err := parser.ParseExpr(expr)
		if err != nil {
			return nil, err
		}
		for _, matchers := range parser.ExtractSelectors(parsed) {
			if key := fmt.Sprint(matchers); !known[key] {
				known[key] = true
				selectors = append(selectors, matchers)
			}
		}
	}
	values := map[string][]string{
		"job": {"chronoretrace-backend"}, "status": {"500", "403", "200"}, "fstype": {"ext4"},
	}
	bounds := []string{"0.1", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"}
	var list []monitor.Sample
	for i := range n {
		matchers := selectors[i%len(selectors)]
		k := i / len(selectors)
		l := monitor.Labels{"instance": fmt.Sprint("host-", k), "source_ip": fmt.Sprint("10.0.0.", k%64)}
		for _, m := range matchers {
			switch {
			case m.Type == labels.MatchEqual:
				l[m.Name] = m.Value
			case values[m.Name] != nil:
				l[m.Name] = values[m.Name][k%len(values[m.Name])]
			}
			if m.Value == "http_request_duration_seconds_bucket" {
				l["le"] = bounds[k%len(bounds)]
			}
		}
		list = append(list, monitor.Sample{Labels: l, Point: monitor.Point{Value: float64(i % 7)}})
	}
	seen := map[string]bool{}
	for i := range list { // selectors of one metric may have asked for the same series
		for key := list[i].Labels.String(); seen[key]; key = list[i].Labels.String() {
			list[i].Labels["instance"] += "+"
		}
		seen[list[i].Labels.String()] = true
	}
	return list, nil
}
