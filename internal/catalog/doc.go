// Package catalog is Section 6.1 of the design as data: every metric the SDK
// emits, with its type, unit, help in English and Chinese, labels and buckets,
// and the names it goes by in each naming profile.
//
// Nothing else in the project names a metric. A name or label, once here, is
// part of the public promise.
package catalog
