package pgstore

import (
	"errors"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// metrics are those of all stores on a registry. A nil one counts nothing.
type metrics struct{ writes, retries, rejected, pruned *instrument.Group }

func newMetrics(m *monitor.Monitor) (*metrics, error) {
	if m.Off() {
		return nil, nil
	}
	in := &metrics{}
	var errs [4]error
	in.writes, errs[0] = m.Instruments().Counters(catalog.PGStoreWrites)
	in.retries, errs[1] = m.Instruments().Counters(catalog.PGStoreRetries)
	in.rejected, errs[2] = m.Instruments().Counters(catalog.PGStoreRejected)
	in.pruned, errs[3] = m.Instruments().Counters(catalog.PGStorePruned)
	return in, errors.Join(errs[:]...)
}

func (m *metrics) wrote(table string, err error) {
	if m == nil {
		return
	}
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.writes.Cell(table, result).Add(&instrument.Home{}, 0, 1)
}

func (m *metrics) retried() {
	if m != nil {
		m.retries.Cell().Add(&instrument.Home{}, 0, 1)
	}
}

func (m *metrics) rejectedRows(table string, n int) {
	if m != nil && n > 0 {
		m.rejected.Cell(table).Add(&instrument.Home{}, 0, uint64(n))
	}
}

func (m *metrics) prunedRows(table string, n int64) {
	if m != nil {
		m.pruned.Cell(table).Add(&instrument.Home{}, 0, uint64(n))
	}
}
