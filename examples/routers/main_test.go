package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer stop()
	var out bytes.Buffer
	require.NoError(t, run(ctx, &out))
	for _, want := range []string{
		"POST    201          /accounts/{account}/orders\n",
		"GET     503          /history\n",
		"GET     404          /quotes/{symbol}\n",
		"GET     200          /accounts/:account/orders/:order\n",
		"GET     404          /quotes/:symbol\n",
		"GET     200          /ticks\n",
		"GET     404          unmatched\n",
	} {
		require.Contains(t, out.String(), want)
	}
	require.NotContains(t, out.String(), "GET     200          /metrics")
}
