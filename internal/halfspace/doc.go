// Package halfspace keeps streaming half-space trees: how many rows of the last
// window lay near a row.
//
//	t, err := halfspace.New(2, halfspace.Config{Seed: 1})
//	if err != nil {
//		return err
//	}
//	t.Turn(spans) // between what values most of a column lie
//	for row := range rows {
//		if t.Ready() && t.Score(row) > 0.9 {
//			fmt.Println("hardly any was like", row)
//		}
//		if t.Learn(row); t.Complete() {
//			t.Turn(spans)
//		}
//	}
//
// A tree halves its part of space at each node, in a column drawn by chance, and
// counts the rows in each half: those of the window before, by which rows are scored,
// and those of this one. The trees never change; a row costs a path in each.
//
// Source: S. C. Tan, K. M. Ting, T. F. Liu: Fast Anomaly Detection for Streaming Data,
// IJCAI 2011. Other than there, where values are known to lie between 0 and 1, each
// window has spans, by which its rows are scaled before they are counted, and those
// that are scored by it.
package halfspace
