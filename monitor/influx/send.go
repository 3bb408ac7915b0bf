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
	// mostRequests bounds those with which one write looks for the points that
	// spoil it: enough to find three among 500. The next one goes on.
	mostRequests = 64
	// mostBytes bounds a request before compression, a fifth of what InfluxDB 1.8
	// takes by default; a larger point goes alone.
	mostBytes = 5 << 20
	// mostAnswer bounds what is read of an answer, and mostReason what is shown.
	mostAnswer = 64 << 10
	mostReason = 200
)

// send implements outbox.Send.
func (s *Sink) send(ctx context.Context, items []outbox.Item) error {
	w := write{Sink: s, left: mostRequests}
	err := w.send(ctx, outbox.Pending(items))
	if err == nil && w.refused > 0 && w.refused == len(items) {
		return monitor.Permanent(w.reason)
	}
	if w.refused > 0 {
		s.log(slog.LevelWarn, "the store refused points", "store", s.config.name, "points", w.refused, "of", len(items), "error", w.reason)
	}
	return err
}

// write is the state of one send.
type write struct {
	*Sink
	left    int // requests that look for what spoils another
	refused int // points
	reason  error
}

// send sends the items in requests of a bounded size, in order.
func (w *write) send(ctx context.Context, items []*outbox.Item) error {
	for len(items) > 0 {
		n, size := 0, 0
		for n < len(items) && (n == 0 || size+len(items[n].Data) < mostBytes) {
			size += len(items[n].Data) + 1
			n++
		}
		if err := w.part(ctx, items[:n]); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

// part sends the items in one request, or in halves if they are refused as a
// whole, until those that are to blame are alone. When the requests for that are
// used up, the items that are left stay for the next send.
func (w *write) part(ctx context.Context, items []*outbox.Item) error {
	err := w.writes.WriteRecord(ctx, join(items))
	answer := asAnswer(err)
	switch {
	case err == nil:
		w.count(outbox.OK)
		w.done(items, 0)
		return nil
	case answer.StatusCode == http.StatusRequestEntityTooLarge:
		w.count(outbox.TooLarge)
	case (answer.StatusCode == http.StatusBadRequest || answer.StatusCode == http.StatusUnprocessableEntity) && !outbox.Page(answer.Header):
		w.count(outbox.Refused)
		if dropped, ok := partial(answer.Message, len(items)); ok {
			w.reason = refusal(answer)
			w.done(items, dropped)
			return nil
		}
	default:
		return w.failed(ctx, answer, err)
	}
	switch {
	case len(items) == 1:
		w.reason = refusal(answer)
		w.done(items, 1)
		return nil
	case w.left < 2:
		return outbox.Progress(refusal(answer))
	}
	w.left -= 2
	half := len(items) / 2
	if err := w.part(ctx, items[:half]); err != nil {
		return err
	}
	return w.part(ctx, items[half:])
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

// refusal is the answer as an error that can be shown.
func refusal(a *influxhttp.Error) *AnswerError {
	code := a.Code
	if strings.HasPrefix(code, strconv.Itoa(a.StatusCode)) { // the client makes up one of the status
		code = http.StatusText(a.StatusCode)
	}
	return &AnswerError{Status: a.StatusCode, Code: shorten(code), Reason: shorten(discreet(a.Message))}
}

// own returns the part of a server's message that quotes no line: up to the first
// quotation mark that is neither an apostrophe nor around a name.
func own(message string) string { return unquoted.FindString(message) }

var unquoted = regexp.MustCompile(`^(?:[a-z]'[a-z]|[^"']|"[^"' ,=]*")*`)

// discreet is a message without the lines in it, which may hold what is not for
// logs. They may have quotation marks in them and be cut off, so that of what is
// behind the first one only the server's own words are kept.
func discreet(message string) string {
	shown := own(message)
	if len(shown) == len(message) {
		return message
	}
	return shown + "a line" + why.FindString(message)
}

// why is what InfluxDB says of a line behind it.
var why = regexp.MustCompile(`(?:: (?:bad timestamp|time outside range|invalid [a-z]+(?: [a-z]+)?|missing [a-z]+(?: [a-z]+)?|duplicate tags|unbalanced quotes))?(?: dropped=\d+)?$`)

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

// droppedCount is at the end of a message, or among the server's own words.
var (
	droppedCount  = regexp.MustCompile(` dropped=(\d+)$`)
	droppedPoints = regexp.MustCompile(`\bdropped (\d+) points`)
)

// partial reports how many points the server dropped of a request whose others
// it has written. A line that it quotes may say anything.
func partial(message string, points int) (dropped int, ok bool) {
	words := own(message)
	if !strings.Contains(words, "partial write") && !strings.Contains(words, "points beyond retention policy") {
		return 0, false
	}
	m := droppedPoints.FindStringSubmatch(words)
	if m == nil {
		m = droppedCount.FindStringSubmatch(message)
	}
	if m != nil {
		dropped, _ = strconv.Atoi(m[1])
	}
	lines := 0 // each of those that were not understood has one of the message
	for line := range strings.Lines(message) {
		if strings.Contains(own(line), "unable to parse") {
			lines++
		}
	}
	return min(max(dropped, lines, 1), points), true
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
