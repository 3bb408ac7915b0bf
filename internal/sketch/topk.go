package sketch

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"
)

// TopK finds the keys of the greatest weight in a stream, with a fixed number of
// counters: Space-Saving (Metwally, Agrawal and El Abbadi, 2005). A key whose
// weight is above the total divided by the number of counters is always among
// them; a count is too high by at most its Error and never too low. It is not
// safe for concurrent use.
type TopK struct {
	max   int
	nodes nodes
	at    map[string]*node
	total float64
}

// Item is a key with its count.
type Item struct {
	Key          string
	Count, Error float64 // the true weight lies between Count-Error and Count
}

type node struct {
	Item
	pos int // in the heap
}

// NewTopK returns a summary with so many counters, at least one.
func NewTopK(counters int) *TopK {
	counters = max(counters, 1)
	return &TopK{max: counters, at: make(map[string]*node, min(counters, 1024))}
}

// Add adds weight to a key. It allocates only for a key that is not among the
// counted ones.
func (t *TopK) Add(key string, weight float64) {
	t.total += weight
	if n := t.at[key]; n != nil {
		n.Count += weight
		heap.Fix(&t.nodes, n.pos)
		return
	}
	key = strings.Clone(key)
	if len(t.nodes) < t.max {
		n := &node{Item: Item{Key: key, Count: weight}}
		t.at[key] = n
		heap.Push(&t.nodes, n)
		return
	}
	n := t.nodes[0] // the least one makes room
	delete(t.at, n.Key)
	n.Item = Item{Key: key, Count: n.Count + weight, Error: n.Count}
	t.at[key] = n
	heap.Fix(&t.nodes, 0)
}

// Scale multiplies all weights, as a decay does.
func (t *TopK) Scale(factor float64) {
	t.total *= factor
	for _, n := range t.nodes {
		n.Count *= factor
		n.Error *= factor
	}
}

// Remove forgets a key; its weight stays in the total.
func (t *TopK) Remove(key string) {
	if n := t.at[key]; n != nil {
		delete(t.at, key)
		heap.Remove(&t.nodes, n.pos)
	}
}

// Total is all the weight added.
func (t *TopK) Total() float64 { return t.total }

// Len is the number of keys that are counted now.
func (t *TopK) Len() int { return len(t.nodes) }

// Top returns the n keys of the greatest count, the greatest first.
func (t *TopK) Top(n int) []Item {
	out := make([]Item, 0, len(t.nodes))
	for _, n := range t.nodes {
		out = append(out, n.Item)
	}
	slices.SortFunc(out, func(a, b Item) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Key, b.Key))
	})
	return slices.Clip(out[:min(max(n, 0), len(out))])
}

// nodes is a heap with the least count on top.
type nodes []*node

func (h nodes) Len() int           { return len(h) }
func (h nodes) Less(i, j int) bool { return h[i].Count < h[j].Count }

func (h nodes) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}

// Push implements heap.Interface.
func (h *nodes) Push(x any) {
	n := x.(*node)
	n.pos = len(*h)
	*h = append(*h, n)
}

// Pop implements heap.Interface.
func (h *nodes) Pop() any {
	old := *h
	n := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return n
}
