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
	only     *regexp.Regexp
}

// The parts of a run.
const (
	partMiddleware = "middleware"
	partScrape     = "scrape"
	partHeap       = "heap"
	partBehaviour  = "behaviour"
)

var allParts = []string{partMiddleware, partScrape, partHeap, partBehaviour}

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
	default:
		return nil, fmt.Errorf("unknown part %q: want some of %s", part, strings.Join(allParts, ","))
	}
}

func parse(args []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(usage)
	parts := flags.String("part", strings.Join(allParts, ","), "what to run, separated by commas")
	only := flags.String("only", "", "measure only the middlewares whose name matches this regular expression")
	flags.DurationVar(&o.serial, "serial", 60*time.Second, "time for all middlewares in turn on one thread")
	flags.DurationVar(&o.parallel, "parallel", 40*time.Second, "time for all middlewares in lock-step on two threads")
	flags.DurationVar(&o.scrape, "scrape", 15*time.Second, "time for all expositions in turn")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.parts = strings.Split(*parts, ",")
	var err error
	o.only, err = regexp.Compile(*only)
	return o, err
}
