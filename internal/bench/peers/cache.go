package main

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/cachemon"
)

// What is done with a client whose innermost hook answers.
const (
	cacheGet      = "GET, mix of eight keys, two of them missed"
	cacheSet      = "SET of 1 KiB"
	cachePipeline = "pipeline of ten GETs"
)

// The hooks.
const (
	noHook       = "no hook"
	passHook     = "hook that passes on"
	redisMetrics = "redisotel, metrics"
	redisSpans   = "redisotel, spans"
	redisBoth    = "redisotel, metrics and spans"
)

// cachePeer is a hook to choose.
type cachePeer struct {
	name  string
	spans bool // the caller's context has a span
	hook  func(*redis.Client) error
}

func cachePeers() []cachePeer {
	metrics := func(c *redis.Client) error {
		return redisotel.InstrumentMetrics(c, redisotel.WithMeterProvider(newMeterProvider()))
	}
	spans := func(c *redis.Client) error {
		return redisotel.InstrumentTracing(c, redisotel.WithTracerProvider(newTracerProvider()))
	}
	return []cachePeer{
		{noHook, false, func(*redis.Client) error { return nil }},
		{passHook, false, func(c *redis.Client) error {
			c.AddHook(pass{})
			return nil
		}},
		{oursHook, false, watch},
		{redisMetrics, false, metrics},
		{redisSpans, true, spans},
		{redisBoth, true, func(c *redis.Client) error {
			if err := metrics(c); err != nil {
				return err
			}
			return spans(c)
		}},
	}
}

func watch(c *redis.Client) error {
	m, err := quietMonitor()
	if err != nil {
		return err
	}
	hook, err := cachemon.NewHook(m)
	if err != nil {
		return err
	}
	_, err = hook.Watch("cache", c)
	return err
}

// pass is a hook that does nothing.
type pass struct{}

func (pass) DialHook(next redis.DialHook) redis.DialHook { return next }
func (pass) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return next(ctx, cmd) }
}

func (pass) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { return next(ctx, cmds) }
}

// stub is a hook that stands for the server: each command has its answer.
type stub struct{ pass }

func (stub) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error { return cmd.Err() }
}

func (stub) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error { return nil }
}

// open returns a client that sends nothing, and the context of its caller.
func (p cachePeer) open(c *closers) (*redis.Client, context.Context, error) {
	client := redis.NewClient(&redis.Options{Addr: "192.0.2.1:6379"}) // no host has this address
	c.add(client.Close)
	if err := p.hook(client); err != nil {
		return nil, nil, err
	}
	client.AddHook(stub{})
	if p.spans {
		return client, spanContext(), nil
	}
	return client, context.Background(), nil
}

// cacheKeys are keys as a service has them.
var cacheKeys = []string{
	"stock:daily:600519", "stock:minute:000001:20260105", "session:550e8400-e29b-41d4-a716-446655440000", "user:1042:profile",
	"quote:SH:601318", "backtest:result:8f14e45fceea167a5a36dedd4bea2543", "calendar:2026-01-05", "rate:api:10.0.0.17",
}

func gets(ctx context.Context) []redis.Cmder {
	var list []redis.Cmder
	for i, key := range cacheKeys {
		cmd := redis.NewStringCmd(ctx, "get", key)
		if i%4 == 3 {
			cmd.SetErr(redis.Nil)
		} else {
			cmd.SetVal("value")
		}
		list = append(list, cmd)
	}
	return list
}

func cacheFields() []field {
	of := func(title string, do func(*redis.Client, context.Context) doer) field {
		f := field{title: title, reference: redisMetrics, parts: 1}
		for _, p := range cachePeers() {
			f.rows = append(f.rows, row{p.name, func(c *closers) (doer, error) {
				client, ctx, err := p.open(c)
				if err != nil {
					return nil, err
				}
				return do(client, ctx), nil
			}})
		}
		return f
	}
	return []field{
		of(cacheGet, func(c *redis.Client, ctx context.Context) doer {
			cmds, i := gets(ctx), 0
			return doFunc(func() {
				_ = c.Process(ctx, cmds[i])
				if i++; i == len(cmds) {
					i = 0
				}
			})
		}),
		of(cacheSet, func(c *redis.Client, ctx context.Context) doer {
			cmd := redis.NewStatusCmd(ctx, "set", cacheKeys[0], make([]byte, 1024))
			return doFunc(func() { _ = c.Process(ctx, cmd) })
		}),
		of(cachePipeline, func(c *redis.Client, ctx context.Context) doer {
			var cmds []redis.Cmder
			for i := range 10 {
				cmd := redis.NewStringCmd(ctx, "get", fmt.Sprintf("stock:daily:60051%d", i))
				cmd.SetVal("value")
				cmds = append(cmds, cmd)
			}
			return doFunc(func() {
				p := c.Pipeline()
				_ = p.BatchProcess(ctx, cmds...)
				_, _ = p.Exec(ctx)
			})
		}),
	}
}

func cacheGoals(l prices) []goal {
	get, set, pipeline := l.find(cacheGet, oursHook), l.find(cacheSet, oursHook), l.find(cachePipeline, oursHook)
	return []goal{
		{"go-redis: GET", l.ratio(cacheGet, redisMetrics), 0.15, " × redisotel, metrics", false},
		{"go-redis: allocations, GET, SET or pipeline", max(get.allocs, set.allocs, pipeline.allocs), 0, "", false},
	}
}
