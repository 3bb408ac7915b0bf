package elastic

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v9/esapi"
)

type object = map[string]any

var (
	// ErrNoRetention is returned by [Store.Setup] for a server that speaks
	// Elasticsearch's language and has neither templates nor policies: VictoriaLogs
	// needs none and has a flag for its retention.
	ErrNoRetention = errors.New("the server's retention is not for clients to set")
	// ErrOtherRetention is returned by [Store.Setup] for a lifecycle policy that is
	// there and deletes indices after another time: see [WithReplaceRetention].
	ErrOtherRetention = errors.New("it has another retention")
)

// Setup makes the template of the indices and, unless [WithRetention] is 0, the
// lifecycle policy that deletes them, under the indices' common name. It may be
// called at every start. The template is this package's: it is replaced, and holds
// for indices that are made from then on. A policy that is there stays as it is,
// with all its phases, unless [WithReplaceRetention] is given: if it deletes after
// another time, the error wraps [ErrOtherRetention] and names both. Setup needs
// the privileges manage_index_templates and manage_ilm.
func (s *Store) Setup(ctx context.Context) error {
	if s.config.retention > 0 {
		if err := s.setupPolicy(ctx); err != nil {
			return fmt.Errorf("elastic: set up policy %q of %s: %w", s.config.index, s.config.servers(), err)
		}
	}
	resp, err := esapi.IndicesPutIndexTemplateRequest{Name: s.config.index, Body: body(s.template())}.Do(ctx, s.transport)
	if err := acknowledged(resp, err); err != nil {
		return fmt.Errorf("elastic: set up template %q of %s: %w", s.config.index, s.config.servers(), err)
	}
	return nil
}

// setupPolicy makes the policy, or checks the one that is there.
func (s *Store) setupPolicy(ctx context.Context) error {
	wanted := fmt.Sprintf("%ds", int64(s.config.retention/time.Second))
	found, ok, err := s.policy(ctx)
	switch {
	case err != nil:
		return err
	case ok && sameTime(found, wanted):
		return nil
	case ok && !s.config.replace:
		return fmt.Errorf("%w: wanted %s, found %s: WithReplaceRetention replaces it", ErrOtherRetention, wanted, cmp.Or(found, "for ever"))
	}
	policy := object{"policy": object{"phases": object{
		"hot":    object{"actions": object{}},
		"delete": object{"min_age": wanted, "actions": object{"delete": object{}}},
	}}}
	return acknowledged(esapi.ILMPutLifecycleRequest{Policy: s.config.index, Body: body(policy)}.Do(ctx, s.transport))
}

// policy returns the age at which the policy that is there deletes indices, ""
// if it never does, and whether there is one.
func (s *Store) policy(ctx context.Context) (age string, ok bool, err error) {
	resp, err := esapi.ILMGetLifecycleRequest{Policy: s.config.index}.Do(ctx, s.transport)
	if err != nil {
		return "", false, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return "", false, nil
	case resp.IsError():
		return "", false, refusal(resp)
	}
	var answer map[string]struct {
		Policy struct {
			Phases struct {
				Delete *struct {
					Age string `json:"min_age"`
				}
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", false, errNoElasticsearch
	}
	found, ok := answer[s.config.index]
	if d := found.Policy.Phases.Delete; d != nil {
		age = cmp.Or(d.Age, "0ms") // at once
	}
	return age, ok, nil
}

// sameTime reports whether two of Elasticsearch's times are the same: 30d is
// 2592000s.
func sameTime(a, b string) bool {
	span := func(s string) (time.Duration, bool) {
		if days, ok := strings.CutSuffix(s, "d"); ok {
			n, err := strconv.Atoi(days)
			return time.Duration(n) * 24 * time.Hour, err == nil
		}
		d, err := time.ParseDuration(s)
		return d, err == nil
	}
	x, okX := span(a)
	y, okY := span(b)
	return okX && okY && x == y
}

// template is of indices that cannot refuse a document for what is in its
// attributes.
func (s *Store) template() object {
	keyword := object{"type": "keyword", "ignore_above": 8191} // 32 KiB of UTF-8, Lucene's bound
	settings := object{"number_of_shards": 1, "number_of_replicas": s.config.replicas, "codec": "best_compression"}
	if s.config.retention > 0 {
		settings["lifecycle"] = object{"name": s.config.index}
	}
	properties := object{
		"@timestamp":       object{"type": "date_nanos"},
		"message":          object{"type": "text"},
		"duration_seconds": object{"type": "double"},
		"failed":           object{"type": "boolean"},
		"slow":             object{"type": "boolean"},
		"attributes":       object{"type": "flattened", "ignore_above": 7000}, // its terms have the path before them
	}
	for _, name := range []string{"kind", "level", "source", "name", "trace_id", "span_id", "request_id", "user"} {
		properties[name] = keyword
	}
	return object{
		"index_patterns": []string{s.config.index + "-*"},
		"priority":       200, // above Elasticsearch's own logs-*-*
		"template": object{
			"settings": object{"index": settings},
			"mappings": object{"dynamic": false, "properties": properties},
		},
	}
}

func body(v object) io.Reader {
	data, _ := json.Marshal(v) // maps of plain values
	return bytes.NewReader(data)
}

// acknowledged reads an answer that has nothing to say but that it worked.
func acknowledged(resp *esapi.Response, err error) error {
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.IsError() {
		return refusal(resp)
	}
	var answer struct{ Acknowledged bool }
	switch err := json.NewDecoder(resp.Body).Decode(&answer); {
	case err != nil:
		return errNoElasticsearch
	case !answer.Acknowledged:
		return ErrNoRetention
	}
	return nil
}
