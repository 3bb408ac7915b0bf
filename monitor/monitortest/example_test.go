package monitortest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

func ExampleQuerier() {
	q := new(monitortest.Querier)
	q.Answer(`cache_hit_rate`, monitor.Sample{
		Labels: monitor.Labels{"cache_name": "quotes"}, Point: monitor.Point{Value: 0.75},
	})
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	samples, err := q.Query(context.Background(), `cache_hit_rate`, at)
	fmt.Println(samples[0].Labels, samples[0].Value, err)

	_, err = q.Query(context.Background(), `cache_hit_ratio`, at)
	fmt.Println(err)
	fmt.Println(len(q.Calls()), "calls")
	// Output:
	// {cache_name="quotes"} 0.75 <nil>
	// monitortest: no answer to the instant query "cache_hit_ratio", but to:
	// 	cache_hit_rate
	// 2 calls
}

func ExampleSink() {
	sink := new(monitortest.Sink)
	m, err := monitor.New(monitor.WithSink("test", sink, monitor.WithKinds(monitor.KindJob)))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	m.Record(monitor.Event{Kind: monitor.KindJob, Name: "nightly", Duration: time.Minute})
	stop()
	err = m.Run(ctx) // drains the sinks

	for _, e := range sink.Events() {
		fmt.Println(e.Kind, e.Name, e.Duration)
	}
	fmt.Println(sink.Writes(), "write", err)
	// Output:
	// job nightly 1m0s
	// 1 write <nil>
}
