// Package outbox is the way from a sink to a store that takes batches over
// HTTP: what is tried again and when, what is kept on disk meanwhile, and what is
// counted. The queue in front of it (package queue) batches and waits; outbox
// knows of records, of which a request may take some and leave others.
package outbox
