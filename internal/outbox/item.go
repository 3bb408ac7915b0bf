package outbox

import (
	"hash/maphash"
	"slices"
)

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

// items returns the records ready to be sent. finish is called for those that
// were not in the last failed batch. That batch comes again from its start, or
// without its oldest if the queue had to drop them, and with newer ones behind it.
func (m *memory) recall(records [][]byte, finish func(record []byte) []byte) []Item {
	hashes := make([]uint64, len(records))
	for i, r := range records {
		hashes[i] = maphash.Bytes(m.seed, r)
	}
	items := make([]Item, len(records))
	known := 0
	if len(hashes) > 0 {
		if at := slices.Index(m.hashes, hashes[0]); at >= 0 {
			for known < len(hashes) && at+known < len(m.hashes) && m.hashes[at+known] == hashes[known] {
				items[known] = m.items[at+known]
				known++
			}
		}
	}
	for i := known; i < len(items); i++ {
		items[i].Data = finish(records[i])
	}
	m.hashes, m.items = hashes, items
	return items
}

func (m *memory) forget() { m.hashes, m.items = nil, nil }
