package outbox

import "hash/maphash"

// Item is one record in the store's wire format.
type Item struct {
	Data []byte
	Done bool // the store has answered for it: it is not sent again
}

// Pending returns the items that are not done, in their order.
func Pending(items []Item) []*Item {
	out := make([]*Item, 0, len(items))
	for i := range items {
		if !items[i].Done {
			out = append(out, &items[i])
		}
	}
	return out
}

// memory recognises the records of a batch that failed when the queue offers
// them again, so that each keeps the identity it was first sent under and none
// is sent that was taken.
type memory struct {
	seed   maphash.Seed
	hashes []uint64
	items  []Item
}

// recall returns the records ready to be sent. finish is called for those that
// were not in the last failed batch. That batch comes again from its start, or
// without its oldest if the queue had to drop them, and with newer ones behind it.
func (m *memory) recall(records [][]byte, finish func(record []byte) []byte) []Item {
	hashes := make([]uint64, len(records))
	for i, r := range records {
		hashes[i] = maphash.Bytes(m.seed, r)
	}
	items := make([]Item, len(records))
	known := overlap(m.hashes, hashes)
	copy(items, m.items[len(m.items)-known:])
	for i := known; i < len(items); i++ {
		items[i].Data = finish(records[i])
	}
	m.hashes, m.items = hashes, items
	return items
}

func (m *memory) forget() { m.hashes, m.items = nil, nil }

// overlap is the length of the longest end of a that b begins with, found in one
// pass over each (Knuth, Morris and Pratt, Fast Pattern Matching in Strings, 1977):
// records may be twins, and then there is more than one.
func overlap(a, b []uint64) (n int) {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	shorter := make([]int, len(b)) // by n-1: the next longest beginning of b that b[:n] ends with
	for i := 1; i < len(b); i++ {
		for n > 0 && b[n] != b[i] {
			n = shorter[n-1]
		}
		if b[n] == b[i] {
			n++
		}
		shorter[i] = n
	}
	n = 0
	for _, h := range a {
		for n > 0 && (n == len(b) || b[n] != h) {
			n = shorter[n-1]
		}
		if b[n] == h {
			n++
		}
	}
	return n
}
