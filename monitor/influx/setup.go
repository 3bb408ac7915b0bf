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

// ErrNoRetention is returned by [Sink.Setup] for a server whose retention is not
// for clients to set: VictoriaMetrics has a flag for it.
var ErrNoRetention = errors.New("the server's retention is not for clients to set")

// Setup makes the bucket, or the database and its policy, if it is missing, and
// has it keep points for the retention: the design's is 90 days, 0 is for ever,
// and below an hour is not taken. It may be called at every start. It needs
// leave to do so, which a token for writing does not give.
func (s *Sink) Setup(ctx context.Context, retention time.Duration) error {
	if retention != 0 && retention < time.Hour {
		return invalid("Setup retention", retention, "an hour or more, or 0")
	}
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

// setupBucket makes or corrects a bucket of version 2.
func (s *Sink) setupBucket(ctx context.Context, retention time.Duration) error {
	rule := domain.RetentionRule{EverySeconds: int64(retention / time.Second)}
	buckets := s.client.BucketsAPI()
	bucket, err := buckets.FindBucketByName(ctx, s.config.bucket)
	if err == nil {
		bucket.RetentionRules = domain.RetentionRules{rule}
		_, err = buckets.UpdateBucket(ctx, bucket)
		return err
	}
	if !strings.Contains(err.Error(), "not found") {
		return err
	}
	org, err := s.client.OrganizationsAPI().FindOrganizationByName(ctx, s.config.org)
	if err != nil {
		return err
	}
	_, err = buckets.CreateBucketWithName(ctx, org, s.config.bucket, rule)
	return err
}

// setupPolicy makes or corrects a database and its policy of version 1.
func (s *Sink) setupPolicy(ctx context.Context, retention time.Duration) error {
	duration := "INF"
	if retention > 0 {
		duration = fmt.Sprintf("%ds", int64(retention/time.Second))
	}
	db, policy := splitBucket(s.config.bucket)
	if err := s.influxQL(ctx, db, "CREATE DATABASE "+ident(db)); err != nil {
		return err
	}
	if policy != "" {
		// It is an error if there is one with another duration: which is corrected next.
		if err := s.influxQL(ctx, db, fmt.Sprintf("CREATE RETENTION POLICY %s ON %s DURATION %s REPLICATION 1", ident(policy), ident(db), duration)); err != nil &&
			!strings.Contains(err.Error(), "already exists") {
			return err
		}
	} else {
		policy = "autogen"
	}
	return s.influxQL(ctx, db, fmt.Sprintf("ALTER RETENTION POLICY %s ON %s DURATION %s", ident(policy), ident(db), duration))
}

// influxQL runs a statement of version 1.
func (s *Sink) influxQL(ctx context.Context, db, statement string) error {
	resp, err := s.call(ctx, http.MethodPost, "/query", url.Values{"db": {db}, "q": {statement}})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Error   string
		Results []struct{ Error string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("status %d: %w", resp.StatusCode, errNoInflux)
	}
	for _, r := range answer.Results {
		answer.Error += r.Error
	}
	if answer.Error != "" || resp.StatusCode != http.StatusOK {
		return &AnswerError{Status: resp.StatusCode, Reason: shorten(answer.Error)}
	}
	return nil
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
