package promapi

import (
	"context"
	"fmt"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/chronoretrace/chronomon/monitor"
)

// Window is a time to look for series in. A zero From or To is as early or as
// late as the server has it.
type Window struct{ From, To time.Time }

// Metadata is what a metric's exposition says of it.
type Metadata struct {
	Type string // "counter", "gauge", "histogram", …; "unknown"
	Help string
	Unit string
}

// Series returns the labels of the series that one selector at least selects,
// such as `up{job="api"}`, and that have samples within the window or near it.
func (c *Client) Series(ctx context.Context, w Window, selectors ...string) (out []monitor.Labels, err error) {
	err = c.call(ctx, "series", "series of "+list(selectors), func(ctx context.Context) (v1.Warnings, error) {
		if len(selectors) == 0 { // which a server answers with an error, or all it has
			return nil, fmt.Errorf("%w: no selector", monitor.ErrQueryInvalid)
		}
		sets, warnings, _, err := c.api.Series(ctx, selectors, w.From, w.To)
		if err == nil {
			for _, s := range sets {
				out = append(out, labels(s))
			}
		}
		return warnings, err
	})
	return out, err
}

// LabelNames returns the names of the labels, in order, that the selected
// series have; of all series without a selector.
func (c *Client) LabelNames(ctx context.Context, w Window, selectors ...string) (out []string, err error) {
	err = c.call(ctx, "label_names", "label names of "+list(selectors), func(ctx context.Context) (v1.Warnings, error) {
		names, warnings, _, err := c.api.LabelNames(ctx, selectors, w.From, w.To)
		if err == nil {
			for _, n := range names {
				out = append(out, string(n))
			}
		}
		return warnings, err
	})
	return out, err
}

// LabelValues returns the values, in order, that a label has in the selected
// series; in all series without a selector. Those of [monitor.MetricName] are
// the names of metrics.
func (c *Client) LabelValues(ctx context.Context, label string, w Window, selectors ...string) (out []string, err error) {
	what := fmt.Sprintf("values of label %q of %s", label, list(selectors))
	err = c.call(ctx, "label_values", what, func(ctx context.Context) (v1.Warnings, error) {
		if !model.UTF8Validation.IsValidLabelName(label) {
			return nil, fmt.Errorf("%w: not a name", monitor.ErrQueryInvalid)
		}
		// The name is a part of the path, where a server takes others than the
		// classic ones in this form only.
		escaped := model.EscapeName(label, model.ValueEncodingEscaping)
		values, warnings, _, err := c.api.LabelValues(ctx, escaped, selectors, w.From, w.To)
		if err == nil {
			for _, v := range values {
				out = append(out, string(v))
			}
		}
		return warnings, err
	})
	return out, err
}

// Metadata returns what targets say of a metric, by its name, or of all metrics
// for "": one entry for each thing that is said. It is about the targets that
// are there now, and empty where a server keeps none.
func (c *Client) Metadata(ctx context.Context, metric string) (out map[string][]Metadata, err error) {
	err = c.call(ctx, "metadata", fmt.Sprintf("metadata of %q", metric), func(ctx context.Context) (v1.Warnings, error) {
		found, err := c.api.Metadata(ctx, metric, "")
		if err != nil {
			return nil, err
		}
		out = make(map[string][]Metadata, len(found))
		for name, entries := range found {
			for _, e := range entries {
				out[name] = append(out[name], Metadata{Type: string(e.Type), Help: e.Help, Unit: e.Unit})
			}
		}
		return nil, nil
	})
	return out, err
}

// list names selectors in an error.
func list(selectors []string) string {
	if len(selectors) == 0 {
		return "all series"
	}
	return strings.Join(selectors, ", ")
}
