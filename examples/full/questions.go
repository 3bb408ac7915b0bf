package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/anomaly/trend"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// trend says where a series has been going for two weeks, and will be tomorrow.
func (s *site) trend(w http.ResponseWriter, r *http.Request) {
	now := s.m.Now().Truncate(time.Hour) // when the archive's samples were taken
	results, err := trend.Query(r.Context(), s.history, r.FormValue("query"), monitor.Range{From: now.Add(-14 * 24 * time.Hour), To: now, Step: time.Hour}, 24)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if len(results) == 0 {
		fmt.Fprintln(w, "no such series")
	}
	for _, res := range results {
		fmt.Fprintln(w, res.Labels)
		if res.Err != nil {
			fmt.Fprintln(w, "  not known:", res.Err)
			continue
		}
		t := res.Trend
		fmt.Fprintf(w, "  %s: %+.4g in %v (%.4g to %.4g), p = %.2g\n", t.Direction, t.Slope, t.Per, t.Low, t.High, t.P)
		if points := res.Forecast.Points; len(points) > 0 {
			last := points[len(points)-1]
			fmt.Fprintf(w, "  %s: %.5g (%.5g to %.5g)\n", last.Time.UTC().Format("2006-01-02 15:04"), last.Value, last.Low, last.High)
		}
	}
}

// analyse makes the archive's plan.
func (s *site) analyse(ctx context.Context) (capacity.Analysis, error) {
	now := s.m.Now()
	results, err := capacity.Query(ctx, s.history, capacity.Resource{Usage: "max_over_time(archive_used_bytes[1h])", Limit: "archive_room_bytes"}, now,
		capacity.WithHistory(archiveAge, time.Hour), capacity.WithName("archive"))
	switch {
	case err != nil:
		return capacity.Analysis{}, err
	case len(results) == 0:
		return capacity.Analysis{}, errors.New("the history has no archive")
	}
	return results[0].Analysis, results[0].Err
}

func (s *site) capacity(w http.ResponseWriter, r *http.Request) {
	plan, err := s.analyse(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_ = plan.WriteText(w)
}

// plan is what the leader does: it keeps a plan now, and then every hour. In
// another process's term the store does not take it.
func (s *site) plan(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := s.keepPlan(ctx); err != nil && ctx.Err() == nil {
			s.m.Logger().Warn("full: no plan was kept", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (s *site) keepPlan(ctx context.Context) error {
	plan, err := s.analyse(ctx)
	if err != nil {
		return err
	}
	row, err := plan.Row(s.m.Now())
	if err != nil {
		return err
	}
	return s.store.SavePlans(ctx, pgstore.Plan(row))
}
