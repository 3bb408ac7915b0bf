package iforest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrEncoding is wrapped by every error about bytes that are no forest.
var ErrEncoding = errors.New("not an isolation forest")

// The encoding: a version; as uvarints the columns, the trees and the depth; the
// threshold; then each tree in preorder, a cut as the uvarint of its column + 1 and
// its value, an end as 0 and the leaf.
const version = 1

// AppendBinary implements encoding.BinaryAppender. It is what scores depend on; how
// a forest grows on is not part of it.
func (f *Forest) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, version)
	for _, n := range []int{f.columns, f.grown, f.depth} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f.threshold))
	for tree := range f.grown {
		b = f.appendNode(b, tree<<f.depth, 1, 0)
	}
	return b, nil
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (f *Forest) MarshalBinary() ([]byte, error) { return f.AppendBinary(nil) }

func (f *Forest) appendNode(b []byte, from, node, deep int) []byte {
	if deep < f.depth && !math.IsNaN(f.cuts[from+node]) {
		b = binary.AppendUvarint(b, uint64(f.by[from+node])+1)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f.cuts[from+node]))
		return f.appendNode(f.appendNode(b, from, 2*node, deep+1), from, 2*node+1, deep+1)
	}
	leaf := f.leaves[from+node<<(f.depth-deep)-1<<f.depth]
	return binary.LittleEndian.AppendUint32(append(b, 0), math.Float32bits(leaf))
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler. The forest scores as the one
// that was encoded did, to the last bit, and does not grow. After an error f is what
// it was.
func (f *Forest) UnmarshalBinary(b []byte) error {
	d := decoder{b: b}
	if v := d.byte(); v != version {
		d.fail("version %d, not %d", v, version)
	}
	columns, trees, depth := d.number(1, mostColumns), d.number(0, mostTrees), d.number(1, mostDepth)
	threshold := math.Float64frombits(d.uint64())
	if d.err == nil && len(d.b) < 5*trees {
		d.fail("%d bytes for %d trees", len(d.b), trees)
	}
	if d.err != nil {
		return d.err
	}
	out := newForest(columns, trees, depth)
	out.grown, out.threshold = trees, threshold
	for i := range trees {
		out.readNode(&d, i<<depth, 1, 0)
	}
	if len(d.b) > 0 {
		d.fail("%d bytes too many", len(d.b))
	}
	if d.err == nil {
		*f = *out
	}
	return d.err
}

func (f *Forest) readNode(d *decoder, from, node, deep int) {
	column := d.number(0, f.columns)
	if column == 0 {
		leaf := math.Float32frombits(d.uint32())
		if !(leaf >= 0 && leaf <= math.MaxFloat32) {
			d.fail("a depth of %v", leaf)
		}
		t := tree{Forest: f, cuts: f.cuts[from : from+1<<f.depth], leaves: f.leaves[from : from+1<<f.depth]}
		t.end(node, deep, leaf)
		return
	}
	at := math.Float64frombits(d.uint64())
	if deep == f.depth || math.IsNaN(at) || math.IsInf(at, 0) {
		d.fail("a cut at %v, %d deep of %d", at, deep, f.depth)
	}
	if d.err != nil {
		return
	}
	f.cuts[from+node], f.by[from+node] = at, uint16(column-1)
	f.readNode(d, from, 2*node, deep+1)
	f.readNode(d, from, 2*node+1, deep+1)
}

// A decoder reads bytes until there is an error, and zeros then.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err, d.b = fmt.Errorf("%w: "+format, append([]any{ErrEncoding}, args...)...), nil
	}
}

// take returns the next n bytes, zeros where there are not so many.
func (d *decoder) take(n int) []byte {
	if len(d.b) < n {
		d.fail("it ends early")
		return make([]byte, n)
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) byte() byte     { return d.take(1)[0] }
func (d *decoder) uint32() uint32 { return binary.LittleEndian.Uint32(d.take(4)) }
func (d *decoder) uint64() uint64 { return binary.LittleEndian.Uint64(d.take(8)) }

// number reads one that lies between two.
func (d *decoder) number(low, high int) int {
	n, size := binary.Uvarint(d.b)
	if size <= 0 || n < uint64(low) || n > uint64(high) {
		d.fail("a number is not from %d to %d", low, high)
		return low
	}
	d.b = d.b[size:]
	return int(n)
}
