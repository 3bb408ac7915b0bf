package pgstore

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Anomaly is a row of anomaly_detections.
type Anomaly struct {
	Row              int32 // id; set when read
	Metric, Method   string
	Series           string // which series of the metric; kept as "series" in the context
	Score, Threshold float64
	DetectedAt       time.Time
	Context          map[string]any // what becomes JSON
	Confirmed        bool           // set when read: see Confirm
	CreatedAt        time.Time      // set when read
}

// seriesKey is where the context has the series.
const seriesKey = "series"

// SaveAnomalies adds what was detected. What is there already, by Metric, Series,
// Method and DetectedAt, stays as it is, with what somebody said of it. Metric
// and Method may have 100 and 50 characters; they and Series are UTF-8 without
// NUL. "series" of the Context is the Series, and must not be another one. If the
// error wraps [ErrInvalid], all but those that it is about are saved.
func (s *Store) SaveAnomalies(ctx context.Context, anomalies ...Anomaly) error {
	type row struct {
		Metric     string         `json:"metric_name"`
		Method     string         `json:"detection_method"`
		Score      float64        `json:"anomaly_score"`
		Threshold  float64        `json:"threshold"`
		DetectedAt *string        `json:"detected_at"`
		Context    map[string]any `json:"context_data"`
	}
	rows := newBatch("anomaly_detections", "save anomalies", "anomalies", len(anomalies))
	for i, a := range anomalies {
		var c checker
		c.key("metric_name", a.Metric, 100)
		c.key("detection_method", a.Method, 50)
		c.time("detected_at", a.DetectedAt)
		c.that(finite(a.Score), "anomaly_score", "a finite number")
		c.that(finite(a.Threshold), "threshold", "a finite number")
		r := row{a.Metric, a.Method, a.Score, a.Threshold, stamp(a.DetectedAt), a.Context}
		if inContext, ok := a.Context[seriesKey]; ok {
			series, ok := inContext.(string)
			c.that(ok && (a.Series == "" || a.Series == series), "context_data", "the series, or none, as "+strconv.Quote(seriesKey))
			a.Series = series
		}
		c.utf8(seriesKey, a.Series)
		if a.Series != "" {
			r.Context = maps.Clone(a.Context)
			if r.Context == nil {
				r.Context = map[string]any{}
			}
			r.Context[seriesKey] = a.Series
		}
		rows.put(i, a.Metric+"\x00"+a.Method+"\x00"+orZero(r.DetectedAt)+"\x00"+a.Series, r, c)
	}
	return rows.write(ctx, s, `
WITH {term}, r AS (
	SELECT * FROM jsonb_to_recordset($3::text::jsonb) AS x (
		metric_name text, detection_method text, anomaly_score float, threshold float, detected_at timestamp, context_data jsonb)
), inserted AS (
	INSERT INTO {schema}.anomaly_detections (metric_name, detection_method, anomaly_score, threshold, detected_at, context_data, created_at)
	SELECT r.metric_name, r.detection_method, r.anomaly_score, r.threshold, r.detected_at, r.context_data, {now}
	FROM r, term
	WHERE NOT EXISTS (
		SELECT FROM {schema}.anomaly_detections o
		WHERE o.metric_name = r.metric_name AND o.detection_method = r.detection_method AND o.detected_at = r.detected_at
			AND md5(coalesce(o.context_data ->> 'series', '')) = md5(coalesce(r.context_data ->> 'series', ''))
	)
	ORDER BY r.metric_name, r.detection_method, r.detected_at
	ON CONFLICT DO NOTHING
	RETURNING 1
) SELECT (SELECT count(*) FROM term), (SELECT count(*) FROM inserted)`)
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// Confirm notes that somebody says that an anomaly was one, or that it was none.
// The error wraps [ErrNotFound] if there is no such row.
func (s *Store) Confirm(ctx context.Context, row int32, confirmed bool) error {
	var n int64
	err := s.write(ctx, "anomaly_detections", "confirm an anomaly", `
WITH {term}, updated AS (
	UPDATE {schema}.anomaly_detections SET is_confirmed = $4::boolean FROM term WHERE id = $3::integer RETURNING 1
) SELECT (SELECT count(*) FROM term), (SELECT count(*) FROM updated)`, []any{row, confirmed}, []any{&n})
	if err == nil && n == 0 {
		err = failed("confirm an anomaly", ErrNotFound)
	}
	return err
}

// AnomalyQuery says which anomalies are wanted; empty fields do not matter.
type AnomalyQuery struct {
	Page
	Metric, Method string
	Confirmed      bool // only those
}

// Anomalies returns anomalies by when they were detected.
func (s *Store) Anomalies(ctx context.Context, q AnomalyQuery) ([]Anomaly, error) {
	var c checker
	c.utf8("metric_name", q.Metric)
	c.utf8("detection_method", q.Method)
	return collect(ctx, s, "read anomalies", c, `
SELECT id, metric_name, detection_method, anomaly_score, threshold, detected_at, context_data::text, coalesce(is_confirmed, false), created_at
FROM {schema}.anomaly_detections
WHERE detected_at >= $1::text::timestamp AND detected_at < $2::text::timestamp
	AND ($3::integer = 2147483647 OR (detected_at, id) < (SELECT detected_at, id FROM {schema}.anomaly_detections WHERE id = $3::integer))
	AND ($5::text = '' OR metric_name = $5::text) AND ($6::text = '' OR detection_method = $6::text)
	AND (NOT $7::boolean OR is_confirmed)
ORDER BY detected_at DESC, id DESC LIMIT $4::integer`,
		append(q.args(), q.Metric, q.Method, q.Confirmed),
		func(row pgx.CollectableRow) (a Anomaly, err error) {
			var document *string
			var created *time.Time
			err = row.Scan(&a.Row, &a.Metric, &a.Method, &a.Score, &a.Threshold, &a.DetectedAt, &document, &a.Confirmed, &created)
			a.CreatedAt = orZero(created)
			if err == nil && document != nil {
				// A host's own rows may have something else than an object there.
				_ = json.Unmarshal([]byte(*document), &a.Context)
			}
			if series, ok := a.Context[seriesKey].(string); ok {
				a.Series = series
				delete(a.Context, seriesKey)
			}
			return a, err
		})
}
