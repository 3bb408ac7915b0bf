package queue

// Reopen makes Offer look as it does for one that came before the end and was
// held up until after it.
func (q *Queue[T]) Reopen() { q.closed.Store(false) }
