package influx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/domain"
)

var (
	// ErrNoRetention is returned by [Sink.Setup] for a server whose retention is not
	// for clients to set: VictoriaMetrics has a flag for it.
	ErrNoRetention = errors.New("the server's retention is not for clients to set")
	// ErrOtherRetention is returned by [Sink.Setup] for a bucket or policy that is
	// there and has another retention, which stays: see [WithReplaceRetention].
	ErrOtherRetention = errors.New("it has another retention")
)

// Setup makes the bucket, or the database and its policy, if it is missing, and
// has it keep points for the retention: the design's is 90 days, 0 is for ever,
// and below an hour is not taken. It may be called at every start. What is there
// already is not altered, unless [WithReplaceRetention] is given: if it has
// another retention, the error wraps [ErrOtherRetention] and names both. A bucket
// "database" is the database's default policy. Setup needs leave to do so, which a
// token for writing does not give.
func (s *Sink) Setup(ctx context.Context, retention time.Duration) error {
	if retention != 0 && retention < time.Hour {
		return invalid("Setup retention", retention, "an hour or more, or 0")
	}
	retention = retention.Truncate(time.Second)
	version, err := s.version(ctx)
	if err != nil {
		return fmt.Errorf("influx: set up: %w", err)
	}
	switch {
	case version == "":
		return fmt.Errorf("influx: set up: %w", ErrNoRetention)
	case strings.HasPrefix(strings.TrimPrefix(version, "v"), "1."):
		err = s.setupPolicy(ctx, retention)
	default:
		err = s.setupBucket(ctx, retention)
	}
	if err != nil {
		return fmt.Errorf("influx: set up %s: %w", s.config.bucket, err)
	}
	return nil
}

// changes reports whether what is there is to keep points for another time now:
// not if it does already, and with an error if that is not for Setup to change.
func (s *Sink) changes(found, wanted time.Duration) (bool, error) {
	if found == wanted || s.config.replace {
		return found != wanted, nil
	}
	return false, fmt.Errorf("%w: wanted %s, found %s: WithReplaceRetention changes it", ErrOtherRetention, span(wanted), span(found))
}

// span writes a retention.
func span(d time.Duration) string {
	if d == 0 {
		return "for ever"
	}
	return d.String()
}

// version is what the server says it is; "" for one that is no InfluxDB.
func (s *Sink) version(ctx context.Context) (string, error) {
	resp, err := s.call(ctx, http.MethodGet, "/ping", nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		return "", fmt.Errorf("ping was answered %d", resp.StatusCode)
	}
	if resp.Header.Get("X-Influxdb-Build") == "" && resp.Header.Get("X-Influxdb-Version") == "" {
		return "", nil
	}
	return resp.Header.Get("X-Influxdb-Version"), nil
}

// setupBucket makes or checks a bucket of version 2.
func (s *Sink) setupBucket(ctx context.Context, retention time.Duration) error {
	rule := domain.RetentionRule{EverySeconds: int64(retention / time.Second)}
	buckets := s.client.BucketsAPI()
	bucket, err := buckets.FindBucketByName(ctx, s.config.bucket)
	if err != nil && strings.Contains(err.Error(), "not found") {
		org, err := s.client.OrganizationsAPI().FindOrganizationByName(ctx, s.config.org)
		if err != nil {
			return err
		}
		if _, err = buckets.CreateBucketWithName(ctx, org, s.config.bucket, rule); err == nil {
			return nil
		}
		var errFind error // somebody else may have made it just now
		if bucket, errFind = buckets.FindBucketByName(ctx, s.config.bucket); errFind != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	var found time.Duration // no rule is for ever
	for _, r := range bucket.RetentionRules {
		found = time.Duration(r.EverySeconds) * time.Second
	}
	change, err := s.changes(found, retention)
	if change {
		bucket.RetentionRules = domain.RetentionRules{rule}
		_, err = buckets.UpdateBucket(ctx, bucket)
	}
	return err
}

// setupPolicy makes or checks a database and its policy of version 1.
func (s *Sink) setupPolicy(ctx context.Context, retention time.Duration) error {
	duration := "INF"
	if retention > 0 {
		duration = fmt.Sprintf("%ds", int64(retention/time.Second))
	}
	db, policy := splitBucket(s.config.bucket)
	// What is there is left as it is; if it is other than this, that is an error,
	// and found out below.
	statements := []string{"CREATE DATABASE " + ident(db) + " WITH DURATION " + duration}
	if policy != "" {
		statements = []string{
			"CREATE DATABASE " + ident(db),
			fmt.Sprintf("CREATE RETENTION POLICY %s ON %s DURATION %s REPLICATION 1", ident(policy), ident(db), duration),
		}
	}
	for _, q := range statements {
		if _, err := s.influxQL(ctx, db, q); err != nil &&
			!strings.Contains(err.Error(), "already exists") && !strings.Contains(err.Error(), "conflicts") {
			return err
		}
	}
	policy, found, err := s.policy(ctx, db, policy)
	if err != nil {
		return err
	}
	change, err := s.changes(found, retention)
	if change {
		_, err = s.influxQL(ctx, db, fmt.Sprintf("ALTER RETENTION POLICY %s ON %s DURATION %s", ident(policy), ident(db), duration))
	}
	return err
}

// policy returns a database's policy of that name, or its default one for "",
// and for how long it keeps points.
func (s *Sink) policy(ctx context.Context, db, name string) (policy string, keeps time.Duration, err error) {
	rows, err := s.influxQL(ctx, db, "SHOW RETENTION POLICIES ON "+ident(db))
	if err != nil {
		return "", 0, err
	}
	for _, row := range rows {
		if row["name"] == name || name == "" && row["default"] == true {
			policy, _ = row["name"].(string)
			text, _ := row["duration"].(string)
			if keeps, err = time.ParseDuration(text); err != nil {
				return "", 0, fmt.Errorf("the retention of policy %q cannot be read: %w", policy, errNoInflux)
			}
			return policy, keeps, nil
		}
	}
	return "", 0, fmt.Errorf("there is no policy %q of database %q", name, db)
}

// influxQL runs a statement of version 1 and returns its rows, by column.
func (s *Sink) influxQL(ctx context.Context, db, statement string) (rows []map[string]any, err error) {
	resp, err := s.call(ctx, http.MethodPost, "/query", url.Values{"db": {db}, "q": {statement}})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error   string
		Results []struct {
			Error  string
			Series []struct {
				Columns []string
				Values  [][]any
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("status %d: %w", resp.StatusCode, errNoInflux)
	}
	for _, r := range answer.Results {
		answer.Error += r.Error
		for _, series := range r.Series {
			for _, values := range series.Values {
				row := make(map[string]any, len(series.Columns))
				for i := range min(len(series.Columns), len(values)) {
					row[series.Columns[i]] = values[i]
				}
				rows = append(rows, row)
			}
		}
	}
	if answer.Error != "" || resp.StatusCode != http.StatusOK {
		return nil, &AnswerError{Status: resp.StatusCode, Reason: shorten(answer.Error)}
	}
	return rows, nil
}

// call makes a request of version 1, with the token as credentials.
func (s *Sink) call(ctx context.Context, method, path string, form url.Values) (*http.Response, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(s.config.url, "/")+path, body)
	if err != nil {
		return nil, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if user, password, ok := strings.Cut(s.config.token, ":"); ok {
		r.SetBasicAuth(user, password)
	} else if s.config.token != "" {
		r.Header.Set("Authorization", "Token "+s.config.token)
	}
	return s.doer.Do(r)
}

// splitBucket returns the database and the policy that a bucket of version 1 names.
func splitBucket(bucket string) (db, policy string) {
	db, policy, _ = strings.Cut(bucket, "/")
	return db, policy
}

// ident quotes an InfluxQL identifier.
func ident(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
