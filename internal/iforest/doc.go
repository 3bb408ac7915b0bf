// Package iforest is an isolation forest: it tells how few random cuts part a row
// from a sample of others.
//
//	f, err := iforest.Fit(rows, 10, iforest.Config{Seed: 1}) // 10 columns, row by row
//	if err != nil {
//		return err
//	}
//	scores := make([]float64, len(rows)/10)
//	f.ScoreAll(scores, rows)
//	for i, s := range scores {
//		if s > f.Threshold() {
//			fmt.Println("row", i, "is among the tenth that is easiest to part")
//		}
//	}
//
// [New] and [Forest.Grow] keep a forest over what comes: the oldest tree gives way to
// one of rows that are newer.
//
// A tree cuts a sample of rows at a random value of a random column that varies, and
// either part again, until a row is alone or the depth is reached at which chance
// alone would have parted most. A score is 2^(-E(h)/c), where h is a row's depth in a
// tree and c what it would be on average: towards 1 for what is parted early, 0.5 for
// what is like any other. A cut depends on the order of values and on how they are
// spread, not on their unit: columns need no scaling. What lies beyond all that was
// seen scores as the farthest that was.
//
// Source: F. T. Liu, K. M. Ting, Z.-H. Zhou: Isolation Forest, ICDM 2008.
package iforest
