package monitortest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chronoretrace/chronomon/internal/queue"
	"github.com/chronoretrace/chronomon/monitor"
)

// NewSink makes a sink to be tested, and a function that returns the events
// that have arrived at its far end so far, in the order in which they came,
// read back into what they were. It is called once for each check and may
// register cleanups with t.
//
// Reading back may lose what a wire format does: times count to the
// millisecond, durations to the microsecond, numbers of any type by their value
// to nine digits, other attribute values by their text, and the order of
// attributes not at all.
type NewSink func(t testing.TB) (s monitor.Sink, arrived func() []monitor.Event)

// SinkFault is a trouble that [TestSink] can only try with the help of someone
// who knows the far end: [Stalled], [Unavailable], [Refused].
type SinkFault struct {
	name  string
	setup func(t testing.TB) monitor.Sink
	check func(s monitor.Sink) error
}

// Stalled is a sink whose far end takes the batch and never answers. Its Write
// has to return when its context ends, with an error that is not permanent.
func Stalled(newSink func(t testing.TB) monitor.Sink) SinkFault {
	return SinkFault{"stalled far end", newSink, checkStalled}
}

// Unavailable is a sink whose far end cannot be reached or is not able to take
// anything at present. Its Write has to return an error that is not permanent,
// so that the batch is tried again.
func Unavailable(newSink func(t testing.TB) monitor.Sink) SinkFault {
	return SinkFault{"unavailable far end", newSink, func(s monitor.Sink) error {
		for range 2 { // it has to bear being tried again
			err := write(context.Background(), s, sampleEvents(3, 0))
			if err == nil {
				return errors.New("a Write to a far end that is not available returned no error: the batch is lost")
			}
			if err := wantTransient(err); err != nil {
				return err
			}
		}
		return nil
	}}
}

// Refused is a sink whose far end is well and says that it will never take the
// batch. Its Write has to return an error made by [monitor.Permanent], without
// which the batch would be tried again until the end of time.
func Refused(newSink func(t testing.TB) monitor.Sink) SinkFault {
	return SinkFault{"refusing far end", newSink, func(s monitor.Sink) error {
		err := write(context.Background(), s, sampleEvents(3, 0))
		switch {
		case err == nil:
			return errors.New("a Write that was refused returned no error: the batch is lost without being counted")
		case !permanent(err):
			return fmt.Errorf("a Write that was refused for good returned an error that is not permanent: %w", err)
		}
		return nil
	}}
}

// TestSink checks that a sink keeps what [monitor.Sink] says, as the queue in
// front of it relies on:
//
//   - a batch whose Write returned no error has arrived whole, in order, with
//     all its events' fields and attributes;
//   - Write obeys its context, and is of use after it was cut short;
//   - an error that is due to the context is not permanent;
//   - the batch is not kept after Write has returned;
//   - an empty batch is harmless;
//   - odd values (not a number, invalid UTF-8, groups, none at all) do not make
//     an error that would be tried again for ever;
//   - the faults, where given.
//
// Write is called by one goroutine at a time, as a monitor does.
func TestSink(t *testing.T, newSink NewSink, faults ...SinkFault) {
	t.Helper()
	runChecks(t, sinkChecks(newSink, faults))
}

func sinkChecks(newSink NewSink, faults []SinkFault) []check {
	with := func(f func(s monitor.Sink, arrived func() []monitor.Event) error) func(testing.TB) error {
		return func(t testing.TB) error { return f(newSink(t)) }
	}
	checks := []check{
		{"batches", with(checkBatches)},
		{"cancelled context", with(checkCancelled)},
		{"kept batch", with(checkKept)},
		{"empty batch", with(checkEmpty)},
		{"odd values", with(checkOdd)},
	}
	for _, f := range faults {
		checks = append(checks, check{f.name, func(t testing.TB) error { return f.check(f.setup(t)) }})
	}
	return checks
}

// write calls Write as the queue does: from a goroutine of its own, with a
// batch that nothing can be appended to.
func write(ctx context.Context, s monitor.Sink, batch []monitor.Event) error {
	_, err := bounded("Write", func() (struct{}, error) { return struct{}{}, s.Write(ctx, slices.Clip(batch)) })
	return err
}

func permanent(err error) bool {
	_, ok := errors.AsType[*queue.PermanentError](err)
	return ok
}

// wantTransient complains of an error that would cost a batch which should be
// tried again, and of none that a Write returned at all.
func wantTransient(err error) error {
	if _, ok := errors.AsType[misconduct](err); ok {
		return err
	}
	if permanent(err) {
		return fmt.Errorf("the error is permanent, so that the batch is dropped, where it should be tried again: %w", err)
	}
	return nil
}

func checkBatches(s monitor.Sink, arrived func() []monitor.Event) error {
	var all []monitor.Event
	for _, n := range []int{1, 2, 7, 500, 1} {
		batch := sampleEvents(n, len(all))
		all = append(all, batch...)
		if err := write(context.Background(), s, batch); err != nil {
			return fmt.Errorf("batch of %d events: %w", n, err)
		}
	}
	return wantArrived(arrived, all)
}

func checkCancelled(s monitor.Sink, arrived func() []monitor.Event) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cut := sampleEvents(3, 0)
	err := write(ctx, s, cut)
	if err == nil {
		if err := wantArrived(arrived, cut); err != nil {
			return fmt.Errorf("a Write whose context was over returned no error: %w", err)
		}
	} else if err := wantTransient(err); err != nil {
		return err
	}
	before := len(arrived()) // some or all of them may have come
	if before > len(cut) {
		return fmt.Errorf("%d events arrived of %d", before, len(cut))
	}
	batch := sampleEvents(5, len(cut))
	if err := write(context.Background(), s, batch); err != nil {
		return fmt.Errorf("after a Write that was cut short: %w", err)
	}
	return wantArrived(func() []monitor.Event { return tail(arrived(), before) }, batch)
}

func tail(events []monitor.Event, from int) []monitor.Event { return events[min(from, len(events)):] }

func checkKept(s monitor.Sink, arrived func() []monitor.Event) error {
	junk := monitor.Event{Kind: monitor.KindMark, Name: "this event was put into the batch after Write had returned"}
	batch := make([]monitor.Event, 4)
	var all []monitor.Event
	for range 3 {
		all = append(all, sampleEvents(len(batch), len(all))...)
		copy(batch, all[len(all)-len(batch):])
		if err := write(context.Background(), s, batch); err != nil {
			return err
		}
		for i := range batch {
			batch[i] = junk
		}
	}
	return wantArrived(arrived, all)
}

func checkEmpty(s monitor.Sink, arrived func() []monitor.Event) error {
	for _, batch := range [][]monitor.Event{nil, {}} {
		if err := write(context.Background(), s, batch); err != nil {
			return fmt.Errorf("an empty batch: %w", err)
		}
	}
	one := sampleEvents(1, 0)
	if err := write(context.Background(), s, one); err != nil {
		return fmt.Errorf("after an empty batch: %w", err)
	}
	return wantArrived(arrived, one)
}

// checkOdd writes events that a format may have no words for. They may be
// refused for good; what must not happen is that they are tried again, since
// they will not get better.
func checkOdd(s monitor.Sink, arrived func() []monitor.Event) error {
	now := time.Now()
	event := func(name string, attrs ...slog.Attr) monitor.Event {
		e := monitor.Event{Time: now, Kind: monitor.KindRequest, Name: name}
		e.Add(attrs...)
		return e
	}
	odd := []monitor.Event{
		event("not a number", slog.Float64("value", math.NaN())),
		event("infinite", slog.Float64("up", math.Inf(1)), slog.Float64("down", math.Inf(-1))),
		event("large", slog.Uint64("value", math.MaxUint64), slog.Int64("negative", math.MinInt64)),
		event("invalid UTF-8", slog.String("value", "a\xffb"), slog.String("key\xff", "x")),
		event("line breaks", slog.String("a\nb", "c\r\nd"), slog.String("quotes", `"\`), slog.String("zero", "\x00")),
		event("separators", slog.String("a b,c=d", "e f,g=h")),
		event("empty", slog.String("", ""), slog.Any("nil", nil)),
		event("group", slog.Group("outer", slog.Group("inner", slog.Int("n", 1)), slog.Bool("b", true)), slog.Group("none")),
		event("anything", slog.Any("error", errors.New("x")), slog.Any("func", func() {}), slog.Any("valuer", resolves{})),
		event("twice", slog.Int("key", 1), slog.String("key", "two")),
		event("reserved", slog.String("time", "x"), slog.String("kind", "y"), slog.String("name", "z"), slog.String("_id", "1")),
		event("long", slog.String("value", strings.Repeat("x", 100_000))),
		event(strings.Repeat("a long name ", 1000)),
		{Time: now, Kind: monitor.KindQuery}, // no name
		{Time: now, Kind: monitor.KindQuery, Name: "negative", Duration: -time.Second},
		{Time: time.Unix(0, 0).AddDate(-100, 0, 0), Kind: monitor.KindQuery, Name: "old"},
	}
	for _, e := range odd {
		before := len(arrived())
		err := write(context.Background(), s, []monitor.Event{e})
		if _, ok := errors.AsType[misconduct](err); ok {
			return fmt.Errorf("event %.20q with odd values: %w", e.Name, err)
		}
		if err != nil && !permanent(err) {
			return fmt.Errorf("event %.20q with odd values would be tried again for ever, since its error is not permanent: %w", e.Name, err)
		}
		if err != nil {
			continue
		}
		if err := until(func() error {
			if n := len(arrived()) - before; n != 1 {
				return fmt.Errorf("event %.20q with odd values was taken, and %d events arrived", e.Name, n)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

type resolves struct{}

// LogValue implements slog.LogValuer.
func (resolves) LogValue() slog.Value { return slog.StringValue("resolved") }

func checkStalled(s monitor.Sink) error {
	for name, end := range map[string]func() (context.Context, context.CancelFunc){
		"cancelled": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(50*time.Millisecond, cancel)
			return ctx, cancel
		},
		"past its deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), 50*time.Millisecond)
		},
	} {
		ctx, cancel := end()
		err := write(ctx, s, sampleEvents(3, 0))
		over := ctx.Err() != nil
		cancel()
		switch {
		case err == nil:
			return errors.New("a Write that got no answer returned no error: the batch is lost")
		case !over:
			return fmt.Errorf("the far end is not stalled: Write returned before its context ended: %w", err)
		}
		if err := wantTransient(err); err != nil {
			return fmt.Errorf("context %s: %w", name, err)
		}
	}
	return nil
}

// sampleEvents makes n events that differ from each other in every field,
// numbered from from.
func sampleEvents(n, from int) []monitor.Event {
	start := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	kinds := monitor.Kinds()
	out := make([]monitor.Event, n)
	for i := range out {
		k := from + i
		e := &out[i]
		e.Time = start.Add(time.Duration(k) * 7 * time.Millisecond)
		e.Kind = kinds[k%len(kinds)]
		e.Name = fmt.Sprintf("/events/%d", k)
		e.Duration = time.Duration(k*k) * time.Microsecond
		e.Failed, e.Slow = k%2 == 0, k%3 == 0
		if k%4 != 0 {
			e.TraceID, e.User = fmt.Sprintf("%032x", k), fmt.Sprintf("user-%d", k)
		}
		attrs := []slog.Attr{
			slog.String("text", fmt.Sprintf("行情 \"%d\"", k)), slog.Int("int", -k), slog.Float64("float", float64(k)+.5), slog.Bool("bool", k%2 == 1),
			slog.String("fifth", "5"), slog.Int64("sixth", int64(k)), slog.String("seventh", "7"), // more than fit inline
		}
		e.Add(attrs[:k%(len(attrs)+1)]...)
	}
	return out
}

// until waits for a check to pass, which may take a far end a moment, and
// returns what it says in the end.
func until(f func() error) error {
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause *= 2 {
		err := f()
		left := time.Until(deadline)
		if err == nil || left <= 0 {
			return err
		}
		time.Sleep(min(pause, left))
	}
}

// wantArrived wants the events, those and no others, in their order.
func wantArrived(arrived func() []monitor.Event, want []monitor.Event) error {
	return until(func() error {
		got := arrived()
		for i := range min(len(got), len(want)) {
			if err := sameEvent(want[i], got[i]); err != nil {
				return fmt.Errorf("event %d of %d, of which %d arrived: %w", i, len(want), len(got), err)
			}
		}
		if len(got) != len(want) {
			return fmt.Errorf("%d events arrived of %d", len(got), len(want))
		}
		return nil
	})
}

// sameEvent compares what survives a wire format.
func sameEvent(want, got monitor.Event) error {
	var errs []error
	differ := func(field string, want, got any) {
		errs = append(errs, fmt.Errorf("%s = %v: want %v", field, got, want))
	}
	if want.Name != got.Name { // another event
		return fmt.Errorf("name = %q: want %q", got.Name, want.Name)
	}
	if want.Kind != got.Kind {
		differ("Kind", want.Kind, got.Kind)
	}
	if !want.Time.Truncate(time.Millisecond).Equal(got.Time.Truncate(time.Millisecond)) {
		differ("Time", want.Time, got.Time)
	}
	if d := want.Duration - got.Duration; d.Abs() > time.Microsecond {
		differ("Duration", want.Duration, got.Duration)
	}
	if want.Failed != got.Failed {
		differ("Failed", want.Failed, got.Failed)
	}
	if want.Slow != got.Slow {
		differ("Slow", want.Slow, got.Slow)
	}
	if want.TraceID != got.TraceID {
		differ("TraceID", want.TraceID, got.TraceID)
	}
	if want.User != got.User {
		differ("User", want.User, got.User)
	}
	n := 0
	for a := range want.Attrs() {
		n++
		if v, ok := got.Attr(a.Key); !ok {
			differ("attribute "+a.Key, a.Value, "nothing")
		} else if !sameValue(a.Value, v) {
			differ("attribute "+a.Key, a.Value, v)
		}
	}
	for range got.Attrs() {
		n--
	}
	if n < 0 {
		errs = append(errs, fmt.Errorf("%d attributes that were not sent", -n))
	}
	return errors.Join(errs...)
}

func sameValue(want, got slog.Value) bool {
	w, ok := number(want)
	g, alike := number(got)
	if ok && alike {
		return sameNumber(w, g)
	}
	return want.String() == got.String()
}

// number returns the value of a number of any type.
func number(v slog.Value) (float64, bool) {
	switch v.Kind() {
	case slog.KindInt64:
		return float64(v.Int64()), true
	case slog.KindUint64:
		return float64(v.Uint64()), true
	case slog.KindFloat64:
		return v.Float64(), true
	}
	return 0, false
}
