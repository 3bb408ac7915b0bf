// Package monitortest helps to test what is built on package monitor: a monitor
// that runs for the length of a test, fakes that record, comparison of
// expositions, and conformance suites for those who implement
// [monitor.Sink] or [monitor.Querier].
//
//	func TestUploads(t *testing.T) {
//		sink := new(monitortest.Sink)
//		m := monitortest.New(t, monitor.WithSink("test", sink,
//			monitor.WithKinds(monitor.KindJob), monitor.WithBatch(1, time.Millisecond)))
//		uploads := NewUploads(m)
//		uploads.Done("report.csv")
//
//		monitortest.Expect(t, m, `
//			uploads_total{kind="csv"} 1
//		`)
//		require.Equal(t, "report.csv", sink.Wait(t, 1)[0].Name)
//	}
//
// Everything works inside a testing/synctest bubble too, but for [TestSink] and
// [TestQuerier], which run subtests.
package monitortest
