package evidence_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/chronoretrace/chronomon/anomaly/evidence"
	"github.com/chronoretrace/chronomon/monitor"
)

// An alert opens, and links to what was captured then.
func Example() {
	dir, err := os.MkdirTemp("", "evidence")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	failures := evidence.NewErrors()
	m, err := monitor.New(monitor.WithProfileLabels(), monitor.WithSink("evidence", failures))
	if err != nil {
		fmt.Println(err)
		return
	}
	recorder, err := evidence.New(
		m, dir, evidence.WithErrors(failures),
		evidence.WithTrace(0, 0), evidence.WithProfile(0), // an example has no time to lose
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- m.Run(ctx, recorder) }()

	id, err := recorder.Capture(ctx, evidence.Subject{
		Kind: "alert", Name: "HighAPILatency", Explanation: map[string]any{"endpoint": "/quotes", "p99_seconds": 2.5},
	})
	fmt.Println("see /debug/evidence/"+id[:4]+"…", err)

	for range 1000 { // the bundle is there a little later
		f, err := recorder.Open(id)
		if err == nil {
			fmt.Println("stored:", f.Close() == nil)
			break
		}
		if !errors.Is(err, evidence.ErrPending) {
			fmt.Println(err)
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	bundles, err := recorder.List()
	fmt.Println(len(bundles), bundles[0].Kind, bundles[0].Name, err)
	cancel()
	fmt.Println(<-done)
	// Output:
	// see /debug/evidence/2026… <nil>
	// stored: true
	// 1 alert HighAPILatency <nil>
	// <nil>
}
