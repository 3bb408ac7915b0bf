package influx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"

	"github.com/chronoretrace/chronomon/internal/outbox"
	"github.com/chronoretrace/chronomon/monitor"
)

const (
	// mostRequests is after how many requests a write that looks for the points
	// which spoil it halves no more: enough to find five among 500.
	mostRequests = 64
	// mostAnswer bounds what is read of an answer, and mostReason what is shown.
	mostAnswer = 64 << 10
	mostReason = 200
)

// send implements outbox.Send.
func (s *Sink) send(ctx context.Context, items []outbox.Item) error {
	w := write{Sink: s, left: mostRequests}
	pending := outbox.Pending(items)
	if err := w.send(ctx, pending); err != nil {
		return err
	}
	if w.refused > 0 && w.refused == len(items) {
		return monitor.Permanent(w.reason)
	}
	if w.refused > 0 {
		s.log(slog.LevelWarn, "the store refused points", "store", s.config.name, "points", w.refused, "of", len(items), "error", w.reason)
	}
	return nil
}

// write is the state of one send.
type write struct {
	*Sink
	left    int // requests
	refused int // points
	reason  error
}

// send sends the items in one request, or in halves if they are refused as a
// whole, until those that are to blame are alone or the requests are used up.
func (w *write) send(ctx context.Context, items []*outbox.Item) error {
	if len(items) == 0 {
		return nil
	}
	w.left--
	err := w.writes.WriteRecord(ctx, join(items))
	answer := asAnswer(err)
	switch {
	case err == nil:
		w.count(outbox.OK)
		w.done(items, 0)
		return nil
	case answer.StatusCode == http.StatusRequestEntityTooLarge:
		w.count(outbox.TooLarge)
	case answer.StatusCode == http.StatusBadRequest, answer.StatusCode == http.StatusUnprocessableEntity:
		w.count(outbox.Refused)
		w.reason = refusal(answer)
		if dropped, ok := partial(answer.Message, len(items)); ok {
			w.done(items, dropped)
			return nil
		}
	default:
		return w.failed(ctx, answer, err)
	}
	w.reason = refusal(answer)
	if len(items) == 1 || w.left < 2 {
		w.done(items, len(items))
		return nil
	}
	half := len(items) / 2
	if err := w.send(ctx, items[:half]); err != nil {
		return err
	}
	return w.send(ctx, items[half:])
}

// count counts one request.
func (w *write) count(result string) { w.box.Requests.Add(result, 1) }

// done marks items that the store has answered for.
func (w *write) done(items []*outbox.Item, refused int) {
	for _, item := range items {
		item.Done = true
	}
	w.refused += refused
	w.box.Records.Add(outbox.Rejected, refused)
	w.box.Records.Add(outbox.Taken, len(items)-refused)
}

// failed returns the error of a request that is to be made again.
func (w *write) failed(ctx context.Context, answer *influxhttp.Error, err error) error {
	result := outbox.Failed
	switch code := answer.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		result = outbox.Throttled
	case code >= 400 && code < 500:
		result = outbox.Refused
	}
	w.count(result)
	if answer.StatusCode == 0 { // no answer
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("influx: write to %s: %w", w.config.name, err)
	}
	return outbox.RetryAfter(answer.Header, time.Now(), refusal(answer))
}

// asAnswer returns the server's answer in an error; one without a status if
// there was none.
func asAnswer(err error) *influxhttp.Error {
	if answer, ok := errors.AsType[*influxhttp.Error](err); ok {
		return answer
	}
	return &influxhttp.Error{}
}

// AnswerError is a refusal by the server.
type AnswerError struct {
	Status int    // of HTTP
	Code   string // InfluxDB's, such as "unauthorized"; empty if the answer has none
	Reason string // the server's, shortened
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("influx: the server answered %d %s: %s", e.Status, e.Code, e.Reason)
}

// refusal is the answer as an error that can be shown: lines that the server quotes
// may hold what is not for logs.
func refusal(a *influxhttp.Error) *AnswerError {
	code := a.Code
	if strings.HasPrefix(code, strconv.Itoa(a.StatusCode)) { // the client makes up one of the status
		code = http.StatusText(a.StatusCode)
	}
	return &AnswerError{Status: a.StatusCode, Code: shorten(code), Reason: shorten(quotedLine.ReplaceAllString(a.Message, "a line"))}
}

// quotedLine is how InfluxDB, and VictoriaMetrics, quote what they cannot parse.
var quotedLine = regexp.MustCompile(`(?s)'[^']*(?:'|$)|"[^"]* [^"]*(?:"|$)`)

func shorten(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, strings.TrimSpace(s))
	if len(s) > mostReason {
		s = strings.ToValidUTF8(s[:mostReason], "") + "…"
	}
	return s
}

var droppedCount = regexp.MustCompile(`dropped=(\d+)`)

// partial reports how many points the server dropped of a request whose others
// it has written.
func partial(message string, points int) (dropped int, ok bool) {
	if !strings.Contains(message, "partial write") && !strings.Contains(message, "points beyond retention policy") {
		return 0, false
	}
	if m := droppedCount.FindStringSubmatch(message); m != nil {
		dropped, _ = strconv.Atoi(m[1])
	}
	dropped = max(dropped, strings.Count(message, "unable to parse"), 1)
	return min(dropped, points), true
}

func join(items []*outbox.Item) string {
	size := 0
	for _, item := range items {
		size += len(item.Data) + 1
	}
	var b strings.Builder
	b.Grow(size)
	for _, item := range items {
		b.Write(item.Data)
		b.WriteByte('\n')
	}
	return b.String()
}

// doer makes the client's requests and judges the answers.
type doer struct{ client *http.Client }

func newDoer(c *http.Client) *doer {
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if own.Transport == nil {
		if t, ok := http.DefaultTransport.(*http.Transport); ok {
			own.Transport = t.Clone() // connections that can be closed without the host's
		}
	}
	return &doer{&own}
}

// errNoInflux is the answer of something else: a proxy, a login page.
var errNoInflux = errors.New("the answer is none of an InfluxDB")

// Do implements the client's Doer. An answer is read up to a bound, and a write
// has succeeded if it is answered 204, as all of them do.
func (d *doer) Do(r *http.Request) (*http.Response, error) {
	resp, err := d.client.Do(r)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.URL.Path, "/api/v2/write") && resp.StatusCode < 300 && resp.StatusCode != http.StatusNoContent {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("status %d: %w", resp.StatusCode, errNoInflux)
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, mostAnswer), resp.Body}
	return resp, nil
}
