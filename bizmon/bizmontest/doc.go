// Package bizmontest tests implementations of bizmon's interfaces.
//
//	func TestStore(t *testing.T) {
//		bizmontest.TestSketchStore(t, func(t testing.TB) func() bizmon.SketchStore {
//			prefix := uniquePrefix(t)
//			return func() bizmon.SketchStore { return mystore.New(client, prefix) }
//		})
//	}
package bizmontest
