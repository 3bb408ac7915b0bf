package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"time"
)

type options struct {
	parts    []string
	serial   time.Duration
	parallel time.Duration
	scrape   time.Duration
	hooks    time.Duration
	server   time.Duration
	corpus   []string
	only     *regexp.Regexp
}

// The parts of a run.
const (
	partMiddleware = "middleware"
	partScrape     = "scrape"
	partHeap       = "heap"
	partBehaviour  = "behaviour"
	partDB         = "db"
	partCache      = "cache"
	partServer     = "server"
	partSQL        = "sql"
)

var allParts = []string{partMiddleware, partScrape, partHeap, partBehaviour, partDB, partCache, partServer}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, args []string) error {
	o, err := parse(args, w)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s %s/%s, %d CPUs\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	var goals []goal
	for _, part := range o.parts {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		reached, err := runPart(ctx, w, part, o)
		if err != nil {
			return err
		}
		goals = append(goals, reached...)
	}
	if len(goals) > 0 {
		printGoals(w, goals)
	}
	return nil
}

func runPart(ctx context.Context, w io.Writer, part string, o options) ([]goal, error) {
	switch part {
	case partMiddleware:
		costs, err := measure(o.only, o.serial, o.parallel)
		printCosts(w, costs)
		return middlewareGoals(costs), err
	case partScrape:
		list, err := measureScrapes(o.scrape)
		if err != nil {
			return nil, err
		}
		printScrapes(w, list)
		return scrapeGoals(list), nil
	case partHeap:
		list, err := measureHeap()
		if err != nil {
			return nil, err
		}
		printHeap(w, list)
		return heapGoals(list), nil
	case partBehaviour:
		judge(ctx, subjects()).print(w)
		return nil, nil
	case partSQL:
		judge, err := newOracle()
		if err != nil {
			return nil, err
		}
		return judgeSQL(w, judge, append(o.corpus, defaultCorpus...))
	case partServer:
		list, err := measureServers(ctx, o.only, o.server)
		if err != nil {
			return nil, err
		}
		printServers(w, list)
		return serverGoals(list), nil
	case partCache:
		return runFields(w, cacheFields(), o.hooks, cacheGoals)
	case partDB:
		return runFields(w, dbFields(), o.hooks, dbGoals)
	default:
		return nil, fmt.Errorf("unknown part %q: want some of %s", part, strings.Join(allParts, ","))
	}
}

func runFields(w io.Writer, fields []field, d time.Duration, goals func(prices) []goal) ([]goal, error) {
	list, err := measureFields(fields, d)
	if err != nil {
		return nil, err
	}
	printFields(w, fields, list)
	return goals(list), nil
}

func parse(args []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(usage)
	parts := flags.String("part", strings.Join(allParts, ","), "what to run, separated by commas")
	only := flags.String("only", "", "measure only the middlewares, or clients of servers, whose name matches this regular expression")
	flags.DurationVar(&o.serial, "serial", 60*time.Second, "time for all middlewares in turn on one thread")
	flags.DurationVar(&o.parallel, "parallel", 40*time.Second, "time for all middlewares in lock-step on two threads")
	flags.DurationVar(&o.scrape, "scrape", 15*time.Second, "time for all expositions in turn")
	flags.DurationVar(&o.hooks, "hooks", 60*time.Second, "time for all tracers of a database, and again for all hooks of a cache, on one thread")
	flags.DurationVar(&o.server, "server", 120*time.Second, "time for all clients of a real PostgreSQL and a real Redis in turn")
	flags.Func("corpus", "directory with statements for part sql: scripts, or JSON with an input; may be repeated", func(dir string) error {
		o.corpus = append(o.corpus, dir)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.parts = strings.Split(*parts, ",")
	var err error
	o.only, err = regexp.Compile(*only)
	return o, err
}
