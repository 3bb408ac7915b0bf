package history

import (
	"errors"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
)

// AppendHistogram writes a native histogram of a series of an engine's own, as
// [DB.Append] does with a number. It is not part of the package's API, which has
// none of Prometheus's types: the conformance corpus of the engine, in a module
// of its own, finds it beside Querier.
func (st *store) AppendHistogram(l labels.Labels, t int64, h *histogram.FloatHistogram) error {
	if h == nil {
		return errNoHistogram
	}
	if err := errors.Join(checkLabels(l), checkTime(t), checkNative(nil, h)); err != nil {
		return err
	}
	st.writing.Lock()
	defer st.writing.Unlock()
	defer st.commit(t)
	s := st.get(l, raw, t)
	if s == nil {
		st.counts.drop(dropSeriesLimit)
		return ErrNoRoom
	}
	if st.appendNative(s, t, nil, h.Copy()) == outOfOrder {
		return ErrOutOfOrder
	}
	return nil
}
