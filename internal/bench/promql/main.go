package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"
)

type options struct {
	parts   []string
	server  string
	series  int
	rules   int
	every   time.Duration
	warm    time.Duration
	measure time.Duration
	live    time.Duration
	days    int
}

// The parts of a run.
const (
	partRules       = "rules"
	partCompression = "compression"
	partQueries     = "queries"
)

var allParts = []string{partRules, partCompression, partQueries}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "promql:", err)
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
		reached, err := runPart(ctx, w, part, o)
		if err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
		goals = append(goals, reached...)
	}
	printGoals(w, goals)
	return nil
}

func runPart(ctx context.Context, w io.Writer, part string, o options) ([]goal, error) {
	switch part {
	case partRules:
		return runRules(ctx, w, o)
	case partCompression:
		return runCompression(ctx, w, o)
	case partQueries:
		return runQueries(ctx, w, o)
	default:
		return nil, fmt.Errorf("unknown part: want some of %s", strings.Join(allParts, ","))
	}
}

func parse(args []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("promql", flag.ContinueOnError)
	flags.SetOutput(usage)
	parts := flags.String("part", strings.Join(allParts, ","), "what to run, separated by commas")
	flags.StringVar(&o.server, "server", "", "path of the Prometheus server to compare with (default: the one in PATH)")
	flags.IntVar(&o.series, "series", 10_000, "number of series, a multiple of 20")
	flags.IntVar(&o.rules, "rules", 1_000, "number of rules, a multiple of 50")
	flags.DurationVar(&o.every, "every", 5*time.Second, "how often series are collected and rules are evaluated")
	flags.DurationVar(&o.warm, "warm", 5*time.Minute+10*time.Second, "time to fill the ranges of the rules")
	flags.DurationVar(&o.measure, "measure", time.Minute, "time without, time with rules, and time with rules of which none are shared")
	flags.DurationVar(&o.live, "live", 5*time.Minute, "time for which a server scrapes this process")
	flags.IntVar(&o.days, "days", 30, "how many days of a watched expression to record")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.parts = strings.Split(*parts, ",")
	if o.series < perEndpoint || o.series%perEndpoint != 0 || o.rules < 50 || o.rules%50 != 0 || o.every <= 0 || o.days < 1 {
		return o, errors.New("-series wants a multiple of 20, -rules one of 50, -every and -days something")
	}
	return o, nil
}
