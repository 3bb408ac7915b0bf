package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// A rule is an alerting rule.
type rule struct {
	name, expr, wait, severity string
}

// makeRules makes n rules over the endpoints. A fiftieth looks at all of them.
func makeRules(n, endpoints int) []rule {
	wide := []string{
		`histogram_quantile(0.95, sum by (le, endpoint) (rate(b_duration_seconds_bucket[5m]))) > 0.5`,
		`sum by (endpoint) (rate(b_errors_total[5m])) / sum by (endpoint) (rate(b_requests_total[5m])) > 0.05`,
		`sum(rate(b_errors_total[5m])) / sum(rate(b_requests_total[5m])) > 0.01`,
		`sum by (endpoint) (rate(b_slow_total[5m])) > 0.9`,
		`b_gauge_0 > 20`,
	}
	waits, severities := []string{"0s", "1m", "5m", "10m"}, []string{"critical", "critical", "warning", "info"}
	var list []rule
	for i := range n / 50 { // each of them for four receivers
		list = append(list, rule{fmt.Sprintf("Wide%d", i), wide[i/4%len(wide)], waits[i%4], severities[i%4]})
	}
	for i := 0; len(list) < n; i++ {
		e := endpoint(i % endpoints)
		slow := fmt.Sprintf(`histogram_quantile(0.95, sum by (le) (rate(b_duration_seconds_bucket{endpoint=%q}[5m]))) > 0.5`, e)
		ratio := fmt.Sprintf(`sum(rate(b_errors_total{endpoint=%q}[5m])) / sum(rate(b_requests_total{endpoint=%q}[5m]))`, e, e)
		list = append(list,
			rule{fmt.Sprintf("Slow%d", i), slow, "1m", "warning"},
			rule{fmt.Sprintf("Slow%dLong", i), slow, "10m", "critical"},
			rule{fmt.Sprintf("Errors%d", i), ratio + " > 0.05", "1m", "warning"},
			rule{fmt.Sprintf("Errors%dMany", i), ratio + " > 0.2", "1m", "critical"},
		)
	}
	return list[:n]
}

// ruleGroups is in how many groups a server evaluates the rules.
const ruleGroups = 10

// writeRules writes the rules as a file for a server.
func writeRules(file string, list []rule, every time.Duration) error {
	var b strings.Builder
	b.WriteString("groups:\n")
	for g := range ruleGroups {
		fmt.Fprintf(&b, "- name: group%d\n  interval: %s\n  rules:\n", g, every)
		for i := g; i < len(list); i += ruleGroups {
			r := list[i]
			fmt.Fprintf(&b, "  - {alert: %s, expr: '%s', for: %s, labels: {severity: %s}}\n", r.name, r.expr, r.wait, r.severity)
		}
	}
	return os.WriteFile(file, []byte(b.String()), 0o600)
}

// An evaluator evaluates rules as an alerting engine does: what an expression
// gives is an alert, which is written as ALERTS and ALERTS_FOR_STATE.
type evaluator struct {
	db     *history.DB
	rules  []rule
	alerts map[string]monitor.Labels // of the last cycle, by all labels
	since  map[string]time.Time
}

// cycle evaluates all rules at a time. Equal expressions are shared or not.
func (e *evaluator) cycle(ctx context.Context, at time.Time, share bool) error {
	var ask monitor.Querier = e.db
	if share {
		ask = e.db.At(at)
	}
	now := map[string]monitor.Labels{}
	var out []monitor.Sample
	for _, r := range e.rules {
		found, err := ask.Query(ctx, r.expr, at)
		if err != nil {
			return err
		}
		for _, s := range found {
			l := maps.Clone(s.Labels)
			delete(l, monitor.MetricName)
			l["alertname"], l["severity"] = r.name, r.severity
			key := l.String()
			now[key] = l
			if e.since[key].IsZero() {
				e.since[key] = at
			}
			out = append(out, series("ALERTS", l, at, 1), series("ALERTS_FOR_STATE", l, at, float64(e.since[key].Unix())))
		}
	}
	for key, l := range e.alerts {
		if now[key] == nil {
			out = append(out, series("ALERTS", l, at, history.Stale), series("ALERTS_FOR_STATE", l, at, history.Stale))
			delete(e.since, key)
		}
	}
	e.alerts = now
	return e.db.Append(out...)
}

func series(name string, of monitor.Labels, at time.Time, v float64) monitor.Sample {
	l := maps.Clone(of)
	l[monitor.MetricName] = name
	return monitor.Sample{Labels: l, Point: monitor.Point{Time: at, Value: v}}
}

// phase is what both sides used in a part of a run, for each cycle of theirs.
type phase struct {
	collect, evaluate time.Duration // ours, measured where it was done
	process           time.Duration // all of ours
	server            time.Duration
	cycles            int
	evaluated         float64 // cycles of the server's rules
	missed            float64
}

// ruleRun is a run of part rules.
type ruleRun struct {
	s      *subject
	server *server
	every  time.Duration
	eval   *evaluator
}

// mode is what is done in a phase.
type mode int

const (
	collectOnly mode = iota
	shared
	unshared
)

// run goes on for a while.
func (r *ruleRun) run(ctx context.Context, d time.Duration, do mode) (p phase, err error) {
	before, err := r.server.metrics(ctx)
	if err != nil {
		return p, err
	}
	began, used := time.Now(), cpu()
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for time.Since(began) < d {
		select {
		case <-ctx.Done():
			return p, ctx.Err()
		case at := <-tick.C:
			if err := r.cycle(ctx, at, do, &p); err != nil {
				return p, err
			}
		}
	}
	p.process = (cpu() - used) / time.Duration(p.cycles)
	p.collect /= time.Duration(p.cycles)
	p.evaluate /= time.Duration(p.cycles)
	after, err := r.server.metrics(ctx)
	if err != nil {
		return p, err
	}
	more := func(name string) float64 { return after[name] - before[name] }
	p.evaluated = more("prometheus_rule_group_iterations_total") / ruleGroups
	p.missed = more("prometheus_rule_group_iterations_missed_total") / ruleGroups
	perCycle := more("process_cpu_seconds_total") / time.Since(began).Seconds() * r.every.Seconds()
	p.server = time.Duration(perCycle * float64(time.Second))
	return p, nil
}

func (r *ruleRun) cycle(ctx context.Context, at time.Time, do mode, p *phase) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.step()
	began := cpu()
	if err := r.s.db.Sample(ctx, at); err != nil {
		return err
	}
	collected := cpu()
	if do != collectOnly {
		if err := r.eval.cycle(ctx, at, do == shared); err != nil {
			return err
		}
	}
	p.collect += collected - began
	p.evaluate += cpu() - collected
	p.cycles++
	return nil
}

func runRules(ctx context.Context, w io.Writer, o options) ([]goal, error) {
	s, err := newSubject(o.series, history.WithInterval(o.every))
	if err != nil {
		return nil, err
	}
	address, stop := s.serve()
	defer stop()
	dir, err := os.MkdirTemp("", "promql-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "rules.yml")
	if err := writeRules(file, nil, o.every); err != nil {
		return nil, err
	}
	list := makeRules(o.rules, o.series/perEndpoint)
	config := fmt.Sprintf(`
global: {scrape_interval: %s, scrape_timeout: %s, evaluation_interval: %s}
rule_files: [%q]
scrape_configs:
  - job_name: subject
    static_configs: [{targets: [%q]}]
`, o.every, o.every, o.every, file, address)
	var goals []goal
	err = withServer(o.server, config, func(server *server) error {
		r := &ruleRun{s: s, server: server, every: o.every}
		r.eval = &evaluator{db: s.db, rules: list, since: map[string]time.Time{}}
		phases := map[mode]phase{}
		if err := server.awaitScrape(ctx); err != nil {
			return err
		}
		if _, err := r.run(ctx, o.warm, collectOnly); err != nil {
			return err
		}
		for _, do := range []mode{collectOnly, shared, unshared} {
			if do == shared {
				if err := writeRules(file, list, o.every); err != nil {
					return err
				}
				if err := server.reload(ctx); err != nil {
					return err
				}
				if _, err := r.run(ctx, 3*o.every, do); err != nil { // each group begins at its own time
					return err
				}
			}
			if phases[do], err = r.run(ctx, o.measure, do); err != nil {
				return err
			}
		}
		goals, err = r.report(ctx, w, o, phases)
		return err
	})
	return goals, err
}

func (r *ruleRun) report(ctx context.Context, w io.Writer, o options, phases map[mode]phase) ([]goal, error) {
	version, err := r.server.version(ctx)
	if err != nil {
		return nil, err
	}
	alerts, err := r.server.number(ctx, "count(ALERTS)")
	if err != nil {
		return nil, err
	}
	distinct := map[string]bool{}
	for _, each := range r.eval.rules {
		distinct[each.expr] = true
	}
	without, with, all := phases[collectOnly], phases[shared], phases[unshared]
	// The server's rules, of both phases that have them.
	theirs := milliseconds((with.server+all.server)/2 - without.server)
	if done := (with.evaluated + all.evaluated) / float64(with.cycles+all.cycles); done > 0 {
		theirs /= min(1, done) // cycles that were missed cost nothing
	}
	t := table{head: []string{"CPU ms per cycle", "without rules", "with rules", "none shared"}}
	line := func(what string, f func(phase) time.Duration) {
		cells := []string{what}
		for _, p := range []phase{without, with, all} {
			cells = append(cells, fmt.Sprintf("%.1f", milliseconds(f(p))))
		}
		t.add(cells...)
	}
	line("ours: collection", func(p phase) time.Duration { return p.collect })
	line("ours: rules", func(p phase) time.Duration { return p.evaluate })
	line("ours: whole process, traffic and being scraped included", func(p phase) time.Duration { return p.process })
	line("Prometheus "+version+": whole process", func(p phase) time.Duration { return p.server })
	fmt.Fprintf(w, "%d rules, %d different expressions, over %d series every %s\n\n", len(r.eval.rules), len(distinct), o.series, o.every)
	t.print(w)
	fmt.Fprintf(w, "Cycles: ours %d, the server's %.1f, of which %.1f missed. Alerts at the end: ours %d, the server's %.0f.\n",
		with.cycles+all.cycles, with.evaluated+all.evaluated, with.missed+all.missed, len(r.eval.alerts), alerts)
	if with.evaluated == 0 {
		theirs = math.NaN()
	}
	sum := func(p phase) float64 {
		return milliseconds(p.collect + max(p.evaluate, p.process-without.process))
	}
	fmt.Fprintf(w, "The server's rules: %.1f ms a cycle. Ours with our collection: %.1f ms, %.3f of that; none shared: %.1f ms, %.3f.\n\n",
		theirs, sum(with), sum(with)/theirs, sum(all), sum(all)/theirs)
	return []goal{
		{fmt.Sprintf("CPU of a cycle, %d rules, %d series", len(r.eval.rules), o.series), sum(with), 300, " ms"},
		{"the same, to Prometheus " + version, sum(with) / theirs, 0.2, " ×"},
	}, nil
}
