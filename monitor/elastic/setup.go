package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/elastic/go-elasticsearch/v9/esapi"
)

type object = map[string]any

// Setup makes the template of the indices and, unless [WithRetention] is 0, the
// lifecycle policy that deletes them, under the indices' common name. It may be
// called at every start: both are replaced, and hold for indices that are made
// from then on. It needs the privileges manage_index_templates and manage_ilm.
func (s *Store) Setup(ctx context.Context) error {
	if s.config.retention > 0 {
		policy := object{"policy": object{"phases": object{
			"hot":    object{"actions": object{}},
			"delete": object{"min_age": fmt.Sprintf("%ds", int64(s.config.retention/time.Second)), "actions": object{"delete": object{}}},
		}}}
		resp, err := esapi.ILMPutLifecycleRequest{Policy: s.config.index, Body: body(policy)}.Do(ctx, s.transport)
		if err := done(resp, err); err != nil {
			return fmt.Errorf("elastic: set up policy %q: %w", s.config.index, err)
		}
	}
	resp, err := esapi.IndicesPutIndexTemplateRequest{Name: s.config.index, Body: body(s.template())}.Do(ctx, s.transport)
	if err := done(resp, err); err != nil {
		return fmt.Errorf("elastic: set up template %q: %w", s.config.index, err)
	}
	return nil
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

// done reads an answer that has nothing to say but that it worked.
func done(resp *esapi.Response, err error) error {
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.IsError() {
		return refusal(resp)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return nil
}
