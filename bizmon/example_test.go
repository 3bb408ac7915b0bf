package bizmon_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/monitor"
)

func Example() {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.FixedZone("CST", 8*60*60)) // a Monday
	m, err := monitor.New(
		monitor.WithClock(func() time.Time { return now }), monitor.WithLogger(slog.New(slog.DiscardHandler)),
		monitor.WithPseudonymKey([]byte("the same in all processes")),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	biz, err := bizmon.New(m)
	if err != nil {
		fmt.Println(err)
		return
	}

	for _, user := range []string{"alice", "bob", "alice"} {
		biz.Users.Track(bizmon.Action{User: user, Name: "screener.run"})
		biz.Stocks.Queried("600519")
	}
	fmt.Println("users of the last hour:", biz.Users.ActiveUsers()[2].Users)
	fmt.Println("hottest:", biz.Stocks.Hottest(1)[0].Symbol)

	akshare, err := biz.Sources.Add("akshare", bizmon.WithMaxLag(time.Minute))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	_ = akshare.Do(ctx, func(context.Context) error { return nil })
	_ = akshare.Do(ctx, func(context.Context) error { return errors.New("connection refused") })
	akshare.Data("600519", now.Add(-2*time.Minute))
	h := akshare.Health()
	for _, p := range h.Parts {
		if p.Name != "response" {
			fmt.Printf("%s %.2f: %s\n", p.Name, p.Score, p.Why)
		}
	}
	// Output:
	// users of the last hour: 2
	// hottest: 600519
	// availability 0.50: 1 of 2 requests failed
	// freshness 0.50: the newest data is 2m0s of trading old, wanted 1m0s
	// completeness 1.00: 0 points are missing beside 1
	// order 1.00: 0 of 1 points are doubled or out of order
}
