package httpcases

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// limit is the longest that one case may take.
const limit = 15 * time.Second

// A Case is one situation.
type Case struct {
	Name      string
	App       App
	HTTP2     bool // over TLS; otherwise HTTP/1.1 in the clear
	Instances int  // of the middleware, over one registry; 0 means 1
	Visit     Visit
	Judge     Judge
}

// A Finding is how a subject did in a case.
type Finding struct {
	Case    string
	Subject string
	Seen    string
	Verdict Verdict
}

// String returns the finding as a table cell.
func (f Finding) String() string {
	if f.Seen == "" {
		return f.Verdict.String()
	}
	return f.Verdict.String() + " " + f.Seen
}

// Run plays the case with a fresh subject and says how that did.
func (c Case) Run(ctx context.Context, setup Setup) Finding {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	f := Finding{Case: c.Name}
	subject, err := setup()
	if err == nil {
		f.Subject = subject.Name
		f.Seen, f.Verdict, err = c.play(ctx, subject)
	}
	switch {
	case errors.Is(err, ErrUnsupported):
		f.Verdict = Absent
	case err != nil:
		f.Seen, f.Verdict = err.Error(), Wrong
	}
	return f
}

func (c Case) play(ctx context.Context, s Subject) (string, Verdict, error) {
	var handlers []http.Handler
	for range max(c.Instances, 1) {
		h, err := wrap(s, c.App)
		if err != nil {
			return "", Wrong, err
		}
		handlers = append(handlers, h)
	}
	before, err := read(s.Gatherer, s.Metrics)
	if err != nil {
		return "", Wrong, err
	}

	stage := open(c.HTTP2, handlers...)
	defer stage.close()
	v := &Visitor{ctx: ctx, stage: stage, inFlight: func() (float64, error) {
		now, err := read(s.Gatherer, s.Metrics)
		return now.inFlight, err
	}}
	if err := c.Visit(v); err != nil {
		return "", Wrong, fmt.Errorf("the client: %w", err)
	}
	if err := await(ctx, func() bool { return stage.settled(v.sent) }); err != nil {
		return "", Wrong, fmt.Errorf("the server: %w", err)
	}
	after, err := read(s.Gatherer, s.Metrics)
	if err != nil {
		return "", Wrong, err
	}
	rose := after.since(before)
	seen, verdict := c.Judge(Observation{
		Metrics:  s.Metrics,
		Series:   rose.series(),
		Duration: rose.duration,
		Request:  rose.requestBytes,
		Response: rose.responseBytes,
		InFlight: after.inFlight,
		During:   v.during,
		Replies:  v.replies,
	})
	return seen, verdict, nil
}

// wrap turns a panic into an error: a subject that registers with Must is
// judged, not fatal.
func wrap(s Subject, app App) (h http.Handler, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return s.Wrap(app)
}
