// Command size prints what importing the SDK adds to a program: the binary of
// one that serves client_golang's metrics and of one that has monitor and
// apimon besides, with and without symbols.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const here = "github.com/chronoretrace/chronomon/internal/bench/size/"

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "size:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "chronomon-size")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("%-10s %22s %22s %12s\n", "", "client_golang alone", "with monitor+apimon", "added")
	for _, v := range []struct{ name, flags string }{{"default", ""}, {"stripped", "-s -w"}} {
		client, err := build(ctx, dir, "client", v.flags)
		if err != nil {
			return err
		}
		sdk, err := build(ctx, dir, "sdk", v.flags)
		if err != nil {
			return err
		}
		fmt.Printf("%-10s %20.2fMB %20.2fMB %10.2fMB\n", v.name, mb(client), mb(sdk), mb(sdk-client))
	}
	return nil
}

func mb(n int64) float64 { return float64(n) / 1e6 }

// build returns the size of the program's binary.
func build(ctx context.Context, dir, program, ldflags string) (int64, error) {
	out := filepath.Join(dir, program)
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags", ldflags, "-o", out, here+program)
	if text, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build %s: %w\n%s", program, err, text)
	}
	info, err := os.Stat(out)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
