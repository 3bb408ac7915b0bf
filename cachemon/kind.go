package cachemon

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// The kinds of errors, the values of the label "error".
const (
	kindTimeout    = "timeout"     // no answer in time
	kindCancelled  = "cancelled"   // the caller gave up
	kindPool       = "pool"        // no connection was free in time
	kindRefused    = "refused"     // nobody listens
	kindNetwork    = "network"     // the connection broke or could not be made
	kindClosed     = "closed"      // the client was closed
	kindMoved      = "moved"       // MOVED, ASK, TRYAGAIN: ask another node
	kindDown       = "clusterdown" // CLUSTERDOWN, MASTERDOWN
	kindLoading    = "loading"     // the server reads its data
	kindReadOnly   = "readonly"    // a write to a replica
	kindOOM        = "oom"         // maxmemory
	kindAuth       = "noauth"      // NOAUTH, WRONGPASS, NOPERM
	kindBusy       = "busy"        // a script runs, or there are too many clients
	kindWrongType  = "wrongtype"   // the key holds something else
	kindNoScript   = "noscript"    // EVALSHA of what was not loaded
	kindCrossSlot  = "crossslot"   // keys of several slots
	kindConflict   = "conflict"    // a watched key changed
	kindAborted    = "aborted"     // EXECABORT: another command of the transaction was refused
	kindUnexpected = "other"
)

// replyKinds are the first words of error replies.
var replyKinds = map[string]string{
	"MOVED": kindMoved, "ASK": kindMoved, "TRYAGAIN": kindMoved,
	"CLUSTERDOWN": kindDown, "MASTERDOWN": kindDown,
	"LOADING": kindLoading, "READONLY": kindReadOnly, "OOM": kindOOM,
	"NOAUTH": kindAuth, "WRONGPASS": kindAuth, "NOPERM": kindAuth,
	"BUSY": kindBusy, "WRONGTYPE": kindWrongType, "NOSCRIPT": kindNoScript,
	"CROSSSLOT": kindCrossSlot, "EXECABORT": kindAborted,
}

// kindOf classifies an error. The error's text stays here.
func kindOf(err error) string {
	var reply redis.Error
	switch {
	case errors.Is(err, redis.TxFailedErr):
		return kindConflict
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted):
		return kindPool
	case errors.Is(err, redis.ErrClosed):
		return kindClosed
	case errors.Is(err, context.Canceled):
		return kindCancelled
	case errors.Is(err, context.DeadlineExceeded):
		return kindTimeout
	case errors.As(err, &reply):
		return kindOfReply(reply.Error())
	}
	var nerr net.Error
	switch {
	case errors.As(err, &nerr) && nerr.Timeout():
		return kindTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return kindRefused
	case nerr != nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return kindNetwork
	}
	return kindUnexpected
}

func kindOfReply(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if k, ok := replyKinds[word]; ok {
		return k
	}
	if strings.HasPrefix(text, "ERR max number of clients") {
		return kindBusy
	}
	return kindUnexpected
}
