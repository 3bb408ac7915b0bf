package redisstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/bizmon/redisstore"
	"github.com/chronoretrace/chronomon/monitor"
)

func Example() {
	m, err := monitor.New(monitor.WithPseudonymKey([]byte("the same in all processes")))
	if err != nil {
		fmt.Println(err)
		return
	}
	client := redis.NewClient(&redis.Options{Addr: "redis:6379", ContextTimeoutEnabled: true})
	store, err := redisstore.New(client)
	if err != nil {
		fmt.Println(err)
		return
	}
	biz, err := bizmon.New(m, bizmon.WithSketchStore(store, 10*time.Second))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	stop() // when the service ends
	if err := m.Run(ctx, biz); err != nil {
		fmt.Println(err)
	}
}
