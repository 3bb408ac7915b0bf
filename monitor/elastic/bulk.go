package elastic

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/elastic/go-elasticsearch/v9/esapi"

	"github.com/chronoretrace/chronomon/internal/outbox"
	"github.com/chronoretrace/chronomon/monitor"
)

const (
	// mostRequests is after how many requests a write that looks for the documents
	// which spoil it halves no more: enough to find five among 500.
	mostRequests = 64
	// mostAnswer bounds what is read of an answer; a bulk answer has less than
	// a kilobyte for each document.
	mostAnswer = 64 << 20
)

var (
	// errNoElasticsearch is the answer of something else: a proxy, a login page.
	errNoElasticsearch = errors.New("the answer is none of an Elasticsearch")
	errBusy            = errors.New("the server has too much to do")
)

// AnswerError is a refusal by the server. What it says of documents is left
// out: it quotes them.
type AnswerError struct {
	Status int    // of HTTP
	Type   string // Elasticsearch's, such as "mapper_parsing_exception"; empty if the answer has none
}

func (e *AnswerError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the server answered %d %s", e.Status, e.Type))
}

// send implements outbox.Send.
func (s *Store) send(ctx context.Context, items []outbox.Item) error {
	b := bulk{Store: s, left: mostRequests}
	err := b.send(ctx, outbox.Pending(items))
	if b.refused > 0 {
		s.log(slog.LevelWarn, "the store refused documents", "store", s.config.name, "documents", b.refused, "of", len(items), "error", b.reason)
	}
	if err == nil && b.refused == len(items) && b.refused > 0 {
		return monitor.Permanent(b.reason)
	}
	return err
}

// bulk is the state of one send.
type bulk struct {
	*Store
	left    int // requests
	refused int // documents
	reason  error
}

// send sends the items in requests of a bounded size, in order.
func (b *bulk) send(ctx context.Context, items []*outbox.Item) error {
	for len(items) > 0 {
		n, size := 0, 0
		for n < len(items) && (n == 0 || size+len(items[n].Data) <= b.config.bulkBytes) {
			size += len(items[n].Data)
			n++
		}
		if err := b.part(ctx, items[:n]); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

// part sends the items in one request, or in halves if they are refused as a
// whole, until those that are to blame are alone or the requests are used up.
func (b *bulk) part(ctx context.Context, items []*outbox.Item) error {
	b.left--
	status, err := b.request(ctx, items)
	switch {
	case err == nil:
		return nil
	case status == http.StatusRequestEntityTooLarge:
		b.count(outbox.TooLarge)
	case status == http.StatusBadRequest:
		b.count(outbox.Refused)
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		b.count(outbox.Throttled)
		return err
	case status >= 400 && status < 500:
		b.count(outbox.Refused)
		return err
	default:
		b.count(outbox.Failed)
		return err
	}
	b.reason = err
	if len(items) == 1 || b.left < 2 {
		for _, item := range items {
			b.done(item, outbox.Rejected)
		}
		return nil
	}
	half := len(items) / 2
	if err := b.part(ctx, items[:half]); err != nil {
		return err
	}
	return b.part(ctx, items[half:])
}

// count counts one request.
func (b *bulk) count(result string) { b.box.Requests.Add(result, 1) }

// done marks an item that the store has answered for.
func (b *bulk) done(item *outbox.Item, result string) {
	item.Done = true
	b.box.Records.Add(result, 1)
	if result == outbox.Rejected {
		b.refused++
	}
}

// request makes one bulk request. An error for which there is a status is the
// request's as a whole, or says that some items are to be tried again; it was
// counted if the status is 0.
func (b *bulk) request(ctx context.Context, items []*outbox.Item) (status int, err error) {
	resp, err := esapi.BulkRequest{
		Body:       bytes.NewReader(compress(items)),
		Header:     http.Header{"Content-Type": {"application/x-ndjson"}, "Content-Encoding": {"gzip"}},
		FilterPath: []string{"errors", "items.*.status", "items.*.error.type"},
	}.Do(ctx, b.transport)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return 0, b.failed(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, outbox.RetryAfter(resp.Header, time.Now(), b.failed(refusal(resp)))
	}
	var answer struct {
		Errors *bool
		Items  []map[string]verdict
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Errors == nil || len(answer.Items) != len(items) {
		if ctx.Err() != nil {
			return 0, b.failed(ctx.Err())
		}
		return 0, b.failed(errNoElasticsearch)
	}
	again := 0
	for i, item := range answer.Items {
		if !b.judge(items[i], item["create"]) {
			again++
		}
	}
	if again > 0 {
		return http.StatusTooManyRequests, outbox.RetryAfter(resp.Header, time.Now(),
			b.failed(fmt.Errorf("%w: %d of %d documents are to be tried again", errBusy, again, len(items))))
	}
	b.count(outbox.OK)
	return http.StatusOK, nil
}

// failed says which server it is that a request failed of.
func (b *bulk) failed(err error) error {
	return fmt.Errorf("elastic: bulk request to %s: %w", b.config.servers(), err)
}

// verdict is the answer for one document.
type verdict struct {
	Status int
	Error  struct{ Type string }
}

// judge marks the item unless it is to be tried again.
func (b *bulk) judge(item *outbox.Item, v verdict) bool {
	switch {
	case v.Status >= 200 && v.Status < 300:
		b.done(item, outbox.Taken)
	case v.Status == http.StatusConflict: // an answer was lost: it is there
		b.done(item, outbox.Duplicate)
	case v.Status >= 400 && v.Status < 500 && v.Status != http.StatusTooManyRequests:
		b.reason = b.failed(&AnswerError{Status: v.Status, Type: shorten(v.Error.Type)})
		b.done(item, outbox.Rejected)
	default:
		return false
	}
	return true
}

// refusal is an answer that is no success.
func refusal(resp *esapi.Response) *AnswerError {
	var answer struct{ Error json.RawMessage }
	var detail struct{ Type string }
	if json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&answer) == nil {
		_ = json.Unmarshal(answer.Error, &detail) // it may be a text
	}
	return &AnswerError{Status: resp.StatusCode, Type: shorten(detail.Type)}
}

func shorten(s string) string { return s[:min(len(s), 100)] }

var writers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// compress joins the items.
func compress(items []*outbox.Item) []byte {
	var out bytes.Buffer
	z := writers.Get().(*gzip.Writer)
	defer writers.Put(z)
	z.Reset(&out)
	for _, item := range items {
		_, _ = z.Write(item.Data) // into memory
	}
	_ = z.Close()
	return out.Bytes()
}

// bounded is a transport whose answers end.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, mostAnswer), resp.Body}
	return resp, nil
}
