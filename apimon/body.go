package apimon

import (
	"io"
	"sync/atomic"
)

// countingBody counts what the handler reads. It is made for one request: a
// proxy's transport may go on reading after the handler has returned.
type countingBody struct {
	io.ReadCloser
	n atomic.Int64
}

// Read implements io.Reader.
func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}
