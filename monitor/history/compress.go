package history

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// leastGzip is the size of a body from which it is compressed.
const leastGzip = 1 << 10

// gzips are writers at the fastest level.
var gzips = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	return z
}}

// reply answers a request with a body: compressed, if that is worth it and the
// client takes it.
func reply(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if len(body) >= leastGzip && acceptsGzip(r.Header) {
		h.Set("Content-Encoding", "gzip")
		body = compressed(body)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

func compressed(body []byte) []byte {
	var b bytes.Buffer
	z := gzips.Get().(*gzip.Writer)
	defer gzips.Put(z)
	z.Reset(&b)
	_, _ = z.Write(body) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// acceptsGzip reports whether the client takes gzip: by its name or, if it is not
// named, by the asterisk, and not at q=0.
func acceptsGzip(h http.Header) bool {
	others := false
	for part := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, params, weighed := strings.Cut(part, ";")
		takes := !weighed || positive(params)
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, "gzip"):
			return takes
		case name == "*":
			others = takes
		}
	}
	return others
}

// positive reports whether a weight such as "q=0.5" is more than 0.
func positive(params string) bool {
	name, v, _ := strings.Cut(params, "=")
	q, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	return err == nil && q > 0 && strings.EqualFold(strings.TrimSpace(name), "q")
}
