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
	// mostRequests bounds those with which one write looks for the documents that
	// spoil it: enough to find three among 500. The next one goes on.
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
	left    int // requests that look for what spoils another
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
// whole, until those that are to blame are alone. When the requests for that are
// used up, the items that are left stay for the next send.
func (b *bulk) part(ctx context.Context, items []*outbox.Item) error {
	result, whole, err := b.request(ctx, items)
	b.count(result)
	switch {
	case !whole:
		return err
	case len(items) == 1:
		b.reject(items[0], err)
		return nil
	case b.left < 2:
		return outbox.Progress(err)
	}
	b.left -= 2
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
}

// reject marks an item that the store will never take.
func (b *bulk) reject(item *outbox.Item, reason error) {
	b.done(item, outbox.Rejected)
	b.refused++
	b.reason = reason
}

// request makes one bulk request, and says what became of it and whether the
// items are refused as a whole.
func (b *bulk) request(ctx context.Context, items []*outbox.Item) (result string, whole bool, err error) {
	resp, err := esapi.BulkRequest{
		Body:       bytes.NewReader(compress(items)),
		Header:     http.Header{"Content-Type": {"application/x-ndjson"}, "Content-Encoding": {"gzip"}},
		FilterPath: []string{"errors", "items.*.status", "items.*.error.type", "items.*.error.reason"},
	}.Do(ctx, b.transport)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return outbox.Failed, false, b.failed(err)
	}
	defer resp.Body.Close()
	if code := resp.StatusCode; code != http.StatusOK {
		whole = code == http.StatusRequestEntityTooLarge || code == http.StatusBadRequest && !outbox.Page(resp.Header)
		return resultOf(code), whole, outbox.RetryAfter(resp.Header, time.Now(), b.failed(refusal(resp)))
	}
	var answer struct {
		Errors *bool
		Items  []map[string]verdict
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Errors == nil || len(answer.Items) != len(items) {
		if ctx.Err() != nil {
			return outbox.Failed, false, b.failed(ctx.Err())
		}
		return outbox.Failed, false, b.failed(errNoElasticsearch)
	}
	verdicts := make([]verdict, len(items))
	for i, item := range answer.Items {
		verdicts[i] = item["create"]
	}
	result, err = b.judge(items, verdicts)
	return result, false, outbox.RetryAfter(resp.Header, time.Now(), err)
}

// resultOf is what a request with an answer other than 200 is counted as.
func resultOf(status int) string {
	switch {
	case status == http.StatusRequestEntityTooLarge:
		return outbox.TooLarge
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return outbox.Throttled
	case status >= 400 && status < 500:
		return outbox.Refused
	}
	return outbox.Failed
}

// failed says which server it is that a request failed of.
func (b *bulk) failed(err error) error {
	return fmt.Errorf("elastic: bulk request to %s: %w", b.config.servers(), err)
}

// judge marks the items that are taken or never will be. The error is about those
// that are to be tried again.
func (b *bulk) judge(items []*outbox.Item, verdicts []verdict) (result string, err error) {
	taken := 0
	for i, v := range verdicts {
		switch {
		case v.Status >= 200 && v.Status < 300:
			b.done(items[i], outbox.Taken)
		case v.Status == http.StatusConflict: // an answer was lost: it is there
			b.done(items[i], outbox.Duplicate)
		default:
			continue
		}
		taken++
	}
	again, mend := 0, error(nil)
	for i, v := range verdicts {
		switch {
		case items[i].Done:
		case v.ofDocument(taken > 0):
			b.reject(items[i], b.failed(v.refusal()))
		default:
			again++
			if resultOf(v.Status) == outbox.Refused {
				mend = v.refusal()
			}
		}
	}
	switch {
	case again == 0:
		return outbox.OK, nil
	case mend == nil:
		return outbox.Throttled, b.failed(fmt.Errorf("%w: %d of %d documents are to be tried again", errBusy, again, len(items)))
	}
	err = b.failed(fmt.Errorf("%d of %d documents wait until somebody mends it: %w", again, len(items), mend))
	if again < len(items) {
		err = outbox.Progress(err)
	}
	return outbox.Refused, err
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
