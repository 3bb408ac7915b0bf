// Package sketch holds the small summaries of large sets: distinct counts
// ([HyperLogLog]), heavy hitters ([TopK]) and the keyed hash ([Key]) that both
// privacy and even spreading ask for.
package sketch
