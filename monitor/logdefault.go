package monitor

import (
	"context"
	"log/slog"
	"os"
	"slices"
)

// laterDefault is a slog.Handler that passes records to the default one, looked
// for anew each time: what [Monitor.LogHandler] returns can become the default
// only after [New].
type laterDefault struct{ steps []logStep }

type passedOn struct{}

// next is where a record goes: to standard error if it was passed on before,
// as the default handler then leads back to here.
func (h laterDefault) next(ctx context.Context) (context.Context, slog.Handler) {
	if ctx == nil {
		ctx = context.Background()
	}
	if ctx.Value(passedOn{}) != nil {
		return ctx, slog.NewTextHandler(os.Stderr, nil)
	}
	return context.WithValue(ctx, passedOn{}, true), slog.Default().Handler()
}

// Enabled implements slog.Handler.
func (h laterDefault) Enabled(ctx context.Context, level slog.Level) bool {
	ctx, next := h.next(ctx)
	return next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h laterDefault) Handle(ctx context.Context, r slog.Record) error {
	ctx, next := h.next(ctx)
	return walk(next, h.steps).Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h laterDefault) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return laterDefault{append(slices.Clip(h.steps), logStep{attrs: attrs})}
}

// WithGroup implements slog.Handler.
func (h laterDefault) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return laterDefault{append(slices.Clip(h.steps), logStep{group: name})}
}
