package pgstore

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
)

// Plan is a row of capacity_plans.
type Plan struct {
	Row                                 int32 // id; set when read
	Resource                            string
	Current, Predicted, Recommendations json.RawMessage
	Period                              string  // of the forecast: "90d"
	Confidence                          float64 // 0 to 1; NaN if it is not known
	CreatedAt                           time.Time
}

// SavePlans adds plans. What is there already, by Resource, Period and
// CreatedAt, is brought up to date. Resource and Period may have 50 and 20
// characters, and are UTF-8 without NUL. If the error wraps [ErrInvalid], all but
// those that it is about are saved.
func (s *Store) SavePlans(ctx context.Context, plans ...Plan) error {
	type row struct {
		Resource        string          `json:"resource_type"`
		Current         json.RawMessage `json:"current_usage"`
		Predicted       json.RawMessage `json:"predicted_usage"`
		Recommendations json.RawMessage `json:"recommendations"`
		Period          string          `json:"forecast_period"`
		Confidence      *float64        `json:"confidence_score"`
		CreatedAt       *string         `json:"created_at"`
	}
	rows := newBatch("capacity_plans", "save capacity plans", "plans", len(plans))
	for i, p := range plans {
		var c checker
		c.key("resource_type", p.Resource, 50)
		c.key("forecast_period", p.Period, 20)
		c.time("created_at", p.CreatedAt)
		for column, data := range map[string]json.RawMessage{
			"current_usage": p.Current, "predicted_usage": p.Predicted, "recommendations": p.Recommendations,
		} {
			c.json(column, data)
			c.that(string(data) != "null", column, "something")
		}
		r := row{p.Resource, p.Current, p.Predicted, p.Recommendations, p.Period, nil, stamp(p.CreatedAt)}
		if !math.IsNaN(p.Confidence) {
			c.that(p.Confidence >= 0 && p.Confidence <= 1, "confidence_score", "0 to 1")
			r.Confidence = &p.Confidence
		}
		rows.put(i, p.Resource+"\x00"+p.Period+"\x00"+orZero(r.CreatedAt), r, c)
	}
	return rows.write(ctx, s, `
WITH {term}, r AS (
	SELECT * FROM jsonb_to_recordset($3::text::jsonb) AS x (
		resource_type text, current_usage jsonb, predicted_usage jsonb, recommendations jsonb,
		forecast_period text, confidence_score float, created_at timestamp)
), written AS (
	INSERT INTO {schema}.capacity_plans (resource_type, current_usage, predicted_usage, recommendations,
		forecast_period, confidence_score, created_at)
	SELECT r.resource_type, r.current_usage, r.predicted_usage, r.recommendations, r.forecast_period, r.confidence_score, r.created_at
	FROM r, term ORDER BY r.resource_type, r.forecast_period, r.created_at
	ON CONFLICT (resource_type, forecast_period, created_at) DO UPDATE SET
		current_usage = excluded.current_usage, predicted_usage = excluded.predicted_usage,
		recommendations = excluded.recommendations, confidence_score = excluded.confidence_score
	RETURNING 1
) SELECT (SELECT count(*) FROM term), (SELECT count(*) FROM written)`)
}

// Plans returns plans of a resource, or of all of them for "", by when they were
// made.
func (s *Store) Plans(ctx context.Context, resource string, page Page) ([]Plan, error) {
	var c checker
	c.utf8("resource_type", resource)
	return collect(ctx, s, "read capacity plans", c, `
SELECT id, resource_type, current_usage::text, predicted_usage::text, recommendations::text, forecast_period,
	coalesce(confidence_score, 'NaN'), created_at
FROM {schema}.capacity_plans
WHERE created_at >= $1::text::timestamp AND created_at < $2::text::timestamp
	AND ($3::integer = 2147483647 OR (created_at, id) < (SELECT created_at, id FROM {schema}.capacity_plans WHERE id = $3::integer))
	AND ($5::text = '' OR resource_type = $5::text)
ORDER BY created_at DESC, id DESC LIMIT $4::integer`,
		append(page.args(), resource),
		func(row pgx.CollectableRow) (p Plan, err error) {
			var current, predicted, recommendations string
			err = row.Scan(&p.Row, &p.Resource, &current, &predicted, &recommendations, &p.Period, &p.Confidence, &p.CreatedAt)
			p.Current, p.Predicted, p.Recommendations = json.RawMessage(current), json.RawMessage(predicted), json.RawMessage(recommendations)
			return p, err
		})
}
