package pgstore

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
)

// Alert is a row of alert_history: one alert from its beginning to its end.
type Alert struct {
	Row              int32 // id; set when read
	ID               string
	Name             string
	Severity, Status string
	StartedAt        time.Time
	ResolvedAt       time.Time // zero while it is not
	AffectedServices []string
	RecoveryActions  json.RawMessage // nil for none
	CreatedAt        time.Time       // set when read
}

// SaveAlerts adds alerts to the history, or brings those up to date that have
// the same ID and StartedAt. One that was resolved stays so, and actions that
// were taken stay. ID, Name, Severity, Status and StartedAt are required; they
// may have 100, 200, 20 and 20 characters, and ID is UTF-8 without NUL. If the
// error wraps [ErrInvalid], all but those that it is about are saved.
func (s *Store) SaveAlerts(ctx context.Context, alerts ...Alert) error {
	type row struct {
		ID         string          `json:"alert_id"`
		Name       string          `json:"alert_name"`
		Severity   string          `json:"severity"`
		Status     string          `json:"status"`
		StartedAt  *string         `json:"started_at"`
		ResolvedAt *string         `json:"resolved_at"`
		Duration   *int32          `json:"duration_seconds"`
		Services   []string        `json:"affected_services"`
		Actions    json.RawMessage `json:"recovery_actions,omitempty"`
	}
	rows := newBatch("alert_history", "save alerts", "alerts", len(alerts))
	for i, a := range alerts {
		var c checker
		c.key("alert_id", a.ID, 100)
		c.text("alert_name", a.Name, 200)
		c.text("severity", a.Severity, 20)
		c.text("status", a.Status, 20)
		c.time("started_at", a.StartedAt)
		r := row{a.ID, a.Name, a.Severity, a.Status, stamp(a.StartedAt), stamp(a.ResolvedAt), nil, a.AffectedServices, a.RecoveryActions}
		if !a.ResolvedAt.IsZero() {
			c.time("resolved_at", a.ResolvedAt)
			c.that(!a.ResolvedAt.Before(a.StartedAt), "resolved_at", "started_at or later")
			d := int32(min(a.ResolvedAt.Sub(a.StartedAt).Seconds(), math.MaxInt32))
			r.Duration = &d
		}
		if a.RecoveryActions != nil {
			c.json("recovery_actions", a.RecoveryActions)
		}
		rows.put(i, a.ID+"\x00"+orZero(r.StartedAt), r, c)
	}
	return rows.write(ctx, s, `
WITH {term}, r AS (
	SELECT * FROM jsonb_to_recordset($3::text::jsonb) AS x (
		alert_id text, alert_name text, severity text, status text, started_at timestamp, resolved_at timestamp,
		duration_seconds integer, affected_services text[], recovery_actions jsonb)
), updated AS (
	UPDATE {schema}.alert_history h SET
		alert_name = r.alert_name, severity = r.severity,
		status = CASE WHEN h.resolved_at IS NULL OR r.resolved_at IS NOT NULL THEN r.status ELSE h.status END,
		resolved_at = coalesce(r.resolved_at, h.resolved_at),
		duration_seconds = coalesce(r.duration_seconds, h.duration_seconds),
		affected_services = coalesce(r.affected_services, h.affected_services),
		recovery_actions = coalesce(r.recovery_actions, h.recovery_actions)
	FROM r, term WHERE h.alert_id = r.alert_id AND h.started_at = r.started_at
	RETURNING 1
), inserted AS (
	INSERT INTO {schema}.alert_history AS h (alert_id, alert_name, severity, status, started_at, resolved_at,
		duration_seconds, affected_services, recovery_actions, created_at)
	SELECT r.alert_id, r.alert_name, r.severity, r.status, r.started_at, r.resolved_at,
		r.duration_seconds, r.affected_services, r.recovery_actions, {now}
	FROM r, term
	WHERE NOT EXISTS (SELECT FROM {schema}.alert_history o WHERE o.alert_id = r.alert_id AND o.started_at = r.started_at)
	ORDER BY r.alert_id, r.started_at
	ON CONFLICT (alert_id, started_at) DO UPDATE SET
		alert_name = excluded.alert_name, severity = excluded.severity,
		status = CASE WHEN h.resolved_at IS NULL OR excluded.resolved_at IS NOT NULL THEN excluded.status ELSE h.status END,
		resolved_at = coalesce(excluded.resolved_at, h.resolved_at),
		duration_seconds = coalesce(excluded.duration_seconds, h.duration_seconds),
		affected_services = coalesce(excluded.affected_services, h.affected_services),
		recovery_actions = coalesce(excluded.recovery_actions, h.recovery_actions)
	RETURNING 1
) SELECT (SELECT count(*) FROM term), (SELECT count(*) FROM updated) + (SELECT count(*) FROM inserted)`)
}

// Page is a part of a history: what is from From on and before To (zero: no
// bound), the newest first, Limit of them (0: 100; at most 10,000). The next page
// has the last one's last Row as Before; it is empty if that row is gone by then.
type Page struct {
	From, To time.Time
	Limit    int
	Before   int32
}

// args are a page's, from $1 to $4.
func (p Page) args() []any {
	limit := p.Limit
	if limit <= 0 {
		limit = 100
	}
	before := p.Before
	if before <= 0 {
		before = math.MaxInt32
	}
	from, to := "-infinity", "infinity"
	if !p.From.IsZero() {
		from = instant(p.From)
	}
	if !p.To.IsZero() {
		to = instant(p.To)
	}
	return []any{from, to, before, min(limit, 10_000)}
}

// AlertQuery says which alerts are wanted; empty fields do not matter. Texts are
// UTF-8 without NUL, here and in all queries: the error wraps [ErrInvalid].
type AlertQuery struct {
	Page
	ID, Name, Severity, Status string
	Unresolved                 bool
}

// Alerts returns alerts by when they started.
func (s *Store) Alerts(ctx context.Context, q AlertQuery) ([]Alert, error) {
	var c checker
	c.utf8("alert_id", q.ID)
	c.utf8("alert_name", q.Name)
	c.utf8("severity", q.Severity)
	c.utf8("status", q.Status)
	return collect(ctx, s, "read alerts", c, `
SELECT id, alert_id, alert_name, severity, status, started_at, resolved_at, affected_services, recovery_actions::text, created_at
FROM {schema}.alert_history
WHERE started_at >= $1::text::timestamp AND started_at < $2::text::timestamp
	AND ($3::integer = 2147483647 OR (started_at, id) < (SELECT started_at, id FROM {schema}.alert_history WHERE id = $3::integer))
	AND ($5::text = '' OR alert_id = $5::text) AND ($6::text = '' OR alert_name = $6::text)
	AND ($7::text = '' OR severity = $7::text) AND ($8::text = '' OR status = $8::text)
	AND (NOT $9::boolean OR resolved_at IS NULL)
ORDER BY started_at DESC, id DESC LIMIT $4::integer`,
		append(q.args(), q.ID, q.Name, q.Severity, q.Status, q.Unresolved),
		func(row pgx.CollectableRow) (a Alert, err error) {
			var resolved, created *time.Time
			var actions *string
			err = row.Scan(&a.Row, &a.ID, &a.Name, &a.Severity, &a.Status, &a.StartedAt, &resolved, &a.AffectedServices, &actions, &created)
			a.ResolvedAt, a.CreatedAt = orZero(resolved), orZero(created)
			if actions != nil {
				a.RecoveryActions = json.RawMessage(*actions)
			}
			return a, err
		})
}

func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
